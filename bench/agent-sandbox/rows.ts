// The rows of the provisioner beside agent-sandbox. Pure.
import type { Figure } from "../figures.js";
import type { Held } from "../provisioner/fleet.js";
import { percentile } from "../statistics.js";

/** Claims of one of them. */
export interface Claims<Claim = number> {
  /** By how many were made at once. */
  readonly warm: ReadonlyMap<number, readonly Claim[]>;
  /** Of an empty pool, one by one. */
  readonly cold: readonly Claim[];
}

/** What was measured of one of them. */
export interface Side<Claim = number> {
  readonly claims: Claims<Claim>;
  /** Milliseconds. */
  readonly refill: readonly number[];
  /** Requests that change something, per claim and the refill after it, of everybody. */
  readonly writes: number;
  /** What the process that answers claims holds when it is idle. */
  readonly idle: Held;
}

/**
 * All rows.
 * @param ours until the claim is answered, milliseconds
 * @param answered until a command in the sandbox is answered, milliseconds
 * @param theirs until the claim is seen Ready, milliseconds
 */
export function peerRows(ours: Side, answered: Claims, theirs: Side, version: string): Figure[] {
  const peer = `agent-sandbox ${version}`;
  return [
    ...[...theirs.claims.warm].flatMap(([atOnce, reference]) => {
      const how = atOnce === 1 ? "one by one" : `${atOnce} at once`;
      const against = `${peer}: SandboxClaim → seen Ready, pool of the same size`;
      return [
        ...rankRows(`warm claim, ${how}`, ours.claims.warm.get(atOnce) ?? [], reference, against),
        ...rankRows(
          `warm claim → first command, ${how}`,
          answered.warm.get(atOnce) ?? [],
          reference,
          against,
        ),
      ];
    }),
    ...rankRows(
      "cold create → first command",
      answered.cold,
      theirs.claims.cold,
      `${peer}: SandboxClaim → seen Ready, its pool being empty`,
    ),
    {
      ...{ figure: `refill of 10, p50 of ${ours.refill.length}`, unit: "ms", ours: p50(ours.refill) },
      ...{ reference: p50(theirs.refill), against: peer },
    },
    {
      ...{ figure: "API-server writes per claim and refill", unit: "count", ours: ours.writes },
      ...{ reference: theirs.writes, against: peer },
    },
    {
      ...{ figure: "idle provisioner, working set", unit: "bytes", ours: ours.idle.workingSet },
      ...{
        reference: theirs.idle.workingSet,
        against: `${peer}: its controller, without a REST API or a router`,
      },
    },
    {
      ...{ figure: "idle provisioner, resident", unit: "bytes", ours: ours.idle.resident },
      ...{ reference: theirs.idle.resident, against: `${peer}: its controller` },
    },
  ];
}

const p50 = (values: readonly number[]): number => percentile(values, 0.5);

function rankRows(
  figure: string,
  ours: readonly number[],
  theirs: readonly number[],
  against: string,
): Figure[] {
  return [0.5, 0.95].map((share) => ({
    figure: `${figure}, p${share * 100} of ${ours.length}`,
    unit: "ms",
    ours: percentile(ours, share),
    reference: percentile(theirs, share),
    against,
  }));
}
