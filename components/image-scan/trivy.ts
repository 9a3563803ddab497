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
 * One scan runs at a time, whoever started it for this user: Trivy replaces its database in place, and a scan that reads what
 * another is writing says nothing. Whose turn it is, is a symbolic link to a process id: it is made by one or by none, and
 * the link of a process that was killed tells that it was. Of those that see it, one at a time looks once more and removes it: by
 * then it may be the link of another that has its turn. What Trivy notes of images is kept in memory, as the user's own
 * Trivy may have the files for it.
 */
export const scanScript = `set -eu
if ! command -v trivy >/dev/null; then
  echo "Images are scanned with Trivy, which is not on the PATH: install it (https://trivy.dev)." >&2
  exit 1
fi
cache=\${TRIVY_CACHE_DIR:-\${XDG_CACHE_HOME:-\${HOME:-/tmp}/.cache}}
turn="$cache/sandlot-image-scan"
mkdir -p "$cache"
over() { holder=$(readlink "$turn") && ! kill -0 "$holder" 2>/dev/null; }
until ln -s "$$" "$turn" 2>/dev/null; do
  if over && mkdir "$turn.over" 2>/dev/null; then
    if over; then rm -f "$turn"; fi
    rmdir "$turn.over"
  else
    find "$turn.over" -maxdepth 0 -mmin +1 -exec rmdir {} + 2>/dev/null || true
    sleep 0.2
  fi
done
work=$(mktemp -d)
trap 'rm -rf "$work" "$turn"' EXIT
trap 'exit 1' HUP INT TERM
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
