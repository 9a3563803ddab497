// What the way through the router adds to a command: the same command in the same sandbox, once by the router and once straight to
// the pod's port.
import { step } from "@sandlot/toolchain/progress.js";

import { POD, SANDBOX_ID } from "../../provisioner/src/model/labels.js";
import { nodePort } from "./manifests.js";
import type { Stand } from "./stand.js";

const rounds = 100;
const warmUps = 5;
const id = "bench-routed";

/** Milliseconds. */
export interface RouterTimes {
  readonly routed: number[];
  readonly direct: number[];
}

/** Round trips, both kinds in turn. */
export async function routerTimes(stand: Stand): Promise<RouterTimes> {
  const times: RouterTimes = { routed: [], direct: [] };
  await step(`Commands by the router and without it, ${rounds} of each`, async () => {
    const { sandbox_url: url } = await stand.client.claim(id);
    const [, token = ""] = /\/t\/([^/]+)/.exec(url) ?? [];
    const direct = await directUrl(stand);
    const ways = {
      routed: () => stand.client.runs(url),
      direct: () => stand.client.runs(direct, { "x-sandbox-token": token }),
    };
    // The node's rules for a new Service take a moment.
    for (let tries = 0; !(await ways.direct().catch(() => false)); tries++) {
      if (tries > 100) throw new Error("the sandbox does not answer at the port of the node");
      await stand.settle(100);
    }
    for (let round = -warmUps; round < rounds; round++)
      for (const name of ["routed", "direct"] as const) {
        const started = performance.now();
        if (!(await ways[name]())) throw new Error(`a command was not run (${name})`);
        if (round >= 0) times[name].push(performance.now() - started);
      }
    await stand.removeSandboxes([id]);
  });
  return times;
}

/** Opens a port of the node to the sandbox. */
async function directUrl({ cluster, namespace, nodeAddress }: Stand): Promise<string> {
  const { items } = await cluster.core.listNamespacedPod({ namespace, labelSelector: `${SANDBOX_ID}=${id}` });
  const pod = items[0]?.metadata?.labels?.[POD] ?? "";
  const body = nodePort({ name: "bench-direct", namespace }, { [POD]: pod }, "http");
  const { spec } = await cluster.core.createNamespacedService({ namespace, body });
  return `http://${nodeAddress}:${spec?.ports?.[0]?.nodePort ?? 0}`;
}
