// Taints that pods put up with: arguments, rules, and the object.
import type * as k8s from "@pulumi/kubernetes";

import type { Checks } from "./checks";
import { matching, oneOf } from "./rules";

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

/** Holds tolerations against their rules; `field` is their place in the arguments. */
export function checkTolerations(
  checks: Checks,
  field: string,
  tolerations: readonly SandboxToleration[],
): void {
  for (const [i, toleration] of tolerations.entries()) {
    const at = `${field}[${i}]`;
    checks.plain(
      `${at}.key`,
      toleration.key,
      matching(/^\S+$/, "the key of a taint, such as sandbox.gke.io/runtime"),
    );
    checks.plain(`${at}.operator`, toleration.operator, oneOf(TolerationOperator));
    checks.plain(`${at}.effect`, toleration.effect, oneOf(TaintEffect));
    if (toleration.operator === TolerationOperator.Exists && toleration.value !== undefined) {
      checks.problem(
        `${at}.value is "${toleration.value}", but operator Exists compares none; remove one of the two`,
      );
    }
  }
}

/** A toleration as Kubernetes takes it. */
export function tolerationObject({
  key,
  operator,
  value,
  effect,
}: SandboxToleration): k8s.types.input.core.v1.Toleration {
  return {
    key,
    operator: operator ?? TolerationOperator.Equal,
    ...(value === undefined ? {} : { value }),
    ...(effect === undefined ? {} : { effect }),
  };
}
