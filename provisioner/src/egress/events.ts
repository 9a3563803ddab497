// Tells the provisioner, and whoever looks at the pod, what was refused: as Kubernetes Events. They need no channel of ours between
// proxies and provisioners, every replica sees them, and the API server forgets them after an hour.
import { randomBytes } from "node:crypto";

import type { CoreV1Event } from "@kubernetes/client-node";

import type { Namespace } from "../kubernetes/namespace.js";
import type { RefusalRecord } from "../model/egress-refusals.js";
import { EGRESS_REFUSAL } from "../model/labels.js";
import { Allowance, type Refusal } from "./refusals.js";
import type { EgressSubject } from "./sandboxes.js";

/** One sandbox may cause a few Events at once, and then one in 20 s; all of them together 50 and then 2 a second. */
const sandboxAllowance = [10, 20_000] as const;
const wholeAllowance = [50, 500] as const;

/** Writes Events, as many as are allowed; the rest is in the log and in the metrics. */
export class RefusalEvents {
  readonly #namespace: Namespace;
  readonly #instance: string;
  readonly #each = new Allowance(...sandboxAllowance);
  readonly #all = new Allowance(...wholeAllowance);

  /** @param instance the name of this proxy */
  constructor(namespace: Namespace, instance: string) {
    this.#namespace = namespace;
    this.#instance = instance;
  }

  /** @throws KubernetesError if the API server does not take it. */
  async write(subject: EgressSubject, refusal: Refusal, now: number): Promise<void> {
    if (!this.#each.take(subject.podUid, now) || !this.#all.take("", now)) return;
    await this.#namespace.createEvent(
      buildEvent(subject, refusal, now, this.#namespace.name, this.#instance),
    );
  }

  forget(podUid: string): void {
    this.#each.forget(podUid);
  }
}

/** The Event. */
export function buildEvent(
  { podName, podUid }: EgressSubject,
  { host, port, reason, count, since }: Refusal,
  now: number,
  namespace: string,
  instance: string,
): CoreV1Event {
  const at = (ms: number): Date => new Date(ms);
  const record: RefusalRecord = { host, port, reason, count };
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      name: `${podName}.${randomBytes(8).toString("hex")}`,
      namespace,
      labels: {
        "app.kubernetes.io/name": "sandlot",
        "app.kubernetes.io/managed-by": "sandlot-egress-proxy",
      },
      annotations: { [EGRESS_REFUSAL]: JSON.stringify(record) },
    },
    involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: podName, uid: podUid },
    type: "Warning",
    reason: "EgressRefused",
    message: `${host}${port === 0 ? "" : `:${port}`}: ${reason}${count === 1 ? "" : ` (${count} times)`}`,
    firstTimestamp: at(since),
    lastTimestamp: at(now),
    count,
    source: { component: "sandlot-egress-proxy" },
    reportingComponent: "sandlot.dev/egress-proxy",
    reportingInstance: instance,
  };
}
