// The provisioner beside agent-sandbox, the Kubernetes project's controller of sandboxes: the same pods, the same cluster, one run.
import { step } from "@sandlot/toolchain/progress.js";

import type { Cluster } from "../cluster.js";
import type { Figure } from "../figures.js";
import type { Claimed } from "../provisioner/client.js";
import { written } from "../provisioner/cold.js";
import { idleHeld } from "../provisioner/fleet.js";
import { Stand, type Model } from "../provisioner/stand.js";
import { claimRounds, ownPool, type Pool } from "../provisioner/warm.js";
import { total } from "../provisioner/writes.js";
import type { Surroundings } from "../surroundings.js";
import { release } from "./controller.js";
import { controller } from "./manifests.js";
import { Peer } from "./peer.js";
import { peerRows, type Claims, type Side } from "./rows.js";

/** Claims of which writes are counted, and the pool that is refilled after each. */
const counted = { claims: 5, pool: 4 };
const coldRounds = 6;

/** Takes them. Needs a stack with a provisioner that is up, which it leaves alone. */
export async function agentSandboxFigures(
  cluster: Cluster,
  model: Model,
  around: Surroundings,
): Promise<Figure[]> {
  const built = await release(around);
  const { stand, close } = await Stand.open(cluster, model, around);
  const idle = await idleHeld(stand, "the idle provisioner");
  const { peer, close: closePeer } = await Peer.open(stand, built, model.node, around);
  const idlePeer = await idleHeld(stand, "agent-sandbox's idle controller", controller);
  const theirs = await side(stand, peer, ", agent-sandbox");
  const ours = await side(stand, ownPool(stand), "");
  await closePeer();
  await close();
  const until = (of: (claim: Claimed) => number): Claims => ({
    warm: new Map([...ours.claims.warm].map(([atOnce, made]) => [atOnce, made.map(of)])),
    cold: ours.claims.cold.map(of),
  });
  return peerRows(
    { ...ours, claims: until((claim) => claim.createdMs), idle },
    until((claim) => claim.answeredMs),
    { ...theirs, idle: idlePeer },
    built.version,
  );
}

/** What is measured of both alike. */
async function side<Claim>(
  stand: Stand,
  pool: Pool<Claim>,
  where: string,
): Promise<Omit<Side<Claim>, "idle">> {
  const { claims: warm, refill } = await claimRounds(stand, pool, where);
  const cold = await step(`Claims of an empty pool, ${coldRounds}${where}`, () => coldClaims(stand, pool));
  const ids = Array.from({ length: counted.claims }, (_, at) => `bench-writes-${at}`);
  const writes = await step(`Writes of ${counted.claims} claims and refills${where}`, async () => {
    await pool.resize(counted.pool);
    const { all } = await written(stand, async () => {
      for (const id of ids) {
        await pool.claim(id);
        await pool.filled(counted.pool);
      }
    });
    await pool.resize(0);
    await pool.remove(ids);
    return total(all) / counted.claims;
  });
  return { claims: { warm, cold }, refill, writes };
}

async function coldClaims<Claim>(stand: Stand, pool: Pool<Claim>): Promise<Claim[]> {
  await pool.resize(0);
  const made: Claim[] = [];
  for (let round = 0; round < coldRounds; round++) {
    // The kubelet looks at its containers once a second: see bench/pods.ts.
    await stand.settle(200 + Math.random() * 1000);
    made.push(await pool.claim(`bench-cold-${round}`));
    await pool.remove([`bench-cold-${round}`]);
  }
  return made;
}
