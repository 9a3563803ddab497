// What the APIs and the router need of sandboxes, wherever they are: the parts of a single cluster have this shape, and so has
// a fleet of several.
import type { Activity } from "../core/activity.js";
import type { Directory, SandboxListener } from "../core/directory.js";
import type { Endpoints } from "../core/endpoints.js";
import type { Environments } from "../core/environments.js";
import type { IdleClaims } from "../core/idle-claims.js";
import type { PoolSizes } from "../core/pool-sizes.js";
import type { RefusalNotices } from "../core/refusals.js";
import type { Sandboxes } from "../core/sandboxes.js";

/** Creating, finding, changing and deleting. */
export type SandboxService = Pick<
  Sandboxes,
  "create" | "get" | "find" | "list" | "present" | "delete" | "extend" | "setNetwork" | "logs"
>;

/** What there is. */
export interface FrontDirectory extends Pick<Directory, "get" | "withId" | "unsure"> {
  /** Returns what ends the listening. */
  onChange(listener: SandboxListener): () => void;
}

/** All of it. */
export interface Front {
  readonly sandboxes: SandboxService;
  readonly directory: FrontDirectory;
  readonly refusals: Pick<RefusalNotices, "onRefusal">;
  readonly environments: Pick<Environments, "all">;
  readonly poolSizes: Pick<PoolSizes, "size">;
  readonly idleClaims: Pick<IdleClaims, "ready">;
  readonly endpoints: Pick<Endpoints, "url" | "hostUrl" | "way">;
  readonly activity: Activity;
}
