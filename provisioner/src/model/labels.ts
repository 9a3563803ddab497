// Labels and annotations of sandbox pods: all state of the provisioner is in them, and nowhere else.

/** Labels of every sandbox pod and of everything that belongs to one; NetworkPolicies select by the first two. */
export const commonLabels: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "sandbox",
  "app.kubernetes.io/managed-by": "sandlot-provisioner",
};

/** What the watch of pods and Services asks for: sandboxes of the shared Deployment have another `managed-by`. */
export const managedSelector = "app.kubernetes.io/managed-by=sandlot-provisioner";

/** What Events of the egress proxy are labelled with, as a selector. */
export const refusalSelector = "app.kubernetes.io/managed-by=sandlot-egress-proxy";

/** The environment that a pod was made from; on ConfigMaps, the environment that they define. */
export const ENVIRONMENT = "sandlot.dev/environment";
/** `idle` in the pool, `claimed` once it is somebody's sandbox; never back. */
export const STATE = "sandlot.dev/state";
export const SANDBOX_ID = "sandlot.dev/sandbox-id";
export const TENANT = "sandlot.dev/tenant";
/** The egress profile: the value chooses the NetworkPolicy. */
export const EGRESS = "sandlot.dev/egress";
/** The pod's own name: what its Service selects by. */
export const POD = "sandlot.dev/pod";
/** Before the keys of a user's labels, so that no label of theirs is taken for one of ours. */
export const USER_LABEL_PREFIX = "label.sandlot.dev/";

/** When it became somebody's, RFC 3339; so are all times. */
export const CLAIMED_AT = "sandlot.dev/claimed-at";
/** The soft timeout; moved by extending. */
export const EXPIRES_AT = "sandlot.dev/expires-at";
/** The hard limit; never moved. */
export const HARD_EXPIRES_AT = "sandlot.dev/hard-expires-at";
/** Seconds without activity after which it goes. Absent: never. */
export const IDLE_SECONDS = "sandlot.dev/idle-seconds";
/** The last activity that was written down. */
export const LAST_ACTIVE_AT = "sandlot.dev/last-active-at";
/** What was asked for, keyed and hashed, as secrets are in it: a second request for the same id must ask for the same. */
export const FINGERPRINT = "sandlot.dev/request-fingerprint";
/** What an idle pod was built from, hashed: a pod of an older revision is replaced. */
export const REVISION = "sandlot.dev/revision";
/** `true` where no idle pod would have done, as it has volumes or a size of its own. */
export const MADE_TO_ORDER = "sandlot.dev/made-to-order";
/** How many shell sessions its server keeps at once. */
export const SHELL_SESSIONS = "sandlot.dev/shell-sessions";
/** Which signing key its claim secret, and with that its token, is made from. */
export const SIGNING_KEY = "sandlot.dev/signing-key";
/** What a sandbox of profile `allowlist` may reach, as JSON; the egress proxy reads it. */
export const EGRESS_RULES = "sandlot.dev/egress-rules";
/** On an Event: what was refused, as JSON. */
export const EGRESS_REFUSAL = "sandlot.dev/egress-refusal";
/** `true` where skills are mounted. */
export const SKILLS = "sandlot.dev/skills";
/** Whose lasting data is mounted, as JSON; the tenant's label says of which tenant. */
export const USER_DATA = "sandlot.dev/user-data";
/** Whether the sandbox asks callers for its token. */
export const GUARDED = "sandlot.dev/guarded";
