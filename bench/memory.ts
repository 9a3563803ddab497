// Memory of containers, pods and single programs, each as the part of the system reports it that limits it.
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@sandlot/toolchain/errors.js";
import { execa } from "execa";

import type { Cluster } from "./cluster.js";
import { parseSize } from "./sizes.js";

/** What a container holds, the page cache that can be given back left out: bytes, as `docker stats` has it. */
export async function containerMemory(container: string, env: NodeJS.ProcessEnv): Promise<number> {
  const args = ["stats", "--no-stream", "--format", "{{.MemUsage}}", container];
  const { stdout } = await execa("docker", args, { env, timeout: 30_000 });
  return parseSize(stdout.split("/")[0] ?? "");
}

/** The part of the kubelet's `/stats/summary` that is read here. */
interface StatsSummary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly memory?: { readonly workingSetBytes?: number };
  }[];
}

/** How long the kubelet may take to look at new pods for the first time: it does so every ten seconds. */
const patience = { timeoutMs: 45_000, pollMs: 2000 };

/**
 * The working set of pods, in bytes and in the order asked for, as the kubelet counts it.
 * @throws UserError when the kubelet has no figure of them in time
 */
export async function podMemory(
  { core }: Cluster,
  namespace: string,
  pods: readonly string[],
  signal: AbortSignal,
): Promise<number[]> {
  const [node] = (await core.listNode()).items;
  const end = performance.now() + patience.timeoutMs;
  while (performance.now() < end) {
    const answer: unknown = await core.connectGetNodeProxyWithPath({
      name: node?.metadata?.name ?? "",
      path: "stats/summary",
    });
    const stats = (typeof answer === "string" ? JSON.parse(answer) : answer) as StatsSummary;
    const found = pods.flatMap((pod) => workingSet(stats, namespace, pod));
    if (found.length === pods.length) return found;
    await sleep(patience.pollMs, undefined, { signal });
  }
  throw new UserError(
    `The kubelet has no memory figures of the pods ${pods.join(", ")}.`,
    "Measure again; see `make logs STACK=bench NODE=1` while it runs.",
  );
}

/** The working set of one pod, if the kubelet knows it. */
function workingSet({ pods }: StatsSummary, namespace: string, pod: string): number[] {
  const bytes = pods.find(({ podRef }) => podRef.name === pod && podRef.namespace === namespace)?.memory
    ?.workingSetBytes;
  return bytes !== undefined && bytes > 0 ? [bytes] : [];
}
