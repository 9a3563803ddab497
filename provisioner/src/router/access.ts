// Whether a caller may reach a sandbox: its tenant's API key or the sandbox's own token opens it, anything else does not
// even learn that it exists.
import type { Credential } from "./credentials.js";
import type { RoutedSandbox, RouterOptions } from "./options.js";
import { notFound, type Refusal } from "./refusal.js";

/** For whoever shows nothing that opens anything, or no longer does. */
export const unauthorized: Refusal = {
  status: 401,
  reason: "unauthorized",
  detail: 'show the sandbox\'s token ("X-Sandbox-Token", or in the path) or your API key ("X-API-Key")',
  headers: { "www-authenticate": "Bearer" },
};

/** Another attempt may go through. */
export const starting: Refusal = {
  status: 503,
  reason: "starting",
  detail: "the sandbox is starting; try again",
  headers: { "retry-after": "1" },
};

/** For ids that somebody has and for ids that nobody has alike. */
export const unavailable: Refusal = {
  status: 503,
  reason: "unavailable",
  detail: "a cluster that may have the sandbox cannot be watched at the moment; try again",
  headers: { "retry-after": "2" },
};

/** For ports of users' servers, where this service stands outside the cluster. */
export const outside: Refusal = {
  status: 501,
  reason: "outside",
  detail:
    "this service is outside the sandboxes' cluster and reaches their own API alone, by a port of the node: run it in the cluster to reach other ports",
};

/** For whoever may know that there was one. */
export const gone: Refusal = { status: 410, reason: "gone", detail: "the sandbox has ended" };

/**
 * The sandbox with this id if the credential opens it and it is not over. One that is starting, as far as we know, may answer
 * already: the replica that created it knows before probes tell the others.
 */
export function admit(
  options: Pick<RouterOptions, "directory" | "tokens" | "authenticate">,
  id: string,
  credential: Credential | undefined,
): RoutedSandbox | Refusal {
  if (credential === undefined) return unauthorized;
  const sandbox =
    credential.kind === "key" ? byKey(options, id, credential.key) : byToken(options, id, credential.token);
  const { directory } = options;
  if ("status" in sandbox) return sandbox === notFound && directory.unsure() ? unavailable : sandbox;
  if (directory.unsure(sandbox)) return unavailable;
  return sandbox.state === "stopping" || sandbox.state === "failed" ? gone : sandbox;
}

function byKey(
  { authenticate, directory }: Pick<RouterOptions, "directory" | "authenticate">,
  id: string,
  key: string,
): RoutedSandbox | Refusal {
  const caller = authenticate(key);
  if (caller === undefined) return unauthorized;
  return directory.get(caller.tenant, id) ?? notFound;
}

/** Ids are unique within a tenant only, so the token chooses among the tenants' sandboxes. */
function byToken(
  { directory, tokens }: Pick<RouterOptions, "directory" | "tokens">,
  id: string,
  token: string,
): RoutedSandbox | Refusal {
  const candidates = directory.withId(id);
  // An id that nobody has takes as long as one that somebody has.
  const checked = candidates.length > 0 ? candidates : [{ id, tenant: "", podUid: "" }];
  const [podUid] = checked.filter((one) => tokens.verify(one, token)).map((one) => one.podUid);
  const opened = candidates.find((one) => one.podUid === podUid);
  if (opened === undefined) return notFound;
  // When two pods were claimed for one id, only the one that stays is it.
  const present = directory.get(opened.tenant, id);
  return present !== undefined && present.podUid === podUid ? present : notFound;
}
