// What makes a pod somebody's sandbox: the labels and annotations, and the one patch that writes them on an idle pod.
import { claimDeadline } from "./deadline.js";
import { EGRESS, USER_LABEL_PREFIX, SANDBOX_ID, STATE, TENANT } from "./labels.js";
import * as label from "./labels.js";
import type { ClaimMetadata } from "./pod.js";
import type { IdlePod } from "./sandbox.js";
import type { EgressProfile } from "./egress.js";
import type { AskedSize } from "./size.js";
import type { Mounts } from "./mounts.js";
import { networkAnnotation, type NetworkRules } from "./network-rules.js";

/** How long a sandbox lives. Seconds. */
export interface Lifetime {
  /** From the claim; moved by extending. */
  readonly softSeconds: number;
  /** Without activity. Absent: never. */
  readonly idleSeconds?: number | undefined;
  /** From the claim; never moved. */
  readonly hardSeconds: number;
}

/** What somebody asks for. */
export interface SandboxRequest extends AskedSize {
  readonly id: string;
  readonly tenant: string;
  readonly environment: string;
  /** Absent: the environment's. */
  readonly egress?: EgressProfile | undefined;
  /** What it may reach through the egress proxy, in profile `allowlist`. Absent: nothing. */
  readonly network?: NetworkRules | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** As it is granted. What of it was asked for is in `identity`. */
  readonly lifetime: Lifetime;
  /** Whether the sandbox is to ask callers for its token. */
  readonly guarded: boolean;
  /** Whether it came by DeerFlow's API: then it carries DeerFlow's labels too. */
  readonly deerflow: boolean;
  /** What beside the fields above tells one request from another: timeouts, skills, user, thread and extra mounts. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** What its volumes are, for its view. What of them was asked for is in `identity`. Absent: it has none. */
  readonly mounts?: Mounts | undefined;
}

/**
 * All that is asked for as one text, and nothing of how this service is set: the same request is the same after that has changed. Keys
 * are sorted, so that order is no difference. A sandbox with more shell sessions than are asked for is as good.
 */
export function canonicalText(request: SandboxRequest): string {
  return JSON.stringify(
    sorted({ ...request, mounts: undefined, lifetime: undefined, shellSessions: undefined }),
  );
}

/** The labels and annotations of the claim, with the profile that the environment grants. */
export function claimMetadata(
  request: SandboxRequest,
  fingerprint: string,
  granted: EgressProfile,
  now: Date,
): ClaimMetadata {
  const { id, tenant, lifetime, mounts } = request;
  const after = (seconds: number): string => new Date(now.getTime() + seconds * 1000).toISOString();
  const egress = request.egress ?? granted;
  const own = Object.entries(request.labels).map(([key, value]) => [USER_LABEL_PREFIX + key, value] as const);
  return {
    labels: {
      ...Object.fromEntries(own),
      [STATE]: "claimed",
      [SANDBOX_ID]: id,
      [TENANT]: tenant,
      [EGRESS]: egress,
      ...(request.deerflow ? { app: "deer-flow-sandbox", "sandbox-id": id } : {}),
    },
    annotations: {
      [label.CLAIMED_AT]: now.toISOString(),
      [label.LAST_ACTIVE_AT]: now.toISOString(),
      [label.EXPIRES_AT]: after(Math.min(lifetime.softSeconds, lifetime.hardSeconds)),
      [label.HARD_EXPIRES_AT]: after(lifetime.hardSeconds),
      [label.FINGERPRINT]: fingerprint,
      [label.GUARDED]: String(request.guarded),
      ...(egress === "allowlist"
        ? { [label.EGRESS_RULES]: networkAnnotation(request.network ?? { allow: [], deny: [] }) }
        : {}),
      ...(mounts?.skills === true ? { [label.SKILLS]: "true" } : {}),
      ...(mounts?.userData === undefined ? {} : { [label.USER_DATA]: JSON.stringify(mounts.userData) }),
      ...(lifetime.idleSeconds === undefined ? {} : { [label.IDLE_SECONDS]: String(lifetime.idleSeconds) }),
    },
    hardSeconds: lifetime.hardSeconds,
  };
}

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  readonly op: "test" | "add" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Ends the record of who wrote which field of the pod: to keep it is a quarter of what a claim is for the API server, and half of
 * the pod. Nobody applies pods of ours, which is what it is for. One empty entry is how it is taken away for good:
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#clearing-managedfields
 */
const forgetFields = add("/metadata/managedFields", [{}]);

/**
 * The one write of a claim. The API server applies it as a whole or not at all, and not if somebody else was first: it tests
 * that the pod is still the same and idle. It does not test the resource version, which every status update changes.
 */
export function claimPatch(pod: IdlePod, claim: ClaimMetadata, now: Date): PatchOperation[] {
  const age = Math.max(0, (now.getTime() - (pod.startedAt ?? pod.createdAt).getTime()) / 1000);
  const deadline = claimDeadline(pod, age, claim.hardSeconds);
  return [
    { op: "test", path: "/metadata/uid", value: pod.podUid },
    { op: "test", path: `/metadata/labels/${escaped(STATE)}`, value: "idle" },
    ...Object.entries(claim.labels).map(([key, value]) => add(`/metadata/labels/${escaped(key)}`, value)),
    ...Object.entries(claim.annotations).map(([key, value]) =>
      add(`/metadata/annotations/${escaped(key)}`, value),
    ),
    ...(deadline === undefined ? [] : [add("/spec/activeDeadlineSeconds", deadline)]),
    forgetFields,
  ];
}

/** Adds or replaces. */
export function add(path: string, value: unknown): PatchOperation {
  return { op: "add", path, value };
}

/** A key as part of a JSON pointer (RFC 6901). */
export function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  );
}
