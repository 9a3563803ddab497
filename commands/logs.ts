// make logs: what the sandboxes, or the node, have logged.
import { Log } from "@kubernetes/client-node";
import { UserError } from "@sandlot/toolchain/errors.js";
import { execa } from "execa";
import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";

import { runCommand } from "./support/command.js";
import { dockerEnvironment } from "./support/docker.js";
import { connect, sandboxSelector } from "./support/kubernetes.js";
import { readOutputs } from "./support/outputs.js";
import { stackOf } from "./support/stack-file.js";
import { isSet } from "./support/variables.js";

await runCommand(
  {
    name: "logs",
    summary: "print the sandboxes' logs (or, with NODE=1, the node's)",
    variables: ["NODE", "FOLLOW", "TAIL", "STACK"],
  },
  async (given) => {
    const stack = stackOf(given.STACK);
    const outputs = readOutputs(stack);
    const tail = given.TAIL ?? "100";
    const follow = isSet(given.FOLLOW);
    if (isSet(given.NODE)) {
      const args = ["logs", "--tail", tail, ...(follow ? ["--follow"] : []), outputs.nodeContainer];
      const { exitCode } = await execa("docker", args, {
        env: await dockerEnvironment(),
        stdio: "inherit",
        reject: false,
      });
      return exitCode ?? 1;
    }
    const { namespace } = outputs;
    if (namespace === undefined)
      throw new UserError("Nothing is deployed in this cluster.", "Run `make up` without ONLY=cluster.");
    const { config, core } = connect(stack);
    const pods = (await core.listNamespacedPod({ namespace, labelSelector: sandboxSelector })).items;
    if (pods.length === 0)
      throw new UserError(`There are no sandboxes in namespace ${namespace}.`, "See `make status`.");
    const log = new Log(config);
    await Promise.all(
      pods.map(async ({ metadata }) => {
        const pod = metadata?.name ?? "";
        const lines = new PassThrough();
        createInterface({ input: lines }).on("line", (line) => {
          console.log(`${pod} ${line}`);
        });
        await log.log(namespace, pod, "sandbox", lines, { follow, tailLines: Number(tail) });
        await new Promise((resolve) => lines.once("close", resolve).once("end", resolve));
      }),
    );
    return 0;
  },
);
