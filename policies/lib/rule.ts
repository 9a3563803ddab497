// What rules have in common: their names, texts and configuration.
import type {
  PolicyConfigSchema,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";

import { kindOf, workloadOf, type Workload } from "./workloads";
import { settle, type Value } from "./values";

/** What a rule says about itself. */
export interface RuleText {
  /** The rule's name, which is also its file's. */
  readonly name: string;
  /** What must hold. */
  readonly description: string;
  readonly severity: Severity;
  /** What to do about a violation. */
  readonly remediationSteps: string;
  readonly url?: string;
}

/** What every rule can be told by `--policy-pack-config`. */
export interface RuleConfig {
  /** Regular expressions: resources whose URN matches one are left alone. */
  readonly exclude?: readonly string[];
}

const excludable: PolicyConfigSchema = {
  properties: {
    exclude: {
      type: "array",
      items: { type: "string" },
      default: [],
      description: "Regular expressions: resources whose URN matches one are left alone.",
    },
  },
};

/** Whether configuration leaves a resource alone. */
export function isExcluded(urn: string, { exclude = [] }: RuleConfig): boolean {
  return exclude.some((pattern) => new RegExp(pattern).test(urn));
}

/** A rule about pods, wherever they are made; `check` says what is wrong with them. */
export function podRule(text: RuleText, check: (workload: Workload) => string[]): ResourceValidationPolicy {
  return {
    ...text,
    enforcementLevel: "mandatory",
    configSchema: excludable,
    validateResource: (args, report) => {
      const workload = workloadOf(args.type, args.props);
      if (workload === undefined || isExcluded(args.urn, args.getConfig<RuleConfig>())) return;
      for (const message of check(workload)) report(`${message}. ${text.remediationSteps}`);
    },
  };
}

/** A rule about objects of one Kubernetes kind; `check` says what is wrong with one. */
export function objectRule(
  text: RuleText,
  kind: string,
  check: (object: Value) => string[],
): ResourceValidationPolicy {
  return {
    ...text,
    enforcementLevel: "mandatory",
    configSchema: excludable,
    validateResource: (args, report) => {
      if (kindOf(args.type) !== kind || isExcluded(args.urn, args.getConfig<RuleConfig>())) return;
      for (const message of check(settle(args.props))) report(`${message}. ${text.remediationSteps}`);
    },
  };
}

/** A resource of the stack, as rules about the whole stack see it. */
export interface StackObject {
  readonly urn: string;
  readonly kind: string;
  readonly object: Value;
  readonly workload: Workload | undefined;
}

/** What is wrong, and with which resource. */
export interface StackFinding {
  readonly urn: string;
  readonly message: string;
}

/** A rule about all Kubernetes objects of the stack together. */
export function stackRule(
  text: RuleText,
  check: (objects: readonly StackObject[]) => StackFinding[],
): StackValidationPolicy {
  return {
    ...text,
    enforcementLevel: "mandatory",
    configSchema: excludable,
    validateStack: (args, report) => {
      const config = args.getConfig<RuleConfig>();
      const objects = args.resources.flatMap(({ type, urn, props }): StackObject[] => {
        const kind = kindOf(type);
        if (kind === undefined) return [];
        return [{ urn, kind, object: settle(props), workload: workloadOf(type, props) }];
      });
      for (const { urn, message } of check(objects)) {
        if (!isExcluded(urn, config)) report(`${message}. ${text.remediationSteps}`, urn);
      }
    },
  };
}
