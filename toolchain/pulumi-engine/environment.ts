// What Pulumi is called with: this checkout's own home, state and passphrase.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";

import { stateFolder } from "../paths.js";
import { temporaryFolder } from "./temporary-folder.js";

/** What {@link pulumiEnv} needs to know of an engine. */
interface EnginePlace {
  bin: string;
  home: string;
}

/**
 * The variables for calling `pulumi` in this checkout, to be added to the process's own: state in `.sandlot/state`, no
 * questions to the network, temporary files where they do not outlast this process, and a passphrase of this checkout's unless the
 * user set one.
 */
export function pulumiEnv(engine: EnginePlace, env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return {
    PATH: [engine.bin, env["PATH"] ?? ""].filter((part) => part !== "").join(delimiter),
    TMPDIR: temporaryFolder(),
    PULUMI_HOME: engine.home,
    PULUMI_BACKEND_URL: pathToFileURL(stateFolder("state")).href,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    ...(hasPassphrase(env) ? {} : { PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile() }),
  };
}

function hasPassphrase(env: NodeJS.ProcessEnv): boolean {
  // An empty passphrase is one too.
  return env["PULUMI_CONFIG_PASSPHRASE"] !== undefined || (env["PULUMI_CONFIG_PASSPHRASE_FILE"] ?? "") !== "";
}

/** The file with this checkout's own passphrase, made at random the first time and readable by its owner only. */
function passphraseFile(): string {
  const path = join(stateFolder(), "passphrase");
  if (!existsSync(path))
    writeFileSync(path, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  chmodSync(path, 0o600);
  return path;
}
