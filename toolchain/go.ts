// The Go compiler as setup uses it: is it there, which one is it, and in what environment it runs.
import { execa } from "execa";

import { UserError } from "./errors.js";
import { minimumVersions } from "./versions.js";

/** Where a program runs that is built: in a container, so on Linux, or on this machine, whatever it is. */
export type GoTarget = "container" | "native";

/** Go's and Docker's names for processors, by Node's. */
const architectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  ppc64: "ppc64le",
};

/** Go's and Docker's name for a processor, of Node's name: this machine's, if none is given. */
export function goArchitecture(arch: string = process.arch): string {
  return architectures[arch] ?? arch;
}

/**
 * What every build of ours runs in: no C, no workspace of the user's, and more heap for the compiler than for time.
 * @param architecture for a container: Go's name of the processor there
 */
export function goEnvironment(
  target: GoTarget = "container",
  architecture = goArchitecture(),
): NodeJS.ProcessEnv {
  const system =
    target === "native" ? { GOOS: undefined, GOARCH: undefined } : { GOOS: "linux", GOARCH: architecture };
  return { CGO_ENABLED: "0", GOWORK: "off", GOGC: process.env["GOGC"] ?? "400", ...system };
}

/**
 * Flags that make the compiler faster and leave the code as it is, so no part of a cache's key: debugging information is
 * not generated, as the linker throws it away (`-s -w`). A sixth of the compiler's time. Whatever is built takes them, with
 * `-trimpath`, also where it is little: Go keeps what it compiles by its flags, so that one build with others compiles the
 * standard library anew.
 */
export const quickCompile = ["-gcflags=all=-dwarf=false"];

/**
 * The version, system and architecture of the Go that builds the module in `dir`, such as `go1.26.8 linux/amd64`, and
 * the system that it builds for if that is another: what decides on the result, beside the sources.
 * @param why what needs it, as the first half of a sentence
 * @throws UserError when Go is missing, or too old and unable to fetch a newer one of itself.
 */
export async function goVersion(
  dir: string,
  why: string,
  target: GoTarget = "container",
  platform: string = process.platform,
): Promise<string> {
  const result = await execa("go", ["version"], {
    cwd: dir,
    env: goEnvironment(target),
    reject: false,
    timeout: 60_000,
  });
  if (!result.failed) {
    const version = result.stdout.replace(/^go version /, "").trim();
    return target === "native" || platform === "linux" ? version : `${version} for linux/${goArchitecture()}`;
  }
  const missing = result.code === "ENOENT";
  throw new UserError(
    `Go is ${missing ? "missing" : `not usable (${result.stderr.trim() || String(result.shortMessage)})`}, and ${why}`,
    `Install Go ${minimumVersions.go} or newer (https://go.dev/dl/), put its bin folder on PATH and run the command again`,
    { cause: result },
  );
}

/** Why there is no Go here that can build the module in `dir`, such as `Go is missing`; undefined if there is. */
export async function goObstacle(dir: string): Promise<string | undefined> {
  // Reads go.mod, so fails where Go is older than that asks for and cannot fetch a newer one of itself.
  const result = await execa("go", ["list", "-m"], {
    cwd: dir,
    env: { ...goEnvironment(), GOFLAGS: "-mod=readonly" },
    reject: false,
    timeout: 60_000,
  });
  if (!result.failed) return undefined;
  if (result.code === "ENOENT") return "Go is missing";
  return `Go is not usable (${result.stderr.trim().split("\n").at(-1) || String(result.shortMessage)})`;
}
