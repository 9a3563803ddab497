// A pod that calls a URL over and over, each time by a new connection, and counts what comes of it.
import { execa } from "execa";

import { eventually, kubectl, node } from "./cluster.js";
import { apply, testPod } from "./targets.js";
import { ensureTestbox, loadImage } from "./testbox.js";

/** Calls until now: those answered, and those that were not. */
export interface Calls {
  readonly answered: number;
  readonly failed: number;
}

/** A client that calls until it is stopped. */
export interface SteadyClient {
  calls(): Calls;
  stop(): Promise<void>;
}

/** Starts calling `url` from a client pod in `namespace`; resolves when the first call was answered. */
export async function startClient(namespace: string, url: string): Promise<SteadyClient> {
  await loadImage(node, await ensureTestbox());
  const name = "steady-client";
  await apply([testPod(name, namespace, { "sandlot.dev/sandbox-client": "true" })]);
  // Without `timeout`: busybox's leaves a dead process behind each time, and nothing in the pod clears them away.
  const loop = `while :; do wget -qO /dev/null ${url} && echo answered || echo failed; done`;
  const child = execa(
    "docker",
    ["exec", node, "kubectl", "exec", "-n", namespace, name, "--", "sh", "-c", loop],
    {
      reject: false,
      buffer: false,
    },
  );
  let answered = 0;
  let failed = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    answered += chunk.toString().match(/answered/g)?.length ?? 0;
    failed += chunk.toString().match(/failed/g)?.length ?? 0;
  });
  await eventually("a first answer", () => Promise.resolve(answered > 0));
  return {
    calls: () => ({ answered, failed }),
    stop: async () => {
      child.kill();
      await kubectl("delete", "pod", "-n", namespace, name, "--grace-period=0", "--force");
    },
  };
}
