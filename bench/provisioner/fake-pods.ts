// Sandboxes that are nothing but objects: what the provisioner and the API server have to do with thousands of them does not hang on
// whether anything runs. Pure.
import type { V1Pod, V1PodStatus } from "@kubernetes/client-node";

import {
  CLAIMED_AT,
  EXPIRES_AT,
  HARD_EXPIRES_AT,
  LAST_ACTIVE_AT,
  POD,
  SANDBOX_ID,
} from "../../provisioner/src/model/labels.js";

/** Nothing schedules a pod of this scheduler. */
const nobody = "nobody";

/** The networks of benchmarks (RFC 2544), so that nobody is reached at these addresses: 198.18.0.0/15. */
function address(index: number): string {
  return `198.18.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}

/** The times of a sandbox that is claimed now and lives as long as the one with these. */
function claimedAt(now: Date, notes: Readonly<Record<string, string>>): Record<string, string> {
  const later = now.getTime() - Date.parse(notes[CLAIMED_AT] ?? "");
  return Object.fromEntries(
    [CLAIMED_AT, EXPIRES_AT, HARD_EXPIRES_AT, LAST_ACTIVE_AT].flatMap((name) => {
      const written = notes[name];
      return written === undefined ? [] : [[name, new Date(Date.parse(written) + later).toISOString()]];
    }),
  );
}

/** A pod and the status that it is given afterwards. */
export interface FakePod {
  readonly pod: V1Pod;
  readonly status: V1PodStatus;
}

/**
 * A sandbox like `mould`, which is a real one, as large as that, and running by what its status says.
 * @param index from 0; below 62,500
 */
export function fakePod(mould: V1Pod, index: number, now: Date): FakePod {
  const name = `bench-fake-${index}`;
  const { metadata, spec, status } = mould;
  if (spec === undefined || status === undefined) throw new Error("the mould is no pod that runs");
  const podIP = address(index);
  const unplaced = Object.fromEntries(Object.entries(spec).filter(([field]) => field !== "nodeName"));
  const running = Object.fromEntries(
    Object.entries(status).filter(([field]) => !["hostIP", "hostIPs"].includes(field)),
  );
  return {
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: metadata?.namespace,
        labels: { ...metadata?.labels, [SANDBOX_ID]: name, [POD]: name },
        annotations: { ...metadata?.annotations, ...claimedAt(now, metadata?.annotations ?? {}) },
      },
      spec: Object.assign(unplaced as unknown as typeof spec, { schedulerName: nobody }),
    },
    status: { ...running, podIP, podIPs: [{ ip: podIP }] },
  };
}
