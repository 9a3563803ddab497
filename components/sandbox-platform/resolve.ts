// Checks every part of the platform before any of it is registered.
import { resolve as resolveEgressProxy } from "../egress-proxy/resolve";
import { resolve as resolveRuntime } from "../gvisor-runtime/resolve";
import { resolve as resolveScan, scanPart } from "../image-scan/resolve";
import { resolve as resolveObservability } from "../observability/resolve";
import { resolve as resolveProvisioner } from "../provisioner/resolve";
import type { ComputeAmounts } from "../sandbox-deployment/args";
import { resolve as resolveDeployment } from "../sandbox-deployment/validate";
import type { SandboxEnvironmentOptions } from "../sandbox-environment/args";
import {
  resolve as resolveEnvironment,
  type SandboxEnvironmentSettings,
} from "../sandbox-environment/resolve";
import { resolve as resolveNamespace, type SandboxNamespaceSettings } from "../sandbox-namespace/args";
import { EgressProfile } from "../sandbox-network-policies/profiles";
import { resolve as resolveNetwork } from "../sandbox-network-policies/resolve";
import { resolve as resolveRbac } from "../sandbox-rbac/resolve";
import { Checks } from "../shared/checks";
import { parseQuantity } from "../shared/quantity";
import { integerBetween } from "../shared/rules";
import { resolve as resolveSkills } from "../skills-storage/resolve";
import { usersFolder } from "../user-data-retention/objects";
import { resolve as resolveRetention } from "../user-data-retention/resolve";
import { resolve as resolveUserData } from "../user-data-storage/resolve";
import type { SandboxPlatformArgs } from "./args";
import { egressProxyArgs } from "./provisioner";
import { checkQuota, type Pool } from "./quota";
import { retentionArgs } from "./retention";
import { checkServices, namespaceArgs } from "./services";

/** The logical names of the platform's parts. A name is identity: a change of it replaces what it names. */
export function partNames(
  name: string,
): Record<
  | "namespace"
  | "network"
  | "rbac"
  | "skills"
  | "userData"
  | "userDataRetention"
  | "runtime"
  | "observability"
  | "deployment"
  | "provisioner"
  | "egressProxy",
  string
> {
  return {
    namespace: `${name}-home`,
    network: `${name}-network`,
    rbac: `${name}-rbac`,
    skills: `${name}-skills`,
    userData: `${name}-user-data`,
    userDataRetention: `${name}-user-data-retention`,
    runtime: `${name}-runtime`,
    observability: `${name}-observability`,
    deployment: `${name}-sandbox`,
    provisioner: `${name}-provisioner`,
    egressProxy: `${name}-egress-proxy`,
  };
}

/** The logical name of a named environment. */
export const environmentPart = (name: string, environment: string): string =>
  `${name}-environment-${environment}`;

/**
 * Holds all arguments against their rules, those of the parts too. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SandboxPlatformArgs): void {
  const names = partNames(name);
  const checks = new Checks("SandboxPlatform", name);
  const home = checks.part(() => resolveNamespace(names.namespace, namespaceArgs(args)));
  const namespace = home?.name ?? "sandlot";
  // The same options for every image: what is wrong with them is said once.
  const { imageScan } = args;
  if (imageScan !== undefined)
    checks.part(() => resolveScan(scanPart(`${name}-sandbox`), { ...imageScan, image: "said:elsewhere" }));
  checks.part(() => resolveNetwork(names.network, { ...args.network, namespace }));
  checks.part(() => resolveRbac(names.rbac, { ...args.rbac, namespace }));
  if (args.skills !== undefined) {
    const skills = args.skills;
    checks.part(() => resolveSkills(names.skills, { ...skills, namespace }));
  }
  if (args.userData !== undefined) {
    const userData = args.userData;
    checks.part(() => resolveUserData(names.userData, { ...userData, namespace }));
  }
  if (args.gvisor === false && args.runtime !== undefined) {
    checks.problem("runtime is given, but gvisor is false; remove one of the two");
  }
  if (args.gvisor === false && args.gvisorCheck !== undefined) {
    checks.problem("gvisorCheck is given, but gvisor is false; remove one of the two");
  }
  checks.plain(
    "gvisorCheck.timeoutSeconds",
    args.gvisorCheck?.timeoutSeconds,
    integerBetween(10, 3600, "a number of seconds"),
  );
  if (args.gvisor !== false) checks.part(() => resolveRuntime(names.runtime, args.runtime ?? {}));
  if (args.observability !== undefined) {
    const observability = args.observability;
    checks.part(() => resolveObservability(names.observability, { ...observability, namespace }));
  }
  const deployment = checks.part(() =>
    resolveDeployment(names.deployment, {
      ...args.deployment,
      namespace,
      image: args.image,
      serviceAccountName: "sandbox",
    }),
  );
  const pools = checkEnvironments(checks, name, args, namespace, home);
  if (home !== undefined && deployment !== undefined) {
    checkMaximum(checks, "deployment.resources.limits", deployment.resources.limits, home);
    checkQuota(checks, deployment, pools, home.quota);
  }
  if (home !== undefined) checkServices(checks, args, home);
  checkProvisioner(checks, names.provisioner, args, namespace);
  checkEgressProxy(checks, names.egressProxy, args, namespace);
  checkRetention(checks, names.userDataRetention, args, namespace);
  checks.finish();
}

/** Pods with more than the namespace's maximum are not let in. */
function checkMaximum(
  checks: Checks,
  field: string,
  limits: ComputeAmounts,
  { limits: { maximum } }: SandboxNamespaceSettings,
): void {
  for (const name of ["cpu", "memory", "ephemeralStorage"] as const) {
    const limit = limits[name];
    if (limit === undefined || (parseQuantity(limit) ?? 0) <= (parseQuantity(maximum[name]) ?? 0)) continue;
    checks.problem(
      `${field}.${name} is "${limit}", but the namespace allows at most "${maximum[name]}"; ` +
        `lower it or raise namespace.limits.maximum.${name}`,
    );
  }
}

/** @returns the idle pods of each */
function checkEnvironments(
  checks: Checks,
  name: string,
  args: SandboxPlatformArgs,
  namespace: string,
  home: SandboxNamespaceSettings | undefined,
): Pool[] {
  const { image } = args;
  const seen = new Set<string>();
  const pools: Pool[] = [];
  for (const environment of allEnvironments(args)) {
    const part = environmentPart(name, environment.name);
    const settings = checks.part(() =>
      resolveEnvironment(part, { ...environment, namespace, sandboxImage: image }),
    );
    if (home !== undefined && settings !== undefined) {
      const field = `environments "${environment.name}"`;
      checkMaximum(checks, `${field}: resources.limits`, settings.resources.limits, home);
      checkMaximum(checks, `${field}: maxResources`, settings.maxResources, home);
    }
    if (settings !== undefined) pools.push(poolOf(settings, args));
    if (seen.has(environment.name))
      checks.problem(`two environments are named "${environment.name}"; rename one of them`);
    seen.add(environment.name);
  }
  return pools;
}

function poolOf(
  { name, poolSize, poolAutoscaling, resources }: SandboxEnvironmentSettings,
  { environments = [] }: SandboxPlatformArgs,
): Pool {
  const own = environments.some((each) => each.name === name);
  if (poolAutoscaling !== undefined) {
    const field = `poolAutoscaling.max of environment "${name}"`;
    return { field, count: poolAutoscaling.max, resources };
  }
  const field = own ? `poolSize of environment "${name}"` : "defaultPoolSize";
  return { field, count: poolSize, resources };
}

/** The environments that are given, and the provisioner's default one where it is not among them. */
export function allEnvironments({
  environments = [],
  provisioner,
  defaultPoolSize,
}: SandboxPlatformArgs): SandboxEnvironmentOptions[] {
  const name = provisioner?.defaultEnvironment ?? "default";
  if (provisioner === undefined || environments.some((each) => each.name === name)) return environments;
  return [...environments, { name, ...(defaultPoolSize === undefined ? {} : { poolSize: defaultPoolSize }) }];
}

function checkProvisioner(
  checks: Checks,
  part: string,
  { provisioner, defaultPoolSize, environments = [], userData }: SandboxPlatformArgs,
  namespace: string,
): void {
  if (defaultPoolSize !== undefined) {
    const name = provisioner?.defaultEnvironment ?? "default";
    if (provisioner === undefined)
      checks.problem("defaultPoolSize is given, but provisioner is not; remove the one or give the other");
    else if (environments.some((each) => each.name === name))
      checks.problem(
        `defaultPoolSize is given, but environments has ${name}, whose poolSize says it; remove one of the two`,
      );
  }
  if (provisioner === undefined) return;
  checks.part(() =>
    resolveProvisioner(part, {
      ...provisioner,
      ...{ namespace, sandboxServiceAccountName: "sandbox" },
      ...(userData === undefined ? {} : { userDataClaimName: "known-later" }),
    }),
  );
}

function checkEgressProxy(checks: Checks, part: string, args: SandboxPlatformArgs, namespace: string): void {
  const { egressProxy, provisioner } = args;
  if (egressProxy === undefined) {
    if (provisioner !== undefined) checkListedEnvironments(checks, args);
    return;
  }
  if (provisioner === undefined)
    checks.problem("egressProxy is given, but provisioner is not; remove the one or give the other");
  else
    checks.part(() =>
      resolveEgressProxy(part, egressProxyArgs(args, { egressProxy, provisioner }, namespace, "")),
    );
}

/** The network's allow list is not for the provisioner's sandboxes: without the proxy, profile `allowlist` would be `blocked`. */
function checkListedEnvironments(checks: Checks, args: SandboxPlatformArgs): void {
  for (const { name, egress } of allEnvironments(args)) {
    if (egress !== EgressProfile.Allowlist) continue;
    checks.problem(
      `environments "${name}": egress is "allowlist", but egressProxy is not given, so that its sandboxes would reach nothing; ` +
        'give egressProxy, or set egress to "blocked" or "open"',
    );
  }
}

function checkRetention(checks: Checks, part: string, args: SandboxPlatformArgs, namespace: string): void {
  const { userDataRetention, userData, provisioner } = args;
  if (userDataRetention === undefined) return;
  for (const [field, value] of Object.entries({ userData, provisioner })) {
    if (value === undefined)
      checks.problem(`userDataRetention is given, but ${field} is not; remove the one or give the other`);
  }
  const subPath = userData?.subPath ?? "";
  if (`${subPath}/`.startsWith(`${usersFolder}/`)) {
    checks.problem(
      `userData.subPath is "${subPath}", which the shared sandboxes use for longer than any sandbox of the provisioner lives, but ` +
        `userDataRetention removes what is below ${usersFolder}; choose another folder`,
    );
  }
  checks.part(() =>
    resolveRetention(part, retentionArgs(args, userDataRetention, { namespace, claimName: "known-later" })),
  );
}
