// What rules have in common: how they are described, configured and excepted from, and what they are shown of a resource.
import type {
  EnforcementLevel,
  Policies,
  PolicyConfigSchema,
  PolicyResourceOptions,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";

import { settingsOf, withExceptions, type RuleConfig, type Settings } from "./config";
import { at, settle, unknown, type Value } from "./values";
import { kindOf, workloadOf, type Workload } from "./workloads";

/** The chapters that rules are listed in, in this order. */
export const groups = [
  "Pod Security",
  "Isolation",
  "Resources",
  "Images",
  "Network",
  "Access",
  "Namespaces",
  "Cluster and data",
  "Availability",
] as const;

/** What a rule says about itself. `Config` is what it can be told beside exceptions. */
export interface RuleText<Config extends object = object> {
  /** The rule's name, which is also its file's. */
  readonly name: string;
  readonly group: (typeof groups)[number];
  /** What must hold. */
  readonly description: string;
  readonly severity: Severity;
  /** What to do about a violation. */
  readonly remediationSteps: string;
  readonly url: string;
  /**
   * Whether a violation stops an update. `advisory` for what only some environments need: their file in config/ says so.
   * @default "mandatory"
   */
  readonly enforcementLevel?: EnforcementLevel;
  readonly settings?: Settings<Config>;
}

/** A Kubernetes object, as rules see it. */
export interface ClusterObject {
  readonly urn: string;
  readonly kind: string;
  /** The object; {@link unknown} as a whole if nothing of it is known before the update. */
  readonly object: Value;
  /** The pods that it makes; undefined if it makes none. */
  readonly workload: Workload | undefined;
  /** Whether Pulumi refuses to delete it. */
  readonly protect: boolean;
}

/** What is wrong, and with which resource. */
export interface Finding {
  readonly urn: string;
  readonly message: string;
}

/** A resource, as the engine hands it over. */
interface GivenResource {
  readonly type: string;
  readonly urn: string;
  readonly props: unknown;
  readonly opts: Pick<PolicyResourceOptions, "protect">;
}

/** A rule about pods, wherever they are made; `check` says what is wrong with them. */
export function podRule<Config extends object>(
  text: RuleText<Config>,
  check: (workload: Workload, config: Config) => string[],
): ResourceValidationPolicy {
  return typeRule(text, (type, props, config) => {
    const workload = workloadOf(type, settle(props));
    return workload === undefined ? [] : check(workload, config);
  });
}

/** A rule about objects of some Kubernetes kinds, one by one; `check` says what is wrong with one. */
export function objectRule<Config extends object>(
  text: RuleText<Config>,
  kinds: readonly string[],
  check: (object: ClusterObject, config: Config) => string[],
): ResourceValidationPolicy {
  return typeRule(text, (type, _props, config, given) => {
    const kind = kindOf(type);
    return kind !== undefined && kinds.includes(kind) ? check(clusterObject(kind, given), config) : [];
  });
}

/** A rule about resources of any type, one by one. */
export function typeRule<Config extends object>(
  text: RuleText<Config>,
  check: (type: string, props: unknown, config: Config, given: GivenResource) => string[],
): ResourceValidationPolicy {
  return {
    ...described(text),
    validateResource: (args, report) => {
      const { isExcluded, config } = settingsOf(text.settings, args.getConfig<RuleConfig>());
      if (isExcluded(args.urn)) return;
      for (const message of check(args.type, args.props, config, args))
        report(`${message}. ${text.remediationSteps}`);
    },
  };
}

/** A rule about all Kubernetes objects of the stack together. */
export function stackRule<Config extends object>(
  text: RuleText<Config>,
  check: (objects: readonly ClusterObject[], config: Config) => Finding[],
): StackValidationPolicy {
  return {
    ...described(text),
    validateStack: (args, report) => {
      const { isExcluded, config } = settingsOf(text.settings, args.getConfig<RuleConfig>());
      const objects = args.resources.flatMap((given) => {
        const kind = kindOf(given.type);
        return kind === undefined ? [] : [clusterObject(kind, given)];
      });
      for (const { urn, message } of check(objects, config)) {
        if (!isExcluded(urn)) report(`${message}. ${text.remediationSteps}`, urn);
      }
    },
  };
}

function clusterObject(kind: string, { type, urn, props, opts }: GivenResource): ClusterObject {
  const settled = settle(props);
  // In the preview of a cluster that is not there yet, the engine knows no outputs at all, not even of metadata.
  const object = at(settled, "metadata") === undefined ? unknown : settled;
  return { urn, kind, object, workload: workloadOf(type, settled), protect: opts.protect };
}

function described<Config extends object>(
  text: RuleText<Config>,
): Omit<Policies[number], "validateResource" | "validateStack"> & { configSchema: PolicyConfigSchema } {
  const { name, group, description, severity, remediationSteps, url } = text;
  return {
    name,
    description,
    severity,
    remediationSteps,
    url,
    tags: [group],
    enforcementLevel: text.enforcementLevel ?? "mandatory",
    configSchema: withExceptions(text.settings),
  };
}
