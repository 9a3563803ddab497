// make exec: a command in a sandbox, or in the node's container.
import { UserError } from "@sandlot/toolchain/errors.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { deployedStack } from "./support/deployed.js";
import { dockerEnvironment } from "./support/docker.js";
import { nodeOf } from "./support/outputs.js";
import { runInSandbox } from "./support/sandbox.js";

await runCommand(
  {
    name: "exec",
    summary: "run a command in a sandbox (or, with NODE, in a node's container)",
    variables: ["CMD", "NODE", "STACK"],
    examples: [
      `make exec CMD='python3 -c "print(6 * 7)"'`,
      "make exec NODE=1 CMD='kubectl get pods -A'",
      "make exec NODE=agent-1 CMD='df -h'",
    ],
  },
  async (given) => {
    if (given.CMD === undefined)
      throw new UserError("CMD is missing.", "Give the command, such as: make exec CMD='uname -a'");
    const { stack, outputs } = deployedStack(given, "exec");
    if (given.NODE !== undefined && given.NODE !== "0") {
      const { exitCode } = await execa(
        "docker",
        ["exec", nodeOf(stack, outputs, given.NODE), "sh", "-c", given.CMD],
        {
          env: await dockerEnvironment(),
          stdio: "inherit",
          reject: false,
        },
      );
      return exitCode ?? 1;
    }
    if (outputs.endpoint === undefined) {
      throw new UserError(
        "No sandbox is published on this machine.",
        outputs.context === undefined
          ? "Set sandbox.nodePort and sandbox.hostPort in the stack's file."
          : `Use the cluster's own way in: kubectl --context ${outputs.context} --namespace ${outputs.namespace ?? "sandlot"} exec ` +
            "deployment/sandbox -- COMMAND",
      );
    }
    const { stdout, stderr, exitCode, status } = await runInSandbox(outputs.endpoint, given.CMD);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    if (exitCode === null) console.error(`The command ended without an exit code (${status}).`);
    return exitCode ?? 1;
  },
);
