// What the APIs and the router need of sandboxes, wherever they are: the parts of a single cluster have this shape, and so has
// a fleet of several.
import type { Activity } from "../core/activity.js";
import type { Directory, SandboxListener } from "../core/directory.js";
import type { Endpoints } from "../core/endpoints.js";
import type { Environments } from "../core/environments.js";
import type { PoolSizes } from "../core/pool-sizes.js";
import type { RefusalNotices } from "../core/refusals.js";
import type { Sandboxes } from "../core/sandboxes.js";
import type { Sandbox } from "../model/sandbox.js";

/** Creating, finding, changing and deleting. */
export type SandboxService = Pick<
  Sandboxes,
  "create" | "get" | "find" | "list" | "delete" | "extend" | "setNetwork" | "logs"
>;

/** What there is. */
export interface FrontDirectory extends Pick<Directory, "get" | "withId" | "idle"> {
  /** Returns what ends the listening. */
  onChange(listener: SandboxListener): () => void;
  /**
   * Whether it cannot be known how it stands with a sandbox, because its cluster is lost; without one: whether what is not seen
   * may be there all the same.
   */
  unsure?(sandbox?: Pick<Sandbox, "podUid">): boolean;
}

/** All of it. */
export interface Front {
  readonly sandboxes: SandboxService;
  readonly directory: FrontDirectory;
  readonly refusals: Pick<RefusalNotices, "onRefusal">;
  readonly environments: Pick<Environments, "all">;
  readonly poolSizes: Pick<PoolSizes, "size">;
  readonly endpoints: Pick<Endpoints, "url" | "hostUrl">;
  readonly activity: Activity;
}
