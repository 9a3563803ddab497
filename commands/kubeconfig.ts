// make kubeconfig: the path of the cluster's kubeconfig, or that context merged into the user's own.
import { existsSync } from "node:fs";

import { UserError } from "@sandlot/toolchain/errors.js";

import { runCommand } from "./support/command.js";
import { deployedStack } from "./support/deployed.js";
import { mergeContext, userKubeconfig } from "./support/merge-kubeconfig.js";
import { kubeconfigPath, upCommand } from "./support/outputs.js";
import { isSet } from "./support/variables.js";

await runCommand(
  {
    name: "kubeconfig",
    summary: "print how to reach the cluster with kubectl",
    variables: ["MERGE", "STACK"],
    examples: [
      "eval $(make -s kubeconfig)",
      "make kubeconfig MERGE=1 && kubectl --context sandlot-dev get pods -A",
    ],
  },
  async (given) => {
    const { stack } = deployedStack(given, "kubeconfig");
    const path = kubeconfigPath(stack);
    if (!existsSync(path)) throw new UserError(`${path} is missing.`, `Run: ${upCommand(stack)}`);
    if (isSet(given.MERGE)) {
      const target = userKubeconfig();
      mergeContext(path, target, `sandlot-${stack.name}`);
      console.error(`Context sandlot-${stack.name} is in ${target}.`);
    } else {
      console.log(`export KUBECONFIG=${path}`);
    }
    return Promise.resolve(0);
  },
);
