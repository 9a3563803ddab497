// Debian packages for the machine and for root file systems: installed by apt, from wherever this machine's apt gets them.
import { readdirSync, readFileSync, existsSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { UserError } from "./errors.js";
import { run, tryOutput } from "./run.js";
import type { Progress } from "./progress.js";

/** Whether this machine has apt and we may use it. */
export function canInstall(): boolean {
  return existsSync("/usr/bin/apt-get") && process.getuid?.() === 0;
}

/** Of these packages, those that are not installed. */
export async function missingPackages(packages: readonly string[]): Promise<string[]> {
  const listing = (await tryOutput("dpkg-query", ["-W", "-f=${Package} ${Status}\\n"])) ?? "";
  const installed = new Set(
    listing.split("\n").flatMap((line) => {
      const [name = "", ...status] = line.split(" ");
      return status.join(" ") === "install ok installed" ? [name] : [];
    }),
  );
  return packages.filter((name) => !installed.has(name));
}

/**
 * Installs the packages that are missing, without recommended ones and without questions. Does nothing when all are there.
 * @throws UserError when they are missing and this user or machine cannot install them.
 */
export async function ensureAptPackages(packages: readonly string[], progress?: Progress): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  if (!canInstall()) {
    throw new UserError(
      `These packages are missing: ${missing.join(", ")}`,
      `Install them as root (on Debian: apt-get install ${missing.join(" ")}) and run the command again`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  // Another apt at work (an automatic upgrade, a second command of ours) is waited for, not failed on.
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...wait, ...missing];
  try {
    await run("apt-get", install, { env, log: "apt", progress });
  } catch {
    // The package lists may be missing or old; only then is the time for an update well spent.
    await run("apt-get", ["update", "-qq"], { env, log: "apt", progress });
    await run("apt-get", install, { env, log: "apt", progress });
  }
}

/** One Debian archive that this machine's apt reads: where, and the key that signs it. */
export interface DebianArchive {
  uri: string;
  signedBy?: string;
}

/**
 * The archive of Debian itself (not of security updates, not of other vendors) in the text of apt source files,
 * in deb822 or one-line format; undefined when there is none.
 */
export function debianArchive(texts: readonly string[]): DebianArchive | undefined {
  return texts.flatMap((text) => [...deb822(text), ...oneLine(text)]).find(isDebian);
}

interface Source extends DebianArchive {
  suites: string[];
}

function isDebian(source: Source): boolean {
  return source.suites.some((suite) =>
    /^(bookworm|trixie|forky|sid|stable|testing|unstable|oldstable)$/.test(suite),
  );
}

function deb822(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const line of stanza.split("\n")) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match?.[1] !== undefined) fields.set(match[1].toLowerCase(), (match[2] ?? "").trim());
    }
    const uri = fields.get("uris")?.split(/\s+/)[0];
    const types = fields.get("types")?.split(/\s+/) ?? [];
    if (uri === undefined || !types.includes("deb") || fields.get("enabled") === "no") return [];
    const signedBy = fields.get("signed-by");
    return [
      {
        uri,
        suites: fields.get("suites")?.split(/\s+/) ?? [],
        signedBy: signedBy === "" ? undefined : signedBy,
      },
    ];
  });
}

function oneLine(text: string): Source[] {
  return text.split("\n").flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+\S+/.exec(line.trim());
    if (match?.[2] === undefined || match[3] === undefined) return [];
    return [{ uri: match[2], suites: [match[3]], signedBy: /signed-by=(\S+)/.exec(match[1] ?? "")?.[1] }];
  });
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * A deb822 source file for `suite` of Debian from the mirror that this machine's own apt uses, or from deb.debian.org
 * on a machine that is no Debian (needs the keyring of the package `debian-archive-keyring`).
 */
export function aptSources(suite: string, root = "/etc/apt"): string {
  const archive = debianArchive(sourceFiles(root).map((file) => readFileSync(file, "utf8")));
  return [
    "Types: deb",
    `URIs: ${archive?.uri ?? "http://deb.debian.org/debian"}`,
    `Suites: ${suite}`,
    "Components: main",
    `Signed-By: ${archive?.signedBy ?? keyring}`,
    "",
  ].join("\n");
}

function sourceFiles(root: string): string[] {
  const folder = join(root, "sources.list.d");
  const parts = existsSync(folder) ? readdirSync(folder).sort() : [];
  return [join(root, "sources.list"), ...parts.map((name) => join(folder, name))].filter(
    (path) => existsSync(path) && /\.(list|sources)$/.test(path),
  );
}

/**
 * The machine's own apt settings that say how to reach the archives (proxies, time-outs, checks), as arguments for
 * mmdebstrap, which otherwise starts from apt's defaults.
 */
export async function mmdebstrapAptOptions(): Promise<string[]> {
  const { stdout } = await execa("apt-config", ["dump", "Acquire"]);
  return stdout
    .split("\n")
    .filter((line) =>
      /^Acquire::(https?::(Proxy|Timeout)|https::(CaInfo|Verify)|Check-Date|Check-Valid-Until|Retries)\b/i.test(
        line,
      ),
    )
    .filter((line) => !line.endsWith('"";'))
    .map((line) => `--aptopt=${line}`);
}
