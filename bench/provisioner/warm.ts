// Creates that find an idle pod: one after the other, and many at once; and how long the pool takes to be full again.
import { step } from "@sandlot/toolchain/progress.js";

import { isReady } from "../pod-watch.js";
import type { Claimed } from "./client.js";
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
  const where = runtime === "own" ? "" : ", in the nodes' ordinary runtime";
  const { claims, refill } = await claimRounds(stand, ownPool(stand, runtime), where);
  const times = (of: (claim: Claimed) => number): WarmTimes =>
    new Map([...claims].map(([atOnce, made]) => [atOnce, made.map(of)]));
  return { created: times((claim) => claim.createdMs), answered: times((claim) => claim.answeredMs), refill };
}

/** The pool of the stand's provisioner. */
export function ownPool(stand: Stand, runtime: Runtime = "own"): Pool<Claimed> {
  return {
    resize: (size) => stand.pool(size, runtime),
    filled: (size) => stand.filled(size),
    // Those who come together do not wait for connections.
    prepare: (atOnce) => stand.client.warm(atOnce),
    claim: (id) => stand.client.claim(id),
    remove: (ids) => stand.removeSandboxes(ids),
  };
}

/** What can be claimed from. */
export interface Pool<Claim> {
  /** Sets its size and waits until it has that. */
  resize(size: number): Promise<void>;
  /** Waits until it has its size again. @returns milliseconds */
  filled(size: number): Promise<number>;
  /** Before so many claims at once. */
  prepare(atOnce: number): Promise<void>;
  claim(id: string): Promise<Claim>;
  /** Deletes what was claimed and waits until it is gone. */
  remove(ids: readonly string[]): Promise<void>;
}

/** Claims one after the other and many at once, by how many; and the pool's refills, in milliseconds. */
export async function claimRounds<Claim>(
  stand: Stand,
  pool: Pool<Claim>,
  where: string,
): Promise<{ readonly claims: ReadonlyMap<number, readonly Claim[]>; readonly refill: readonly number[] }> {
  const refill: number[] = [];
  const claims = new Map<number, Claim[]>();
  const claim = async (atOnce: number, ids: readonly string[]): Promise<void> => {
    await pool.prepare(atOnce);
    const made = await Promise.all(ids.map((id) => pool.claim(id)));
    claims.set(atOnce, [...(claims.get(atOnce) ?? []), ...made]);
  };
  await step(`Warm claims one after the other, ${serial.rounds}${where}`, async (progress) => {
    await pool.resize(serial.pool);
    for (let round = 0; round < serial.rounds; round++) {
      progress.detail(`round ${round + 1} of ${serial.rounds}`);
      await pool.filled(serial.pool);
      await stand.settle(serial.quietMs);
      await claim(1, [`bench-serial-${round}`]);
      await pool.remove([`bench-serial-${round}`]);
    }
  });
  for (const { size, rounds } of bursts)
    await step(`Warm claims, ${size} at once, ${rounds} times${where}`, async () => {
      for (let round = 0; round < rounds; round++) {
        await pool.resize(size);
        await stand.settle(2_000);
        const ids = Array.from({ length: size }, (_, at) => `bench-${size}-${round}-${at}`);
        await claim(size, ids);
        if (size === refilled) refill.push(await pool.filled(size));
        else await pool.resize(0);
        await pool.remove(ids);
      }
    });
  return { claims, refill };
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
