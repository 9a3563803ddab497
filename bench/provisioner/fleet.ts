// Many sandboxes: how long the list of them takes, how much memory they are to the provisioner, and what a claim takes among them.
import type { V1Pod } from "@kubernetes/client-node";
import { step } from "@sandlot/toolchain/progress.js";

import { managedSelector, SANDBOX_ID } from "../../provisioner/src/model/labels.js";
import { written, type Written } from "./cold.js";
import { fakePod } from "./fake-pods.js";
import { fleetSize, spare, type Server, type Stand } from "./stand.js";
import { samples } from "./writes.js";

/** How many there are, one after the other; with the last, the provisioner has all that it may: then no claim is refilled. */
export const sizes = [1, 50, 100, fleetSize] as const;
const rounds = 20;
const atOnce = 16;
const settleMs = 20_000;
/** Until the last of thousands has been asked whether it was handed over, which nobody answers: provisioner/src/core/reaper.ts. */
const doubtMs = 90_000;

/** What a server holds: bytes. */
export interface Held {
  /** As it says itself. */
  readonly resident: number;
  readonly workingSet: number;
}

/** Milliseconds by how many there are. */
export interface Fleet {
  readonly list: ReadonlyMap<number, readonly number[]>;
  /** The API server's own list of the same pods. */
  readonly serverList: ReadonlyMap<number, readonly number[]>;
  readonly idle: Held;
  readonly bareBytes: number;
  readonly full: Held;
  /** The same pods as the API server lists them. */
  readonly jsonBytes: number;
  /** Claims, POST to a command's answer, where all the others are. */
  readonly claims: readonly number[];
  readonly claimWrites: Written;
}

/** @param server absent: the provisioner */
async function held(stand: Stand, server?: Server): Promise<Held> {
  const [found] = samples(await stand.metrics(server), "process_resident_memory_bytes");
  return { resident: found?.[1] ?? Number.NaN, workingSet: await stand.workingSetBytes(server) };
}

/** What a server of Node's own that does nothing holds, in the same container. */
async function bareBytes(stand: Stand): Promise<number> {
  const program = [
    'require("node:http").createServer().listen(0, () => {',
    "  console.log(process.memoryUsage.rss());",
    "  process.exit();",
    "});",
  ].join("\n");
  return Number(await stand.runBeside(["/usr/local/bin/node", "--eval", program]));
}

/** What a server holds when it has had time to settle. @param server absent: the provisioner */
export async function idleHeld(stand: Stand, what: string, server?: Server): Promise<Held> {
  return step(`Memory of ${what}`, async () => {
    await stand.settle(settleMs);
    return held(stand, server);
  });
}

/** Memory before there is any sandbox. */
export async function idleMemory(stand: Stand): Promise<Pick<Fleet, "idle" | "bareBytes">> {
  const idle = await idleHeld(stand, "the idle provisioner");
  return { idle, bareBytes: await bareBytes(stand) };
}

/** Everything else; to be taken last, because what was filled up is not emptied. */
export async function fleetFigures(stand: Stand): Promise<Omit<Fleet, "idle" | "bareBytes">> {
  const path = `/api/v1/namespaces/${stand.namespace}/pods`;
  const selected = `${path}?labelSelector=${encodeURIComponent(managedSelector)}&resourceVersion=0`;
  const list = new Map<number, number[]>();
  const serverList = new Map<number, number[]>();
  let jsonBytes = 0;
  let mould: V1Pod | undefined;
  let made = 0;
  for (const size of sizes) {
    await step(`A list of ${size}`, async (progress) => {
      mould ??= await firstSandbox(stand);
      await fill(stand, mould, made, size - 1, (there) => {
        progress.detail(`${there} of ${size}`);
      });
      made = size - 1;
      await stand.settle(size > 1_000 ? doubtMs : 1_000);
      const [ours, theirs]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        const { count } = await timed(ours, () =>
          stand.client.json<{ count: number }>("GET", "/api/sandboxes"),
        );
        if (count !== size) throw new Error(`the list has ${count} sandboxes, not ${size}`);
        jsonBytes = (await timed(theirs, () => stand.api.text({ path: selected }))).length;
      }
      list.set(size, ours);
      serverList.set(size, theirs);
    });
  }
  const full = await held(stand);
  const claims: number[] = [];
  const claimWrites = await step(`Claims among ${fleetSize} sandboxes`, () =>
    written(stand, async () => {
      for (let at = 0; at < spare; at++)
        claims.push((await stand.client.claim(`bench-among-${at}`)).answeredMs);
    }),
  );
  return { list, serverList, full, jsonBytes, claims, claimWrites };
}

/** A real sandbox, with a full pool beside it. @returns its pod */
async function firstSandbox(stand: Stand): Promise<V1Pod> {
  await stand.pool(spare);
  await stand.client.claim("bench-first");
  await stand.filled(spare);
  await stand.openWalls();
  return stand.aPod(`${SANDBOX_ID}=bench-first`);
}

/** Makes fake ones until there are `to`, and waits until the provisioner knows all. */
async function fill(
  stand: Stand,
  mould: V1Pod,
  from: number,
  to: number,
  tell: (there: number) => void,
): Promise<void> {
  const path = `/api/v1/namespaces/${stand.namespace}/pods`;
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) {
      stand.signal.throwIfAborted();
      const { pod, status } = fakePod(mould, next++, new Date());
      const one = `${path}/${pod.metadata?.name ?? ""}/status`;
      await stand.api.json({ method: "POST", path, body: pod });
      await stand.api.json({
        ...{ method: "PATCH", path: one, body: { status } },
        contentType: "application/merge-patch+json",
      });
      if (next % 100 === 0) tell(next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const there = async (): Promise<number> =>
    (await stand.client.json<{ count: number }>("GET", "/api/sandboxes")).count;
  while ((await there()) <= to) {
    stand.signal.throwIfAborted();
    await stand.settle(200);
  }
}

/** What `work` comes to; its milliseconds go into `times`. */
async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  times.push(performance.now() - started);
  return result;
}
