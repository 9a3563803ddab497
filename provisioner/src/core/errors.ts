// What can go wrong with a request for a sandbox, by a code that both APIs turn into their own answers.

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

/** An environment that there is not, or not for the caller: the two look alike. */
export function unknownEnvironment(name: string): SandboxError {
  const shown = JSON.stringify(name);
  return new SandboxError("unknown-environment", `there is no environment ${shown}`, undefined, [
    { field: "environment", message: `is ${shown}, but must be one of those of GET /v1/environments` },
  ]);
}
