// How Trivy is called: the shell script, and the files and lists that it takes.
import { VulnerabilitySeverity, type AcceptedVulnerability } from "./args";

/** Trivy's list of a severity and all that are worse. */
export function atLeast(severity: VulnerabilitySeverity): string {
  const all = Object.values(VulnerabilitySeverity);
  return all.slice(all.indexOf(severity)).join(",");
}

/** Trivy's file of what does not count. A day must stand without quotes to be one for its reader; rules have seen to what is in it. */
export function ignoreFile(accepted: readonly AcceptedVulnerability[]): string {
  const entries = accepted.map(({ id, reason, until }) =>
    [
      `  - id: ${JSON.stringify(id)}`,
      `    statement: ${JSON.stringify(reason)}`,
      ...(until === undefined ? [] : [`    expired_at: ${until}`]),
    ].join("\n"),
  );
  return entries.length === 0 ? "" : `vulnerabilities:\n${entries.join("\n")}\n`;
}

/**
 * Needs IMAGE, SOURCES (where Trivy looks for it), SEVERITIES, ACCEPTED (the content of Trivy's file) and, if given, DATABASE,
 * UNFIXED and END_OF_LIFE. Fails if anything counts, and also if Trivy cannot tell. Prints the image.
 *
 * Several scans run at once, and only one process can have Trivy's cache of images: each has its own, in memory.
 */
export const scanScript = `set -eu
if ! command -v trivy >/dev/null; then
  echo "Images are scanned with Trivy, which is not on the PATH: install it (https://trivy.dev)." >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s' "$ACCEPTED" >"$work/accepted.yaml"
set -- --scanners vuln --severity "$SEVERITIES" --ignorefile "$work/accepted.yaml" --image-src "$SOURCES"
if [ -z "\${UNFIXED:-}" ]; then set -- "$@" --ignore-unfixed; fi
if [ -z "\${END_OF_LIFE:-}" ]; then set -- "$@" --exit-on-eol 4; fi
if [ -n "\${DATABASE:-}" ]; then set -- "$@" --db-repository "$DATABASE"; fi
status=0
trivy image "$@" --exit-code 3 --format table --table-mode detailed --no-progress --skip-version-check --disable-telemetry \\
  --cache-backend memory "$IMAGE" >"$work/found" 2>"$work/said" || status=$?
case $status in
0) echo "$IMAGE" ;;
3)
  cat "$work/found" >&2
  echo "$IMAGE has the vulnerabilities above. Take an image that is free of them, or accept them in imageScan." >&2
  exit 1
  ;;
4)
  echo "$IMAGE is of a distribution's release that gets no fixes any more, so that a scan says little. Take one of a newer release, or set endOfLife in imageScan." >&2
  exit 1
  ;;
*)
  cat "$work/said" >&2
  echo "$IMAGE could not be scanned, so it is not used: see above why." >&2
  exit 1
  ;;
esac
`;
