// Whether what is always there fits the namespace's quota: the shared sandboxes and the idle pods of environments. What does not
// would be missing for good, and only the events of the namespace would say so.
import type { ComputeAmounts } from "../sandbox-deployment/args";
import type { SandboxDeploymentSettings } from "../sandbox-deployment/resolve";
import type { SandboxNamespaceSettings } from "../sandbox-namespace/args";
import type { Checks } from "../shared/checks";
import { parseQuantity } from "../shared/quantity";

type Resources = SandboxDeploymentSettings["resources"];

/** Pods that are always there. `field` is the argument that says how many. */
export interface Pool {
  readonly field: string;
  readonly count: number;
  readonly resources: Resources;
}

const amounts = [
  ["requests", "cpu", "requestsCpu"],
  ["requests", "memory", "requestsMemory"],
  ["requests", "ephemeralStorage", "requestsEphemeralStorage"],
  ["limits", "cpu", "limitsCpu"],
  ["limits", "memory", "limitsMemory"],
  ["limits", "ephemeralStorage", "limitsEphemeralStorage"],
] as const;

/** Notes each part of the quota that is too small. */
export function checkQuota(
  checks: Checks,
  { replicas, autoscaling, resources }: SandboxDeploymentSettings,
  pools: readonly Pool[],
  quota: SandboxNamespaceSettings["quota"],
): void {
  const [mostField, most] =
    autoscaling === undefined ? ["replicas", replicas] : ["autoscaling.maxReplicas", autoscaling.maxReplicas];
  if (most >= quota.pods) {
    checks.problem(
      `deployment.${mostField} is ${most}, but the namespace's quota is ${quota.pods} pods, and an update needs one more ` +
        "than there are replicas; lower it or raise namespace.quota.pods",
    );
  }
  const shared =
    autoscaling === undefined
      ? { field: "deployment.replicas", count: replicas }
      : { field: "deployment.autoscaling.minReplicas", count: autoscaling.minReplicas };
  const there = [{ ...shared, resources }, ...pools].filter(({ count }) => count > 0);
  const sum = (of: (resources: Resources) => number): number =>
    there.reduce((total, pods) => total + pods.count * of(pods.resources), 0);
  const who = there.map(({ field, count }) => `${field} is ${count}`).join(", ");
  const pods = sum(() => 1);
  if (pods > quota.pods && most < quota.pods) {
    checks.problem(
      `${who}: ${pods} pods in all, but the namespace's quota is ${quota.pods}; lower one or raise namespace.quota.pods`,
    );
  }
  for (const [kind, amount, field] of amounts) {
    const bound = parseQuantity(quota[field]);
    const needed = sum((each) => parseQuantity(each[kind][amount]) ?? 0);
    // Sums of tenths are not exact.
    if (bound === undefined || needed <= bound * (1 + 1e-9)) continue;
    checks.problem(
      `${who}: their ${kind} of ${amount} are ${inUnits(needed, amount)} in all, but the namespace's quota is "${quota[field]}"; ` +
        `lower one or raise namespace.quota.${field}`,
    );
  }
}

function inUnits(amount: number, of: keyof ComputeAmounts): string {
  return of === "cpu" ? `"${Number(amount.toFixed(3))}"` : `"${Math.ceil(amount / 2 ** 20)}Mi"`;
}
