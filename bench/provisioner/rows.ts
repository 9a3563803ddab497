// The rows of the provisioner's figures. Pure.
import type { Figure } from "../figures.js";
import { percentile } from "../statistics.js";
import type { ColdTimes, ColdWrites } from "./cold.js";
import type { Fleet } from "./fleet.js";
import type { RouterTimes } from "./router.js";
import type { ClaimTimes, Warm } from "./warm.js";
import { total } from "./writes.js";

/** Everything that was measured. */
export interface Measured {
  readonly cold: ColdTimes;
  readonly coldWrites: ColdWrites;
  readonly warm: Warm;
  readonly router: RouterTimes;
  readonly fleet: Fleet;
}

const p50 = (values: readonly number[]): number => percentile(values, 0.5);
const bareReady = "a bare pod, create → Ready: same image and runtime; sleep, no probes, no volumes";
const workingSet = "  of that, what counts against its limit: its working set";
const bareAnswered = "a bare pod, create → an exec of true in it is answered";

/** All rows, in the order in which they are printed. */
export function provisionerRows(measured: Measured): Figure[] {
  return [
    ...warmRows(measured),
    ...coldRows(measured),
    ...writeRows(measured),
    ...routerRows(measured.router),
    ...fleetRows(measured.fleet),
  ];
}

/** Measurements that ours are held against, and what they are of. */
interface Against {
  readonly times: readonly number[];
  readonly what: string;
}

const shares = { p50: 0.5, p95: 0.95 } as const;
type Rank = keyof typeof shares;

function ranks(
  figure: string,
  ours: readonly number[],
  reference: (rank: Rank) => Partial<Figure>,
): Figure[] {
  return (["p50", "p95"] as const).map((rank) => ({
    figure: `${figure}, ${rank} of ${ours.length}`,
    unit: "ms",
    ours: percentile(ours, shares[rank]),
    against: "",
    ...reference(rank),
  }));
}

/** The same percentile of what it is held against. */
const sameOf =
  ({ times, what }: Against) =>
  (rank: Rank): Partial<Figure> => ({ reference: percentile(times, shares[rank]), against: what });

function warmRows({ warm, cold, fleet }: Measured): Figure[] {
  const reference = { reference: p50(cold.bareAnswered), against: `${bareAnswered}, p50` };
  const rows = (
    { answered, created }: ClaimTimes,
    where: string,
    against: (atOnce: number) => (rank: Rank) => Partial<Figure>,
  ): Figure[] =>
    [...answered].flatMap(([atOnce, times]) => [
      ...ranks(
        `warm claim → first command, ${atOnce === 1 ? "one by one" : `${atOnce} at once`}${where}`,
        times,
        against(atOnce),
      ),
      ...ranks("  of that, the claim", created.get(atOnce) ?? [], () => ({})),
    ]);
  const own = (atOnce: number): Against => ({
    times: warm.own.answered.get(atOnce) ?? [],
    what: "the same in the environment's runtime",
  });
  return [
    ...rows(warm.own, "", () => () => reference),
    ...(warm.ordinary === undefined
      ? []
      : rows(warm.ordinary, ", in the nodes' ordinary runtime", (atOnce) => sameOf(own(atOnce)))),
    {
      figure: `warm claim → first command among ${largest(fleet)}, p50 of ${fleet.claims.length}`,
      unit: "ms",
      ours: p50(fleet.claims),
      reference: p50(warm.own.answered.get(1) ?? []),
      against: "the same among none, one by one",
    },
    {
      figure: `refill of 10, p50 of ${warm.own.refill.length}`,
      unit: "ms",
      ours: p50(warm.own.refill),
      reference: warm.bareAtOnce,
      against: "10 bare pods at once, until all are Ready",
    },
  ];
}

function coldRows({ cold }: Measured): Figure[] {
  return [
    ...ranks("cold create → Ready", cold.ready, sameOf({ times: cold.bareReady, what: bareReady })),
    ...ranks(
      "cold create → first command",
      cold.answered,
      sameOf({ times: cold.bareAnswered, what: bareAnswered }),
    ),
  ];
}

function writeRows({ coldWrites, fleet }: Measured): Figure[] {
  const { rounds, bareCreate, bareDelete } = coldWrites;
  const row = (
    what: string,
    { all, own }: { all: ReadonlyMap<string, number>; own: ReadonlyMap<string, number> },
    count: number,
    reference: ReadonlyMap<string, number>,
    against: string,
  ): Figure[] => [
    {
      ...{ figure: `API-server writes per ${what}`, unit: "count", ours: total(all) / count },
      ...{ reference: total(reference) / rounds, against },
    },
    { figure: "  of them the provisioner's", unit: "count", ours: total(own) / count, against: "" },
  ];
  const create = "a bare pod, create → Ready; kubelet's and scheduler's among them in both";
  return [
    ...row("warm claim, before a refill", fleet.claimWrites, fleet.claims.length, bareCreate.all, create),
    ...row("cold create", coldWrites.create, rounds, bareCreate.all, create),
    ...row("delete", coldWrites.delete, rounds, bareDelete.all, "a bare pod, delete → gone"),
  ];
}

function routerRows({ routed, direct }: RouterTimes): Figure[] {
  return ranks(
    "POST /v1/shell/exec true by the router",
    routed,
    sameOf({ times: direct, what: "the same straight to the pod, by a port of the node" }),
  );
}

function fleetRows(fleet: Fleet): Figure[] {
  const lists = [...fleet.list].map(
    ([size, times]): Figure => ({
      figure: `GET /api/sandboxes of ${size}, p50 of ${times.length}`,
      unit: "ms",
      ours: p50(times),
      reference: p50(fleet.serverList.get(size) ?? []),
      against: "the API server's own list of these pods, from its cache",
    }),
  );
  return [
    ...lists,
    {
      ...{ figure: "idle provisioner, resident", unit: "bytes", ours: fleet.idle.resident },
      ...{ reference: fleet.bareBytes, against: "an idle HTTP server of Node's in the same container" },
    },
    { figure: workingSet, unit: "bytes", ours: fleet.idle.workingSet, against: "" },
    {
      ...{
        figure: `provisioner with ${largest(fleet)} sandboxes, resident`,
        unit: "bytes",
        ours: fleet.full.resident,
      },
      ...{ reference: fleet.jsonBytes, against: "the same pods as JSON, as the API server lists them" },
    },
    { figure: workingSet, unit: "bytes", ours: fleet.full.workingSet, against: "" },
  ];
}

function largest({ list }: Fleet): string {
  return Math.max(...list.keys()).toLocaleString("en");
}
