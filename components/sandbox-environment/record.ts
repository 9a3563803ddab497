// The environment's record: what the provisioner reads to make sandboxes of the environment. Its format is in
// docs/sandbox-environments.md; the version changes when a reader of the old one would misunderstand the new one.
import type { ComputeAmounts } from "../sandbox-deployment/args";
import { placementSpec } from "../sandbox-deployment/placement";
import { commonLabels, provisionedSelector } from "../shared/labels";
import type { PoolAutoscaling } from "./args";
import type { SandboxEnvironmentSettings } from "./resolve";

/** The version of the record's format. */
export const recordVersion = 1;

/** ConfigMap label whose value is the environment's name. */
export const ENVIRONMENT_LABEL = "sandlot.dev/environment";

/** The entry of the ConfigMap that holds the record. */
export const recordKey = "environment.json";

/** What is only known when the image is there and the namespace is. */
export interface RecordValues {
  readonly image: string;
  readonly runtimeClassName?: string | undefined;
  readonly priorityClassName?: string | undefined;
  /** The values of `env`, in its order. */
  readonly values: readonly string[];
  readonly pullSecrets: readonly string[];
}

/** The name of the ConfigMap. */
export const recordName = (environment: string): string => `sandbox-environment-${environment}`;

/** The labels of the ConfigMap. */
export const recordLabels = (environment: string): Record<string, string> => ({
  ...commonLabels("sandbox-environment"),
  [ENVIRONMENT_LABEL]: environment,
});

/** The labels that all pods of the environment have, and no others (provisioner/src/model/pod.ts). */
const podLabels = (environment: string): Record<string, string> => ({
  ...provisionedSelector,
  [ENVIRONMENT_LABEL]: environment,
});

/** The record as it stands in the ConfigMap: keys sorted, so that the same environment is the same text. */
export function record(settings: SandboxEnvironmentSettings, known: RecordValues): string {
  const { resources, maxResources, runtimes, placement, poolAutoscaling } = settings;
  const content = {
    version: recordVersion,
    name: settings.name,
    image: known.image,
    imagePullPolicy: settings.imagePullPolicy,
    imagePullSecrets: [...known.pullSecrets],
    runtimeClassName: known.runtimeClassName,
    // What is not said is left out, so that the record of an environment that says no more than it did stays as it is.
    runtimes: runtimes.length === 0 ? undefined : runtimes,
    priorityClassName: known.priorityClassName,
    egress: settings.egress,
    resources: { requests: amounts(resources.requests), limits: amounts(resources.limits) },
    maxResources: Object.keys(maxResources).length === 0 ? undefined : amounts(maxResources),
    placement: placement && placementSpec(placement, podLabels(settings.name)),
    env: Object.fromEntries(settings.env.map(({ name }, index) => [name, known.values[index] ?? ""])),
    secrets: settings.secrets.map(({ variable, secret, key }) => ({ variable, secret, key })),
    pool: poolAutoscaling === undefined ? { size: settings.poolSize } : followingPool(poolAutoscaling),
  };
  return `${JSON.stringify(sorted(content), null, 2)}\n`;
}

/** A reader that knows no autoscaling keeps the fewest. */
function followingPool({ min, ...autoscaling }: Required<PoolAutoscaling>) {
  return { size: min, autoscaling };
}

function amounts({ cpu, memory, ephemeralStorage }: ComputeAmounts): Record<string, string | undefined> {
  return { cpu, memory, "ephemeral-storage": ephemeralStorage };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]),
  );
}
