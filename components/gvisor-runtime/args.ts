// What the gVisor RuntimeClass can be told: arguments, their defaults, and what is wrong with given ones.

/** How a toleration compares. */
export enum TolerationOperator {
  Equal = "Equal",
  Exists = "Exists",
}

/** What a taint does to pods that do not tolerate it. */
export enum TaintEffect {
  NoSchedule = "NoSchedule",
  PreferNoSchedule = "PreferNoSchedule",
  NoExecute = "NoExecute",
}

/** A taint that sandboxes put up with. */
export interface SandboxToleration {
  /** The taint's key. */
  key: string;
  /**
   * How `value` is compared.
   * @default TolerationOperator.Equal
   */
  operator?: TolerationOperator;
  /**
   * The taint's value; not allowed with `TolerationOperator.Exists`.
   * @default - the empty value
   */
  value?: string;
  /**
   * The taint's effect.
   * @default - every effect
   */
  effect?: TaintEffect;
}

/** What gVisor itself needs for each pod, beside its containers; Kubernetes quantities. */
export interface PodOverhead {
  /**
   * CPU.
   * @default - none
   */
  cpu?: string;
  /**
   * Memory.
   * @default - none
   */
  memory?: string;
}

/** Arguments of {@link GvisorRuntime}. */
export interface GvisorRuntimeArgs {
  /**
   * The name of the RuntimeClass.
   * @default "gvisor"
   */
  runtimeClassName?: string;
  /**
   * The name that the nodes' container runtime knows gVisor by.
   * @default "runsc"
   */
  handler?: string;
  /** What gVisor itself needs for each pod: counted by scheduler and quota. See the fields for their defaults. */
  overhead?: PodOverhead;
  /**
   * Labels of the nodes that have gVisor.
   * @default {} - every node
   */
  nodeSelector?: { [name: string]: string };
  /**
   * Taints of the nodes that have gVisor.
   * @default []
   */
  tolerations?: SandboxToleration[];
}
