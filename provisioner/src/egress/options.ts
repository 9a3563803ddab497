// What the egress proxy needs from outside, and what it tells.
import type { Registry } from "prom-client";

import type { EgressRefusal } from "../model/egress-refusals.js";
import type { Rules } from "./rules.js";

/** A sandbox that the proxy serves. */
export interface EgressSandbox {
  readonly podUid: string;
  readonly tenant: string;
  readonly rules: Rules;
}

/** One refusal, for the log and the sandbox's events. Host and port are what the sandbox asked for. */
export interface RefusedEgress {
  readonly podUid: string;
  readonly host: string;
  readonly port: number;
  readonly reason: EgressRefusal;
}

/** Options of the egress proxy. */
export interface EgressOptions {
  /**
   * The sandbox at a pod address; undefined for any other caller, which is refused. Asked for every request, so that rules
   * count as soon as they are changed.
   */
  sandboxAt(address: string): EgressSandbox | undefined;
  /**
   * Waits a moment where a sandbox may be that is not seen yet; then it is asked for again.
   * @default no wait
   */
  arrival?(address: string): Promise<void>;
  /** Ranges of the cluster itself (pods, Services, nodes), which no rule opens: `10.42.0.0/16`. */
  readonly closedRanges: readonly string[];
  /** Called for each refusal; must not throw. */
  onRefused(refused: RefusedEgress): void;
  readonly registry: Registry;
  /** Told of what should not have happened; the request that it happened to is over. */
  onTrouble?(error: unknown): void;
  /**
   * All addresses of a name.
   * @default the system's name servers are asked, without search domains
   */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}
