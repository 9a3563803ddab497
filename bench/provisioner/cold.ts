// Creates that find no idle pod, and what creates and deletes have the API server write, each against a bare pod.
import { step } from "@sandlot/toolchain/progress.js";

import { isReady } from "../pod-watch.js";
import type { Stand } from "./stand.js";
import { since, writesOfProvisioner, writesToServer, type Writes } from "./writes.js";

const rounds = 6;
const writeRounds = 3;
/** Longer than the kubelet and others take to write down what became of a pod. */
const settleMs = 4_000;

/** Milliseconds, one of each kind and round. */
export interface ColdTimes {
  readonly ready: number[];
  readonly answered: number[];
  readonly bareReady: number[];
  readonly bareAnswered: number[];
}

/** Creates a sandbox without a pool. @returns milliseconds until its pod is Ready, and until a command is answered */
async function coldCreate({ client, pods }: Stand, id: string): Promise<[number, number]> {
  const started = performance.now();
  const ready = pods.until(podOf(id), "Ready", isReady);
  // Whoever waits hears of it; until then nobody does.
  ready.catch(() => undefined);
  const { answeredMs } = await client.claim(id);
  return [(await ready) - started, answeredMs];
}

/** The pod of a sandbox that was created cold. */
const podOf = (id: string): string => `sandbox-${id}`;

/** One of each kind in turn, so that whatever else the machine does meets both alike. */
export async function coldTimes(stand: Stand): Promise<ColdTimes> {
  const times: ColdTimes = { ready: [], answered: [], bareReady: [], bareAnswered: [] };
  await step(`Cold creates and bare pods, ${rounds} of each`, async (progress) => {
    await stand.pool(0);
    for (let round = 0; round < rounds; round++) {
      progress.detail(`round ${round + 1} of ${rounds}`);
      const sandbox = async (): Promise<void> => {
        const id = `bench-cold-${round}`;
        const [ready, answered] = await coldCreate(stand, id);
        times.ready.push(ready);
        times.answered.push(answered);
        await stand.removeSandboxes([id]);
      };
      const bare = async (): Promise<void> => {
        const { readyMs, answeredMs } = await stand.bare(`bench-bare-${round}`);
        times.bareReady.push(readyMs);
        times.bareAnswered.push(answeredMs);
        await stand.removeBare(`bench-bare-${round}`);
      };
      for (const one of round % 2 === 0 ? [sandbox, bare] : [bare, sandbox]) {
        await one();
        // The kubelet looks at its containers once a second: see bench/pods.ts.
        await stand.settle(200 + Math.random() * 1000);
      }
    }
  });
  return times;
}

/** What everybody had the API server write, and what the provisioner did of that. */
export interface Written {
  readonly all: Writes;
  readonly own: Writes;
}

/** Counts what `work` has the API server write, until all who write of it have done so. */
export async function written(stand: Stand, work: () => Promise<unknown>): Promise<Written> {
  const read = async (): Promise<Written> => ({
    all: writesToServer(await stand.api.text({ path: "/metrics" })),
    own: writesOfProvisioner(await stand.metrics()),
  });
  await stand.settle(settleMs);
  const before = await read();
  await work();
  await stand.settle(settleMs);
  const after = await read();
  return { all: since(before.all, after.all), own: since(before.own, after.own) };
}

/** Writes of {@link writeRounds} of each. */
export interface ColdWrites {
  readonly rounds: number;
  readonly create: Written;
  readonly delete: Written;
  readonly bareCreate: Written;
  readonly bareDelete: Written;
}

/** Counts the writes of cold creates and deletes, and of bare pods' ones. */
export async function coldWrites(stand: Stand): Promise<ColdWrites> {
  return step(`Writes of ${writeRounds} creates and deletes, and of bare pods' ones`, async () => {
    const ids = Array.from({ length: writeRounds }, (_, at) => `bench-writes-${at}`);
    const each = (names: readonly string[], work: (name: string) => Promise<unknown>) => async () => {
      for (const name of names) await work(name);
    };
    const bare = ids.map((id) => `${id}-bare`);
    return {
      rounds: writeRounds,
      create: await written(
        stand,
        each(ids, (id) => coldCreate(stand, id)),
      ),
      delete: await written(stand, () => stand.removeSandboxes(ids)),
      bareCreate: await written(
        stand,
        each(bare, (name) => stand.bare(name)),
      ),
      bareDelete: await written(
        stand,
        each(bare, (name) => stand.removeBare(name)),
      ),
    };
  });
}
