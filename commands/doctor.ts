// make doctor: what this machine has, what it lacks, and how to get that.
import { existsSync } from "node:fs";
import { join } from "node:path";

import { findEngine } from "@sandlot/toolchain/docker-engine/index.js";
import { checkMachine } from "@sandlot/toolchain/prerequisites/index.js";

import { publishedPorts } from "./support/checks.js";
import { runCommand } from "./support/command.js";
import { readStackFile, stackOf } from "./support/stack-file.js";

await runCommand(
  {
    name: "doctor",
    summary: "say what is missing on this machine and how to get it",
    variables: ["STACK", "FORMAT"],
  },
  async (given) => {
    const stack = stackOf(given.STACK);
    const docker = await findEngine().catch(() => undefined);
    const checks = await checkMachine({
      // Once set up, nothing is built any more.
      builds: !existsSync(join(stack.dir, "resolved.json")),
      ports: publishedPorts(readStackFile(stack.name)),
      portOptions: {
        host: "127.0.0.1",
        ownContainer: `sandlot-${stack.name}`,
        ...(docker === undefined ? {} : { docker }),
      },
    });
    if (given.FORMAT === "json") {
      console.log(JSON.stringify(checks, null, 2));
    } else {
      for (const { ok, name, found, needed, remedy } of checks) {
        console.log(`${ok ? "✓" : "✗"} ${name}: ${found}${ok ? "" : `; needed: ${needed}\n  ${remedy}`}`);
      }
    }
    return checks.every(({ ok }) => ok) ? 0 : 1;
  },
);
