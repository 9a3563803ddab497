// What the router needs from the rest of the provisioner, and nothing more.
import type { Registry } from "prom-client";

import type { Connections } from "../core/connections.js";
import type { Way } from "../core/endpoints.js";
import type { Sandbox } from "../model/sandbox.js";

/** What the router knows of a sandbox. */
export type RoutedSandbox = Pick<
  Sandbox,
  "id" | "tenant" | "podName" | "podUid" | "podIP" | "hostIP" | "port" | "state" | "guarded"
>;

/** Told whenever a sandbox is used. */
export interface ActivitySink {
  touch(sandbox: RoutedSandbox): void;
}

/** The tokens that open one sandbox. */
export interface SandboxTokens {
  access(sandbox: RoutedSandbox): string;
  verify(sandbox: Pick<RoutedSandbox, "id" | "tenant" | "podUid">, token: string): boolean;
}

/** Options of the router plugin. */
export interface RouterOptions {
  readonly directory: {
    get(tenant: string, id: string): RoutedSandbox | undefined;
    withId(id: string): readonly RoutedSandbox[];
    /** Whether nothing can be known of a sandbox now; without one: whether what is not seen may be there all the same. */
    unsure(sandbox?: Pick<RoutedSandbox, "podUid">): boolean;
    /** Returns what ends the listening. */
    onChange(
      listener: (sandbox: Pick<RoutedSandbox, "id" | "podUid" | "state">, gone: boolean) => void,
    ): () => void;
  };
  /**
   * Where a port of a sandbox is reached, the only place that addresses come from; undefined while that is not known yet. `none`: from here
   * there is no way to it.
   */
  wayTo(sandbox: RoutedSandbox, port: number): Way | "none" | undefined;
  readonly activity: ActivitySink;
  readonly connections: Connections;
  readonly tokens: SandboxTokens;
  /** The tenant of an API key; undefined for a key that is none. Takes the same time for every wrong key. */
  authenticate(apiKey: string): { readonly tenant: string } | undefined;
  /**
   * Hosts below this domain are sandboxes: `{port}-{id}.{hostSuffix}`.
   * @default - none: sandboxes have paths only
   */
  readonly hostSuffix?: string | undefined;
  readonly registry: Registry;
  /** For how long requests and tunnels may go on once the server closes. Milliseconds. */
  readonly drainMs: number;
}
