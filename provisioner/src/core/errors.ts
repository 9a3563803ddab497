// What can go wrong with a request for a sandbox, by a code that both APIs turn into their own answers.
import type { SandboxRequest } from "../model/claim.js";
import { differences, unseenFields } from "../model/differences.js";
import type { Sandbox } from "../model/sandbox.js";

/**
 * `not-found`: there is no such sandbox of the caller's. `conflict`: the id stands for another request. `unknown-environment`,
 * `wider-egress`, `too-much`, `no-rules`, `no-hand-over`, `bad-mount`: the request cannot be carried out as it is. `quota`: the
 * tenant has its share.
 * `capacity`: the cluster is full. `busy`: a sandbox of that id is still going. `refused`: the cluster would not have the pod.
 * `failed`: the sandbox did not come up. `unavailable`: the cluster cannot be asked.
 */
export const errorCodes = [
  "not-found",
  "conflict",
  "unknown-environment",
  "wider-egress",
  "too-much",
  "no-rules",
  "no-hand-over",
  "bad-mount",
  "quota",
  "capacity",
  "busy",
  "refused",
  "failed",
  "unavailable",
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** A request for a sandbox that was not carried out. The message is for the caller. */
export class SandboxError extends Error {
  override readonly name = "SandboxError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
    /** The fields of the request that are wrong, where it is about fields. */
    readonly fields?: readonly { readonly field: string; readonly message: string }[],
  ) {
    super(message, options);
  }
}

/** There is none, or none of the caller's: the two look alike. */
export function notFound(): SandboxError {
  return new SandboxError("not-found", "there is no such sandbox");
}

/** The cluster has not been seen for too long to say how it stands with a sandbox. */
export function unwatched(): SandboxError {
  return new SandboxError("unavailable", "the cluster cannot be watched at the moment; try again");
}

/** @throws SandboxError if the sandbox that there is keeps fewer shell sessions than are asked for: it cannot be made larger */
export function checkSessions(
  { shellSessions: kept }: Pick<Sandbox, "shellSessions">,
  { shellSessions: wanted = 0 }: Pick<SandboxRequest, "shellSessions">,
): void {
  if (kept >= wanted) return;
  throw new SandboxError(
    "conflict",
    `the sandbox keeps ${kept} shell sessions at once, and ${wanted} are asked for: delete it, and ask again`,
  );
}

/** No other pod may be made: MAX_SANDBOXES. */
export function full(): SandboxError {
  return new SandboxError("capacity", "there are as many sandboxes as there may be; try again later");
}

/**
 * The id stands for another request.
 * @param there the sandbox that has the id; absent: it is about to come
 */
export function conflict(request: SandboxRequest, there?: Sandbox): SandboxError {
  const found = there === undefined ? [] : differences(request, there);
  const what =
    found.length > 0
      ? `other values of ${found.map(({ field }) => field).join(", ")}`
      : `other values of what is not shown of it: ${unseenFields(request)}`;
  return new SandboxError(
    "conflict",
    there === undefined
      ? `the sandbox ${request.id} is being created, but it was asked for with other values; take another id`
      : `the sandbox ${request.id} is there, but it was asked for with ${what}; delete it or take another id`,
    undefined,
    found.length > 0 ? found : undefined,
  );
}

/** An environment that there is not, or not for the caller: the two look alike. */
export function unknownEnvironment(name: string): SandboxError {
  const shown = JSON.stringify(name);
  return new SandboxError("unknown-environment", `there is no environment ${shown}`, undefined, [
    { field: "environment", message: `is ${shown}, but must be one of those of GET /v1/environments` },
  ]);
}
