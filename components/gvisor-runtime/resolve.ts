// The RuntimeClass's settings: defaults filled in, everything held against its rule; and the object itself.
import type * as k8s from "@pulumi/kubernetes";

import { Checks } from "../shared/checks";
import { commonLabels } from "../shared/labels";
import { dnsLabel, dnsSubdomain, labels, matching, oneOf, quantity } from "../shared/rules";
import {
  TaintEffect,
  TolerationOperator,
  type GvisorRuntimeArgs,
  type PodOverhead,
  type SandboxToleration,
} from "./args";

/** {@link GvisorRuntimeArgs} with every default filled in. */
export interface GvisorRuntimeSettings {
  runtimeClassName: string;
  handler: string;
  overhead: PodOverhead;
  nodeSelector: { [name: string]: string };
  tolerations: SandboxToleration[];
}

/** Fills in the defaults. */
export function withDefaults(args: GvisorRuntimeArgs): GvisorRuntimeSettings {
  return {
    runtimeClassName: args.runtimeClassName ?? "gvisor",
    handler: args.handler ?? "runsc",
    overhead: args.overhead ?? {},
    nodeSelector: args.nodeSelector ?? {},
    tolerations: args.tolerations ?? [],
  };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem.
 */
export function resolve(name: string, args: GvisorRuntimeArgs): GvisorRuntimeSettings {
  const settings = withDefaults(args);
  const checks = new Checks("GvisorRuntime", name);
  checks.plain("runtimeClassName", settings.runtimeClassName, dnsSubdomain);
  checks.plain("handler", settings.handler, dnsLabel);
  checks.plain("overhead.cpu", settings.overhead.cpu, quantity);
  checks.plain("overhead.memory", settings.overhead.memory, quantity);
  checks.plain("nodeSelector", settings.nodeSelector, labels);
  for (const [i, toleration] of settings.tolerations.entries()) {
    const field = `tolerations[${i}]`;
    checks.plain(
      `${field}.key`,
      toleration.key,
      matching(/^\S+$/, "the key of a taint, such as sandbox.gke.io/runtime"),
    );
    checks.plain(`${field}.operator`, toleration.operator, oneOf(TolerationOperator));
    checks.plain(`${field}.effect`, toleration.effect, oneOf(TaintEffect));
    if (toleration.operator === TolerationOperator.Exists && toleration.value !== undefined) {
      checks.problem(
        `${field}.value is "${toleration.value}", but operator Exists compares none; remove one of the two`,
      );
    }
  }
  checks.finish();
  return settings;
}

/** The RuntimeClass. */
export function runtimeClassArgs(settings: GvisorRuntimeSettings): k8s.node.v1.RuntimeClassArgs {
  const { overhead, nodeSelector, tolerations } = settings;
  const podFixed = {
    ...(overhead.cpu === undefined ? {} : { cpu: overhead.cpu }),
    ...(overhead.memory === undefined ? {} : { memory: overhead.memory }),
  };
  const scheduling = {
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(tolerationObject) }),
  };
  return {
    metadata: { name: settings.runtimeClassName, labels: commonLabels("runtime") },
    handler: settings.handler,
    ...(Object.keys(podFixed).length === 0 ? {} : { overhead: { podFixed } }),
    ...(Object.keys(scheduling).length === 0 ? {} : { scheduling }),
  };
}

function tolerationObject({
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
