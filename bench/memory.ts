// Memory of containers, pods and single programs, each as the part of the system reports it that limits it.
import { UserError } from "@sandlot/toolchain/errors.js";
import { execa } from "execa";

import type { Cluster } from "../commands/support/kubernetes.js";
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

/** The working set of pods, in bytes and in the order asked for, as the kubelet counts it. */
export async function podMemory(
  { core }: Cluster,
  namespace: string,
  pods: readonly string[],
): Promise<number[]> {
  const [node] = (await core.listNode()).items;
  const answer: unknown = await core.connectGetNodeProxyWithPath({
    name: node?.metadata?.name ?? "",
    path: "stats/summary",
  });
  const stats = (typeof answer === "string" ? JSON.parse(answer) : answer) as StatsSummary;
  return pods.map((pod) => {
    const found = stats.pods.find(({ podRef }) => podRef.name === pod && podRef.namespace === namespace);
    const bytes = found?.memory?.workingSetBytes;
    if (bytes !== undefined && bytes > 0) return bytes;
    throw new UserError(
      `The kubelet has no memory figure of pod ${pod}.`,
      "Measure again; see `make logs NODE=1`.",
    );
  });
}
