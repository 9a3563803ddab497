// What a namespace for sandboxes can be told: arguments, their defaults, and what is wrong with given ones.

import { Checks, type Rule } from "../shared/checks";
import { over } from "../shared/defaults";
import { commonLabels } from "../shared/labels";
import { checkOrder } from "../shared/quantity";
import {
  dnsLabel,
  dnsSubdomain,
  integerBetween,
  labels as labelMap,
  matching,
  oneOf,
  quantity,
} from "../shared/rules";

/** Upper bounds over everything in the namespace; amounts are Kubernetes quantities. */
export interface NamespaceQuota {
  /**
   * Number of pods.
   * @default 50
   */
  pods?: number;
  /**
   * Sum of CPU requests.
   * @default "8"
   */
  requestsCpu?: string;
  /**
   * Sum of memory requests.
   * @default "16Gi"
   */
  requestsMemory?: string;
  /**
   * Sum of ephemeral-storage requests.
   * @default "32Gi"
   */
  requestsEphemeralStorage?: string;
  /**
   * Sum of CPU limits.
   * @default "32"
   */
  limitsCpu?: string;
  /**
   * Sum of memory limits.
   * @default "64Gi"
   */
  limitsMemory?: string;
  /**
   * Sum of ephemeral-storage limits.
   * @default "128Gi"
   */
  limitsEphemeralStorage?: string;
  /**
   * Number of volume claims.
   * @default 10
   */
  persistentVolumeClaims?: number;
  /**
   * Number of Services.
   * @default 20; in a platform whose provisioner makes a Service for each sandbox (`SandboxUrls.ClusterIp`, `.NodePort`), that many
   * more than `pods`
   */
  services?: number;
  /**
   * Number of Services of type NodePort.
   * @default 1; in a platform whose provisioner makes one for each sandbox (`SandboxUrls.NodePort`), 11 more than `pods`
   */
  nodePorts?: number;
}

/** CPU, memory and disk of one container, as Kubernetes quantities. */
export interface ResourceAmounts {
  /** CPU, such as `100m` or `1`. */
  cpu?: string;
  /** Memory, such as `128Mi`. */
  memory?: string;
  /** Ephemeral storage: writable layers, emptyDirs and logs. */
  ephemeralStorage?: string;
}

/** What one container in the namespace gets if it asks for nothing, and the most it can ask for. */
export interface NamespaceLimits {
  /**
   * Limits of a container that states none.
   * @default { cpu: "1", memory: "1Gi", ephemeralStorage: "1Gi" }
   */
  defaultLimits?: ResourceAmounts;
  /**
   * Requests of a container that states none.
   * @default { cpu: "100m", memory: "128Mi", ephemeralStorage: "256Mi" }
   */
  defaultRequests?: ResourceAmounts;
  /**
   * The highest limits a container may state.
   * @default { cpu: "4", memory: "8Gi", ephemeralStorage: "16Gi" }
   */
  maximum?: ResourceAmounts;
}

/** Whether pods that find no room take that of pods with less priority. */
export enum PreemptionPolicy {
  /** They wait: no sandbox ever ends somebody else's pod. */
  Never = "Never",
  /** They do. */
  PreemptLowerPriority = "PreemptLowerPriority",
}

/** The PriorityClass that all pods of the namespace have; pods of another are not let in. */
export interface NamespacePriority {
  /** Its name. Without `value` it is one that is there already. */
  className: string;
  /**
   * Its value, -2147483648 to 1000000000: a PriorityClass is made that has it. Below 0, sandboxes make way for every ordinary pod.
   * @default - none is made
   */
  value?: number;
  /**
   * Whether sandboxes that find no room take that of pods with less priority; only with `value`.
   * @default PreemptionPolicy.Never
   */
  preemptionPolicy?: PreemptionPolicy;
}

/** Arguments of {@link SandboxNamespace}. */
export interface SandboxNamespaceArgs {
  /**
   * The namespace's name.
   * @default "sandlot"
   */
  name?: string;
  /**
   * The version of the Pod Security Standards that is enforced, `v1.<minor>` or `latest`. Pinned, so that an upgrade of the
   * cluster never changes what is allowed.
   * @default "v1.34"
   */
  podSecurityVersion?: string;
  /**
   * More labels of the namespace; those of Pod Security cannot be given here.
   * @default {}
   */
  labels?: { [name: string]: string };
  /** Upper bounds over everything in the namespace. See the fields for their defaults. */
  quota?: NamespaceQuota;
  /** Defaults and upper bounds for one container. See the fields for their defaults. */
  limits?: NamespaceLimits;
  /**
   * The priority of all pods of the namespace.
   * @default - the cluster's default, and no bound on what pods ask for
   */
  priority?: NamespacePriority;
  /**
   * Whether Pulumi refuses to delete the namespace.
   * @default false
   */
  protect?: boolean;
}

/** {@link SandboxNamespaceArgs} with every default filled in. */
export interface SandboxNamespaceSettings {
  name: string;
  podSecurityVersion: string;
  labels: { [name: string]: string };
  quota: Required<NamespaceQuota>;
  limits: {
    defaultLimits: Required<ResourceAmounts>;
    defaultRequests: Required<ResourceAmounts>;
    maximum: Required<ResourceAmounts>;
  };
  priority?: NamespacePriority | undefined;
  protect: boolean;
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxNamespaceArgs): SandboxNamespaceSettings {
  const { quota, limits, priority, ...rest } = args;
  const plain = { name: "sandlot", podSecurityVersion: "v1.34", labels: {}, protect: false };
  return {
    ...over(plain, rest),
    quota: over<Required<NamespaceQuota>>(
      {
        pods: 50,
        requestsCpu: "8",
        requestsMemory: "16Gi",
        requestsEphemeralStorage: "32Gi",
        limitsCpu: "32",
        limitsMemory: "64Gi",
        limitsEphemeralStorage: "128Gi",
        persistentVolumeClaims: 10,
        services: 20,
        nodePorts: 1,
      },
      quota,
    ),
    limits: {
      defaultLimits: over(amounts("1", "1Gi", "1Gi"), limits?.defaultLimits),
      defaultRequests: over(amounts("100m", "128Mi", "256Mi"), limits?.defaultRequests),
      maximum: over(amounts("4", "8Gi", "16Gi"), limits?.maximum),
    },
    ...(priority === undefined ? {} : { priority }),
  };
}

function amounts(cpu: string, memory: string, ephemeralStorage: string): Required<ResourceAmounts> {
  return { cpu, memory, ephemeralStorage };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem.
 */
export function resolve(name: string, args: SandboxNamespaceArgs): SandboxNamespaceSettings {
  const settings = withDefaults(args);
  const checks = new Checks("SandboxNamespace", name);
  checks.plain("name", settings.name, ownNamespace);
  checks.plain(
    "podSecurityVersion",
    settings.podSecurityVersion,
    matching(/^(?:latest|v1\.\d{1,3})$/, "latest or v1.<minor>, such as v1.34"),
  );
  checks.plain("labels", settings.labels, namespaceLabels);
  for (const [field, value] of Object.entries(settings.quota)) {
    if (typeof value === "number") checks.plain(`quota.${field}`, value, integerBetween(0, 1_000_000));
    else checks.plain(`quota.${field}`, value, quantity);
  }
  const { defaultRequests, defaultLimits, maximum } = settings.limits;
  for (const [group, given] of Object.entries(settings.limits)) {
    for (const [field, value] of Object.entries(given))
      checks.plain(`limits.${group}.${field}`, value, quantity);
  }
  checkOrder(checks, ["limits.defaultRequests", defaultRequests], ["limits.defaultLimits", defaultLimits]);
  checkOrder(checks, ["limits.defaultLimits", defaultLimits], ["limits.maximum", maximum]);
  if (settings.priority !== undefined) checkPriority(checks, settings.priority);
  checks.finish();
  return settings;
}

function checkPriority(checks: Checks, { className, value, preemptionPolicy }: NamespacePriority): void {
  checks.plain("priority.className", className, (name) =>
    name.startsWith("system-")
      ? "a class for ordinary pods: those that start with system- are for the cluster's own"
      : dnsSubdomain(name),
  );
  checks.plain("priority.value", value, integerBetween(-2147483648, 1_000_000_000));
  checks.plain("priority.preemptionPolicy", preemptionPolicy, oneOf(PreemptionPolicy));
  if (preemptionPolicy !== undefined && value === undefined) {
    checks.problem(
      `priority.preemptionPolicy is ${preemptionPolicy}, but without priority.value the class is there already and says it; ` +
        "remove the one or give the other",
    );
  }
}

const ownNamespace: Rule<string> = (value) => {
  const bad = dnsLabel(value);
  if (bad !== undefined) return bad;
  return value === "default" || value.startsWith("kube-")
    ? "a namespace of its own: not default, and not one that starts with kube-"
    : undefined;
};

const namespaceLabels: Rule<Record<string, string>> = (value) => {
  const own = Object.keys(value).find(
    (key) => key.startsWith("pod-security.kubernetes.io/") || key in commonLabels("sandbox"),
  );
  return own === undefined ? labelMap(value) : `labels without ${own}, which the component sets itself`;
};
