// From a pod to what it is to us: an idle member of a pool, or somebody's sandbox.
import type { V1ContainerStatus, V1Pod, V1PodCondition } from "@kubernetes/client-node";

import * as label from "./labels.js";
import { readUserData, type UserData } from "./mounts.js";
import { readNetworkRules, type NetworkRules } from "./network-rules.js";
import { leastShellSessions } from "./shell-sessions.js";

/**
 * `starting`: does not answer yet, or not now. `running`: answers. `stopping`: is being deleted. `failed`: its server or its
 * node is gone; it does not come back.
 */
export type SandboxState = "starting" | "running" | "stopping" | "failed";

/** What idle pods and sandboxes have in common. */
export interface PodFacts {
  readonly podName: string;
  readonly podUid: string;
  readonly resourceVersion: string;
  readonly podIP: string | undefined;
  /** The address of its node. */
  readonly hostIP: string | undefined;
  readonly port: number;
  readonly state: SandboxState;
  /** Whether it was Ready once, as far as the kubelet has told: what is unready afterwards is not "pending". */
  readonly everReady: boolean;
  readonly environment: string;
  readonly revision: string;
  /** Which signing key it was made with; undefined: from before there were several. */
  readonly keyId: string | undefined;
  readonly createdAt: Date;
  /** When the kubelet took it over. */
  readonly startedAt: Date | undefined;
  /** When it became Ready, or ceased to be; of a failed one, when it failed. */
  readonly changedAt: Date | undefined;
  /** When it is to be gone, of one that is being deleted: the end of its grace. Undefined: it is not. */
  readonly goneBy: Date | undefined;
  /** Why a failed one failed, as Kubernetes says: `Evicted`, `OOMKilled`, `DeadlineExceeded`, … */
  readonly reason: string | undefined;
  /** What it may use at most: cores and bytes as Kubernetes quantities. */
  readonly limits: Readonly<Record<string, string>>;
  /** What it is promised. */
  readonly requests: Readonly<Record<string, string>>;
  /** When the kubelet ends it: seconds from its start. Undefined: never. */
  readonly deadlineSeconds: number | undefined;
  /** The RuntimeClass that it runs in; undefined: the nodes' ordinary runtime. */
  readonly runtime: string | undefined;
  /** How many shell sessions its server keeps at once. */
  readonly shellSessions: number;
}

/** A member of a pool. */
export type IdlePod = PodFacts;

/** Somebody's sandbox. */
export interface Sandbox extends PodFacts {
  readonly id: string;
  readonly tenant: string;
  readonly egress: string;
  /** What it may reach through the egress proxy; undefined in other profiles than `allowlist`. */
  readonly network: NetworkRules | undefined;
  /** Whether it has skills mounted. */
  readonly skills: boolean;
  /** Whose lasting data it has mounted; undefined: its data goes with it. */
  readonly userData: UserData | undefined;
  /** Whether no idle pod would have done for it, so that a larger pool would be of no use to the next one like it. */
  readonly madeToOrder: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly claimedAt: Date;
  readonly expiresAt: Date;
  readonly hardExpiresAt: Date;
  readonly idleSeconds: number | undefined;
  readonly lastActiveAt: Date;
  readonly fingerprint: string;
  /** Whether the sandbox asks callers for its token. */
  readonly guarded: boolean;
}

/** What a pod is. `foreign` is what carries our `managed-by` without being ours. */
export type PodView =
  | { readonly kind: "idle"; readonly pod: IdlePod }
  | { readonly kind: "sandbox"; readonly pod: Sandbox }
  | { readonly kind: "foreign" };

/** Reads a pod. Nothing in it comes from the sandbox itself: labels, annotations and status are out of its reach. */
export function viewOf(pod: V1Pod): PodView {
  const { metadata } = pod;
  if (metadata?.name === undefined || metadata.uid === undefined) return { kind: "foreign" };
  const labels = metadata.labels ?? {};
  const notes = metadata.annotations ?? {};
  const facts = factsOf(pod);
  if (labels[label.STATE] === "idle") return { kind: "idle", pod: facts };
  const id = labels[label.SANDBOX_ID];
  const tenant = labels[label.TENANT];
  if (labels[label.STATE] !== "claimed" || id === undefined || tenant === undefined)
    return { kind: "foreign" };
  const claimedAt = time(notes[label.CLAIMED_AT]) ?? facts.createdAt;
  const hardExpiresAt = time(notes[label.HARD_EXPIRES_AT]) ?? claimedAt;
  return {
    kind: "sandbox",
    pod: {
      ...facts,
      id,
      tenant,
      egress: labels[label.EGRESS] ?? "blocked",
      network: readNetworkRules(notes[label.EGRESS_RULES]),
      skills: notes[label.SKILLS] === "true",
      userData: readUserData(notes[label.USER_DATA]),
      madeToOrder: notes[label.MADE_TO_ORDER] === "true",
      labels: userLabels(labels),
      claimedAt,
      // A sandbox without times is one that somebody tampered with: it is over.
      expiresAt: time(notes[label.EXPIRES_AT]) ?? hardExpiresAt,
      hardExpiresAt,
      idleSeconds: positive(notes[label.IDLE_SECONDS]),
      lastActiveAt: time(notes[label.LAST_ACTIVE_AT]) ?? claimedAt,
      fingerprint: notes[label.FINGERPRINT] ?? "",
      guarded: notes[label.GUARDED] === "true",
    },
  };
}

function factsOf(pod: V1Pod): PodFacts {
  const { metadata, spec, status } = pod;
  const container = spec?.containers.find(({ name }) => name === "sandbox");
  const running = status?.containerStatuses?.find(({ name }) => name === "sandbox");
  const createdAt = time(metadata?.creationTimestamp) ?? new Date(0);
  return {
    podName: metadata?.name ?? "",
    podUid: metadata?.uid ?? "",
    resourceVersion: metadata?.resourceVersion ?? "",
    podIP: status?.podIP,
    hostIP: status?.hostIP,
    port: container?.ports?.find(({ name }) => name === "http")?.containerPort ?? 8080,
    state: stateOf(pod),
    everReady: wasReady(pod, running),
    environment: metadata?.labels?.[label.ENVIRONMENT] ?? "",
    revision: metadata?.annotations?.[label.REVISION] ?? "",
    keyId: metadata?.annotations?.[label.SIGNING_KEY],
    createdAt,
    startedAt: time(status?.startTime),
    changedAt: time(running?.state?.terminated?.finishedAt) ?? time(readyCondition(pod)?.lastTransitionTime),
    goneBy: time(metadata?.deletionTimestamp),
    reason: status?.reason ?? running?.state?.terminated?.reason,
    limits: container?.resources?.limits ?? {},
    requests: container?.resources?.requests ?? {},
    deadlineSeconds: spec?.activeDeadlineSeconds,
    runtime: spec?.runtimeClassName,
    shellSessions: positive(metadata?.annotations?.[label.SHELL_SESSIONS]) ?? leastShellSessions,
  };
}

/** The state of a pod, whatever else it is. */
export function stateOf({ metadata, status }: V1Pod): SandboxState {
  if (metadata?.deletionTimestamp !== undefined) return "stopping";
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return "failed";
  return readyCondition({ status })?.status === "True" && status?.podIP !== undefined
    ? "running"
    : "starting";
}

/**
 * Until its first readiness probe a pod has not been Ready, and is not one that has ceased to be: it ceased to be if its condition
 * changed after its container had started, as it was unready before that too. Whether the container has `started` says less: a
 * kubelet that starts anew takes that back until the startup probe has passed again (before v1.35, kubernetes#118245).
 */
function wasReady(pod: V1Pod, container: V1ContainerStatus | undefined): boolean {
  const ready = readyCondition(pod);
  if (ready?.status === "True") return true;
  const changedAt = time(ready?.lastTransitionTime);
  const startedAt = time(container?.state?.running?.startedAt);
  if (changedAt === undefined || startedAt === undefined) return container?.started === true;
  return changedAt > startedAt;
}

function readyCondition({ status }: V1Pod): V1PodCondition | undefined {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

/** The labels that the sandbox's owner gave it. */
function userLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => key.startsWith(label.USER_LABEL_PREFIX))
      .map(([key, value]) => [key.slice(label.USER_LABEL_PREFIX.length), value]),
  );
}

/** Pods come as JSON from the API server, so times are text, whatever the type says. */
function time(value: unknown): Date | undefined {
  if (value instanceof Date) return value;
  if (typeof value !== "string") return undefined;
  const read = new Date(value);
  return Number.isNaN(read.getTime()) ? undefined : read;
}

function positive(value: string | undefined): number | undefined {
  const read = Number(value);
  return Number.isFinite(read) && read > 0 ? read : undefined;
}
