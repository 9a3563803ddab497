// make scan: what has become known of the images that a stack runs.
import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { deployedStack } from "./support/deployed.js";
import { dockerEnvironmentOf } from "./support/docker.js";
import { scansIn, withScanner, type Scan } from "./support/scanner.js";
import { readState } from "./support/state.js";

await runCommand(
  {
    name: "scan",
    summary: "scan the images of a stack again, as its last update did; fails when something counts",
    variables: ["STACK"],
    examples: ["make scan STACK=production"],
  },
  async (given) => {
    const { stack, outputs } = deployedStack(given, "scan");
    const scans = scansIn(readState(stack));
    if (scans.length === 0) {
      throw new UserError(
        `No image of stack ${stack.name} is scanned.`,
        "Set sandlot:imageScan in its file and run `make up`. See docs/image-scanning.md.",
      );
    }
    const env = await withScanner(await dockerEnvironmentOf(outputs));
    let failed = 0;
    for (const scan of scans) {
      const { exitCode, stderr } = await step(`Scan ${scan.image}`, () => rescan(scan, env));
      if (exitCode === 0) continue;
      failed += 1;
      console.log(stderr);
    }
    console.log(`${scans.length - failed} of ${scans.length} images passed.`);
    return failed === 0 ? 0 : 1;
  },
);

/** Runs the script that the update ran. */
async function rescan({ script, environment }: Scan, env: NodeJS.ProcessEnv) {
  return execa("sh", ["-c", script], { env: { ...env, ...environment }, stdin: "ignore", reject: false });
}
