// Creates that find an idle pod: one after the other, and many at once; and how long the pool takes to be full again.
import { step } from "@sandlot/toolchain/progress.js";

import { isReady } from "../pod-watch.js";
import type { Runtime } from "./manifests.js";
import type { Stand } from "./stand.js";

const serial = { rounds: 30, pool: 4, quietMs: 500 };
/** How many at once, and how often. */
const bursts = [
  { size: 10, rounds: 2 },
  { size: 20, rounds: 2 },
];
const refilled = 10;

/** Milliseconds, by how many were claimed at once. */
export type WarmTimes = ReadonlyMap<number, readonly number[]>;

/**
 * What claims take: from POST until its answer, and until a command in the sandbox is answered; and refills of the pool after them.
 * Milliseconds.
 */
export interface ClaimTimes {
  readonly created: WarmTimes;
  readonly answered: WarmTimes;
  readonly refill: readonly number[];
}

/** What claims take, and the pool. Milliseconds. */
export interface Warm {
  readonly own: ClaimTimes;
  /** The same in the nodes' ordinary runtime; undefined: that is what the environment has. */
  readonly ordinary: ClaimTimes | undefined;
  /** As many bare pods at once as are refilled, until all are Ready. */
  readonly bareAtOnce: number;
}

/** Claims. Nothing else is going on when one begins; what it sets going, a refill among it, is. */
export async function warmTimes(stand: Stand): Promise<Warm> {
  const own = await claimTimes(stand, "own");
  const ordinary = stand.runtimeClass === undefined ? undefined : await claimTimes(stand, "ordinary");
  return { own, ordinary, bareAtOnce: await bareAtOnce(stand) };
}

async function claimTimes(stand: Stand, runtime: Runtime): Promise<ClaimTimes> {
  const refill: number[] = [];
  const created = new Map<number, number[]>();
  const answered = new Map<number, number[]>();
  const claim = async (atOnce: number, ids: readonly string[]): Promise<void> => {
    await stand.client.warm(atOnce);
    const claims = await Promise.all(ids.map((id) => stand.client.claim(id)));
    created.set(atOnce, [...(created.get(atOnce) ?? []), ...claims.map((one) => one.createdMs)]);
    answered.set(atOnce, [...(answered.get(atOnce) ?? []), ...claims.map((one) => one.answeredMs)]);
  };
  const where = runtime === "own" ? "" : ", in the nodes' ordinary runtime";
  await step(`Warm claims one after the other, ${serial.rounds}${where}`, async (progress) => {
    await stand.pool(serial.pool, runtime);
    for (let round = 0; round < serial.rounds; round++) {
      progress.detail(`round ${round + 1} of ${serial.rounds}`);
      await stand.filled(serial.pool);
      await stand.settle(serial.quietMs);
      await claim(1, [`bench-serial-${round}`]);
      await stand.removeSandboxes([`bench-serial-${round}`]);
    }
  });
  for (const { size, rounds } of bursts)
    await step(`Warm claims, ${size} at once, ${rounds} times${where}`, async () => {
      for (let round = 0; round < rounds; round++) {
        await stand.pool(size, runtime);
        await stand.settle(2_000);
        const ids = Array.from({ length: size }, (_, at) => `bench-${size}-${round}-${at}`);
        await claim(size, ids);
        if (size === refilled) refill.push(await stand.filled(size));
        else await stand.pool(0, runtime);
        await stand.removeSandboxes(ids);
      }
    });
  return { created, answered, refill };
}

/** The reference of a refill. */
async function bareAtOnce(stand: Stand): Promise<number> {
  return step(`${refilled} bare pods at once`, async () => {
    await stand.pool(0);
    await stand.settle(5_000);
    const names = Array.from({ length: refilled }, (_, at) => `bench-at-once-${at}`);
    const started = performance.now();
    await Promise.all(names.map((name) => stand.createBare(name)));
    await Promise.all(names.map((name) => stand.pods.until(name, "Ready", isReady)));
    const taken = performance.now() - started;
    await Promise.all(names.map((name) => stand.removeBare(name)));
    return taken;
  });
}
