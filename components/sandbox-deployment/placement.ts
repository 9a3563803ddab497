// Where the pods of a Deployment run: what can be asked, what is refused, and the objects.
import type * as k8s from "@pulumi/kubernetes";

import type { Checks, Rule } from "../shared/checks";
import { integerBetween, labels, matching, oneOf, selector } from "../shared/rules";
import { checkTolerations, tolerationObject, type SandboxToleration } from "../shared/tolerations";

/** Whether pods keep away from each other. */
export enum AntiAffinity {
  /** They do not mind. */
  None = "None",
  /** On nodes of their own while there are any. */
  Preferred = "Preferred",
  /** On nodes of their own, or not at all. With rolling updates that takes a node more than there are replicas. */
  Required = "Required",
}

/** How a node's label is compared. */
export enum NodeOperator {
  In = "In",
  NotIn = "NotIn",
  Exists = "Exists",
  DoesNotExist = "DoesNotExist",
  Gt = "Gt",
  Lt = "Lt",
}

/** How evenly pods are spread over the values of a node label. */
export interface TopologySpread {
  /** The label: `topology.kubernetes.io/zone`, `kubernetes.io/hostname` and the like. */
  topologyKey: string;
  /**
   * By how many pods two of its values may differ, 1 to 100.
   * @default 1
   */
  maxSkew?: number;
  /**
   * Whether a pod that would make it uneven waits instead of running.
   * @default false
   */
  required?: boolean;
}

/** What a node's label must be. */
export interface NodeRequirement {
  /** The label. */
  key: string;
  /**
   * How it is compared.
   * @default NodeOperator.In
   */
  operator?: NodeOperator;
  /**
   * What it is compared with: one or more with In and NotIn, one whole number with Gt and Lt, none otherwise.
   * @default []
   */
  values?: string[];
}

/** Nodes that are better than others. */
export interface NodePreference {
  /** How much better, 1 to 100. */
  weight: number;
  /** What holds of them; all of it. */
  requirements: NodeRequirement[];
}

/** Other pods of the namespace to be near to, or away from. */
export interface PodProximity {
  /** Labels of the pods; at least one. */
  podLabels: { [name: string]: string };
  /**
   * The node label within whose value is near.
   * @default "kubernetes.io/hostname"
   */
  topologyKey?: string;
  /**
   * Whether a pod that finds no such place waits instead of running.
   * @default false
   */
  required?: boolean;
}

/** Where the pods run. */
export interface SandboxPlacement {
  /**
   * Labels that nodes must have, beside those of the RuntimeClass.
   * @default {}
   */
  nodeSelector?: { [name: string]: string };
  /**
   * Taints that pods put up with, beside those of the RuntimeClass.
   * @default []
   */
  tolerations?: SandboxToleration[];
  /**
   * How pods are spread; not with `spread: false`.
   * @default - over zones and nodes, as evenly as can be without keeping a pod from running
   */
  topologySpread?: TopologySpread[];
  /**
   * Whether pods of this Deployment keep away from each other.
   * @default AntiAffinity.Preferred; with `spread: false` AntiAffinity.None
   */
  antiAffinity?: AntiAffinity;
  /**
   * What nodes must be; all of it.
   * @default []
   */
  requiredNodes?: NodeRequirement[];
  /**
   * What nodes should be.
   * @default []
   */
  preferredNodes?: NodePreference[];
  /**
   * Pods to be near to.
   * @default []
   */
  near?: PodProximity[];
  /**
   * Pods to be away from.
   * @default []
   */
  awayFrom?: PodProximity[];
}

/** {@link SandboxPlacement} with every default filled in. */
export type PlacementSettings = Required<SandboxPlacement>;

const zone = "topology.kubernetes.io/zone";
const host = "kubernetes.io/hostname";

/** Fills in the defaults; `spread` is whether pods are to be spread where nothing else is said. */
export function placementDefaults(given: SandboxPlacement = {}, spread: boolean): PlacementSettings {
  return {
    nodeSelector: given.nodeSelector ?? {},
    tolerations: given.tolerations ?? [],
    topologySpread: given.topologySpread ?? (spread ? [{ topologyKey: zone }, { topologyKey: host }] : []),
    antiAffinity: given.antiAffinity ?? (spread ? AntiAffinity.Preferred : AntiAffinity.None),
    requiredNodes: given.requiredNodes ?? [],
    preferredNodes: given.preferredNodes ?? [],
    near: given.near ?? [],
    awayFrom: given.awayFrom ?? [],
  };
}

const nodeLabel: Rule<string> = (value) =>
  labels({ [value]: "" }) === undefined && value !== ""
    ? undefined
    : "the key of a label, such as kubernetes.io/hostname";

/** Holds the placement against its rules; `spread` is what the Deployment says beside it. */
export function checkPlacement(checks: Checks, placement: PlacementSettings, spread: boolean): void {
  checks.plain("placement.nodeSelector", placement.nodeSelector, labels);
  checkTolerations(checks, "placement.tolerations", placement.tolerations);
  if (!spread && placement.topologySpread.length > 0)
    checks.problem("placement.topologySpread is given, but spread is false; remove one of the two");
  const keys = new Set<string>();
  for (const [i, { topologyKey, maxSkew }] of placement.topologySpread.entries()) {
    const at = `placement.topologySpread[${i}]`;
    checks.plain(`${at}.topologyKey`, topologyKey, nodeLabel);
    checks.plain(`${at}.maxSkew`, maxSkew, integerBetween(1, 100));
    if (keys.has(topologyKey))
      checks.problem(
        `${at}.topologyKey is ${topologyKey}, which an earlier entry has; remove one of the two`,
      );
    keys.add(topologyKey);
  }
  checks.plain("placement.antiAffinity", placement.antiAffinity, oneOf(AntiAffinity));
  checkRequirements(checks, "placement.requiredNodes", placement.requiredNodes);
  for (const [i, { weight, requirements }] of placement.preferredNodes.entries()) {
    const at = `placement.preferredNodes[${i}]`;
    checks.plain(`${at}.weight`, weight, integerBetween(1, 100));
    if (requirements.length === 0)
      checks.problem(`${at}.requirements is empty; say what holds of those nodes`);
    checkRequirements(checks, `${at}.requirements`, requirements);
  }
  for (const group of ["near", "awayFrom"] as const) {
    for (const [i, { podLabels, topologyKey }] of placement[group].entries()) {
      checks.plain(`placement.${group}[${i}].podLabels`, podLabels, selector);
      checks.plain(`placement.${group}[${i}].topologyKey`, topologyKey, nodeLabel);
    }
  }
}

/** How many values each operator takes. */
const valuesOf: Readonly<Record<NodeOperator, [least: number, most: number, words: string]>> = {
  [NodeOperator.In]: [1, Infinity, "one or more"],
  [NodeOperator.NotIn]: [1, Infinity, "one or more"],
  [NodeOperator.Exists]: [0, 0, "none"],
  [NodeOperator.DoesNotExist]: [0, 0, "none"],
  [NodeOperator.Gt]: [1, 1, "one, a whole number"],
  [NodeOperator.Lt]: [1, 1, "one, a whole number"],
};

function checkRequirements(checks: Checks, field: string, requirements: readonly NodeRequirement[]): void {
  for (const [i, { key, operator = NodeOperator.In, values = [] }] of requirements.entries()) {
    const at = `${field}[${i}]`;
    checks.plain(`${at}.key`, key, nodeLabel);
    checks.plain(`${at}.operator`, operator, oneOf(NodeOperator));
    if (!Object.values(NodeOperator).includes(operator)) continue;
    const [least, most, words] = valuesOf[operator];
    if (values.length < least || values.length > most) {
      checks.problem(
        `${at}.values has ${values.length}, but operator ${operator} takes ${words}; change one of the two`,
      );
    }
    const number = operator === NodeOperator.Gt || operator === NodeOperator.Lt;
    for (const [j, value] of values.entries()) {
      const rule = number ? matching(/^-?\d+$/, "a whole number, as text") : labelValue;
      checks.plain(`${at}.values[${j}]`, value, rule);
    }
  }
}

const labelValue: Rule<string> = (value) =>
  labels({ value }) === undefined
    ? undefined
    : "at most 63 letters, digits, -, _ and ., with a letter or digit at both ends";

/** What the pods' spec says of their place; `matchLabels` chooses the pods of this Deployment. */
export function placementSpec(
  placement: PlacementSettings,
  matchLabels: Record<string, string>,
): Partial<k8s.types.input.core.v1.PodSpec> {
  const { nodeSelector, tolerations, topologySpread } = placement;
  const affinity = affinityOf(placement, matchLabels);
  return {
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(tolerationObject) }),
    ...(topologySpread.length === 0
      ? {}
      : {
          topologySpreadConstraints: topologySpread.map(({ topologyKey, maxSkew = 1, required }) => ({
            topologyKey,
            maxSkew,
            whenUnsatisfiable: required === true ? "DoNotSchedule" : "ScheduleAnyway",
            labelSelector: { matchLabels },
          })),
        }),
    ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
  };
}

/**
 * That of a service of ours: spread over nodes and zones as evenly as can be without keeping a pod from running. The scheduler leaves
 * nodes out of account that lack one of the labels of the constraints, and many clusters know no zones: there, the affinity alone keeps
 * pods on different nodes.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#conventions
 */
export function serviceSpread(
  matchLabels: Readonly<Record<string, string>>,
): Partial<k8s.types.input.core.v1.PodSpec> {
  const topologySpread = [{ topologyKey: host }, { topologyKey: zone }];
  return placementSpec(placementDefaults({ topologySpread }, true), { ...matchLabels });
}

function affinityOf(
  { requiredNodes, preferredNodes, near, awayFrom, antiAffinity }: PlacementSettings,
  matchLabels: Record<string, string>,
): k8s.types.input.core.v1.Affinity {
  const own = { podLabels: matchLabels, required: antiAffinity === AntiAffinity.Required };
  const apart = [...(antiAffinity === AntiAffinity.None ? [] : [own]), ...awayFrom];
  return {
    ...(requiredNodes.length + preferredNodes.length === 0
      ? {}
      : { nodeAffinity: nodeAffinity(requiredNodes, preferredNodes) }),
    ...(near.length === 0 ? {} : { podAffinity: podTerms(near) }),
    ...(apart.length === 0 ? {} : { podAntiAffinity: podTerms(apart) }),
  };
}

function nodeAffinity(
  required: readonly NodeRequirement[],
  preferred: readonly NodePreference[],
): k8s.types.input.core.v1.NodeAffinity {
  const expression = ({ key, operator = NodeOperator.In, values = [] }: NodeRequirement) => ({
    key,
    operator,
    ...(values.length === 0 ? {} : { values }),
  });
  return {
    ...(required.length === 0
      ? {}
      : {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: required.map(expression) }],
          },
        }),
    ...(preferred.length === 0
      ? {}
      : {
          preferredDuringSchedulingIgnoredDuringExecution: preferred.map(({ weight, requirements }) => ({
            weight,
            preference: { matchExpressions: requirements.map(expression) },
          })),
        }),
  };
}

/** Near and away look alike in Kubernetes. */
function podTerms(proximities: readonly PodProximity[]): k8s.types.input.core.v1.PodAffinity {
  const term = ({ podLabels, topologyKey = host }: PodProximity) => ({
    topologyKey,
    labelSelector: { matchLabels: podLabels },
  });
  const required = proximities.filter((each) => each.required === true).map(term);
  const preferred = proximities.filter((each) => each.required !== true).map(term);
  return {
    ...(required.length === 0 ? {} : { requiredDuringSchedulingIgnoredDuringExecution: required }),
    ...(preferred.length === 0
      ? {}
      : {
          preferredDuringSchedulingIgnoredDuringExecution: preferred.map((podAffinityTerm) => ({
            weight: 100,
            podAffinityTerm,
          })),
        }),
  };
}
