// make logs: what the sandboxes, or the node, have logged.
import { UserError } from "@sandlot/toolchain/errors.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { deployedStack } from "./support/deployed.js";
import { dockerEnvironmentOf } from "./support/docker.js";
import { clusterOf, sandboxSelector, showKubectl } from "./support/kubernetes.js";
import { nodeOf } from "./support/outputs.js";
import { isSet } from "./support/variables.js";

/** `kubectl logs --follow` refuses to follow more pods than this. */
const followed = 50;

await runCommand(
  {
    name: "logs",
    summary: "print the sandboxes' logs (or, with NODE, a node's)",
    variables: ["NODE", "FOLLOW", "TAIL", "STACK"],
  },
  async (given) => {
    const { stack, outputs } = deployedStack(given, "logs");
    const env = await dockerEnvironmentOf(outputs);
    const tail = given.TAIL ?? "100";
    const follow = isSet(given.FOLLOW) ? ["--follow"] : [];
    if (given.NODE !== undefined && given.NODE !== "0") {
      const args = ["logs", "--tail", tail, ...follow, nodeOf(stack, outputs, given.NODE)];
      const { exitCode } = await execa("docker", args, { env, stdio: "inherit", reject: false });
      return exitCode ?? 1;
    }
    if (outputs.namespace === undefined) {
      throw new UserError("Nothing is deployed in this cluster.", "Run `make up` without ONLY=cluster.");
    }
    const which = [
      "--namespace",
      outputs.namespace,
      "logs",
      "--selector",
      sandboxSelector,
      "--container",
      "sandbox",
    ];
    const how = [`--tail=${tail}`, "--prefix", `--max-log-requests=${followed}`, ...follow];
    const { exitCode } = await showKubectl(clusterOf(stack, outputs, env), [...which, ...how]);
    return exitCode ?? 1;
  },
);
