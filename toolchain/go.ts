// The Go compiler as setup uses it: is it there, which one is it, and in what environment it runs.
import { execa } from "execa";

import { UserError } from "./errors.js";
import { minimumVersions } from "./versions.js";

/** What every build of ours runs in: no C, no workspace of the user's, and more heap for the compiler than for time. */
export function goEnvironment(): NodeJS.ProcessEnv {
  return { CGO_ENABLED: "0", GOWORK: "off", GOGC: process.env["GOGC"] ?? "400" };
}

/**
 * The version, system and architecture of the Go that builds the module in `dir`, such as `go1.26.8 linux/amd64`.
 * @param why what needs it, as the first half of a sentence
 * @throws UserError when Go is missing, or too old and unable to fetch a newer one of itself.
 */
export async function goVersion(dir: string, why: string): Promise<string> {
  const result = await execa("go", ["version"], {
    cwd: dir,
    env: goEnvironment(),
    reject: false,
    timeout: 60_000,
  });
  if (!result.failed) return result.stdout.replace(/^go version /, "").trim();
  const missing = result.code === "ENOENT";
  throw new UserError(
    `Go is ${missing ? "missing" : `not usable (${result.stderr.trim() || result.shortMessage})`}, and ${why}`,
    `Install Go ${minimumVersions.go} or newer (https://go.dev/dl/), put its bin folder on PATH and run the command again`,
    { cause: result },
  );
}
