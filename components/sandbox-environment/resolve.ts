// A named environment's settings: defaults filled in, everything held against its rule.
import * as pulumi from "@pulumi/pulumi";

import { SandboxPullPolicy, type ComputeAmounts, type EnvironmentVariable } from "../sandbox-deployment/args";
import {
  AntiAffinity,
  checkPlacement,
  placementDefaults,
  type PlacementSettings,
} from "../sandbox-deployment/placement";
import type { ImageScanOptions } from "../image-scan/args";
import { resolve as resolveScan, scanPart } from "../image-scan/resolve";
import { EgressProfile } from "../sandbox-network-policies/profiles";
import { Checks, type Rule } from "../shared/checks";
import { over } from "../shared/defaults";
import { checkOrder } from "../shared/quantity";
import {
  dnsLabel,
  dnsSubdomain,
  environmentName,
  integerBetween,
  oneOf,
  pinnedImage,
  quantity,
} from "../shared/rules";
import type {
  EnvironmentBuild,
  EnvironmentNode,
  EnvironmentRegistry,
  PoolAutoscaling,
  RegistryCredentials,
  SandboxEnvironmentArgs,
  SecretVariable,
} from "./args";
import { pythonBase } from "./recipe";
import { aptPackage, buildCommand, pipPackage, pythonVersion, repository, secretKey } from "./rules";

/** What is built, with every default filled in. */
export interface BuildSettings {
  base: pulumi.Input<string>;
  pythonVersion?: string | undefined;
  pip: string[];
  apt: string[];
  commands: string[];
}

/** {@link SandboxEnvironmentArgs} with every default filled in. */
export interface SandboxEnvironmentSettings {
  name: string;
  namespace: pulumi.Input<string>;
  sandboxImage: pulumi.Input<string>;
  image?: pulumi.Input<string> | undefined;
  build?: BuildSettings | undefined;
  registry?: EnvironmentRegistry | undefined;
  node?: EnvironmentNode | undefined;
  scan?: ImageScanOptions | undefined;
  imagePullPolicy: SandboxPullPolicy;
  imagePullSecrets: string[];
  runtimeClassName?: pulumi.Input<string> | undefined;
  runtimes: string[];
  priorityClassName?: pulumi.Input<string> | undefined;
  egress: EgressProfile;
  resources: { requests: Required<ComputeAmounts>; limits: Required<ComputeAmounts> };
  maxResources: ComputeAmounts;
  placement?: PlacementSettings | undefined;
  spread: boolean;
  env: EnvironmentVariable[];
  secrets: SecretVariable[];
  poolSize: number;
  poolAutoscaling?: Required<PoolAutoscaling> | undefined;
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxEnvironmentArgs): SandboxEnvironmentSettings {
  const { build, registry, resources, placement, spread = true, poolAutoscaling, ...rest } = args;
  return {
    ...rest,
    build: build && buildDefaults(build, args.sandboxImage),
    registry: registry && withSecretPasswords(registry),
    imagePullPolicy: args.imagePullPolicy ?? SandboxPullPolicy.IfNotPresent,
    imagePullSecrets: args.imagePullSecrets ?? [],
    runtimes: args.runtimes ?? [],
    egress: args.egress ?? EgressProfile.Blocked,
    resources: {
      requests: over({ cpu: "100m", memory: "128Mi", ephemeralStorage: "256Mi" }, resources?.requests),
      limits: over({ cpu: "1", memory: "1Gi", ephemeralStorage: "1Gi" }, resources?.limits),
    },
    maxResources: args.maxResources ?? {},
    placement: placement && placementDefaults(over({ antiAffinity: AntiAffinity.None }, placement), spread),
    spread,
    env: args.env ?? [],
    secrets: args.secrets ?? [],
    poolSize: args.poolSize ?? 0,
    poolAutoscaling:
      poolAutoscaling &&
      over(
        { min: 1, max: poolAutoscaling.max, targetUtilization: 80, scaleDownSeconds: 300 },
        poolAutoscaling,
      ),
  };
}

/** A password is a secret, whoever forgot to say so. */
export function withSecretPasswords(registry: EnvironmentRegistry): EnvironmentRegistry {
  const secret = (credentials: RegistryCredentials | undefined): RegistryCredentials | undefined =>
    credentials && { ...credentials, password: pulumi.secret(credentials.password) };
  const { pushCredentials, pullCredentials } = registry;
  return over(registry, {
    pushCredentials: secret(pushCredentials),
    pullCredentials: secret(pullCredentials),
  });
}

function buildDefaults(build: EnvironmentBuild, sandboxImage: pulumi.Input<string>): BuildSettings {
  const { pythonVersion: version, pip = [], apt = [], commands = [] } = build;
  const base = build.base ?? (version === undefined ? sandboxImage : pythonBase(version));
  return { base, pythonVersion: version, pip, apt, commands };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SandboxEnvironmentArgs): SandboxEnvironmentSettings {
  const settings = withDefaults(args);
  const checks = new Checks("SandboxEnvironment", name);
  checks.plain("name", settings.name, environmentLabel);
  checkImage(checks, settings);
  checks.plain("imagePullPolicy", settings.imagePullPolicy, oneOf(SandboxPullPolicy));
  for (const [i, secret] of settings.imagePullSecrets.entries())
    checks.plain(`imagePullSecrets[${i}]`, secret, dnsSubdomain);
  checks.plain("egress", settings.egress, oneOf(EgressProfile));
  for (const [group, given] of Object.entries(settings.resources)) {
    for (const [field, value] of Object.entries(given))
      checks.plain(`resources.${group}.${field}`, value, quantity);
  }
  checkOrder(
    checks,
    ["resources.requests", settings.resources.requests],
    ["resources.limits", settings.resources.limits],
  );
  for (const [field, value] of Object.entries(settings.maxResources) as [string, string][])
    checks.plain(`maxResources.${field}`, value, quantity);
  checkOrder(
    checks,
    ["resources.limits", settings.resources.limits],
    ["maxResources", settings.maxResources],
  );
  checkEach(checks, "runtimes", settings.runtimes, dnsSubdomain);
  if (settings.placement !== undefined) checkPlacement(checks, settings.placement, settings.spread);
  checkVariables(checks, settings);
  checks.plain("poolSize", settings.poolSize, integerBetween(0, 500));
  if (settings.poolAutoscaling !== undefined) checkAutoscaling(checks, settings.poolAutoscaling);
  if (args.poolSize !== undefined && args.poolAutoscaling !== undefined)
    checks.problem("poolSize and poolAutoscaling are both given; remove one of the two");
  const { scan } = settings;
  if (scan !== undefined) checks.part(() => resolveScan(scanPart(name), { ...scan, image: "known:later" }));
  const resolved: SandboxEnvironmentSettings = {
    ...settings,
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
    sandboxImage: checks.input("sandboxImage", settings.sandboxImage, pinnedImage),
    image: checks.optional("image", settings.image, pinnedImage),
    build: settings.build && {
      ...settings.build,
      base: checks.input("build.base", settings.build.base, pinnedImage),
    },
    runtimeClassName: checks.optional("runtimeClassName", settings.runtimeClassName, dnsSubdomain),
    priorityClassName: checks.optional("priorityClassName", settings.priorityClassName, dnsSubdomain),
  };
  checks.finish();
  return resolved;
}

function checkAutoscaling(checks: Checks, given: Required<PoolAutoscaling>): void {
  const { min, max, targetUtilization, scaleDownSeconds } = given;
  checks.plain("poolAutoscaling.min", min, integerBetween(0, 500));
  checks.plain("poolAutoscaling.max", max, integerBetween(1, 500));
  if (min > max)
    checks.problem(
      `poolAutoscaling.min is ${min}, but poolAutoscaling.max is ${max}; lower the one or raise the other`,
    );
  checks.plain("poolAutoscaling.targetUtilization", targetUtilization, integerBetween(1, 99, "a percentage"));
  checks.plain(
    "poolAutoscaling.scaleDownSeconds",
    scaleDownSeconds,
    integerBetween(0, 3600, "a number of seconds"),
  );
}

/** The name is part of other names, which have 63 characters at most. */
const environmentLabel: Rule<string> = (value) =>
  dnsLabel(value) ?? (value.length <= 40 ? undefined : "at most 40 characters");

function checkImage(checks: Checks, { image, build, registry }: SandboxEnvironmentSettings): void {
  if (image !== undefined && build !== undefined)
    checks.problem("image and build are both given; remove one of the two");
  if (registry !== undefined) {
    checks.plain("registry.repository", registry.repository, repository);
    if (build === undefined)
      checks.problem("registry is given, but nothing is built; remove it or give build");
  }
  if (build === undefined) return;
  checks.plain("build.pythonVersion", build.pythonVersion, pythonVersion);
  checkEach(checks, "build.pip", build.pip, pipPackage);
  checkEach(checks, "build.apt", build.apt, aptPackage);
  checkEach(checks, "build.commands", build.commands, buildCommand);
}

function checkEach(checks: Checks, field: string, values: readonly string[], rule: Rule<string>): void {
  for (const [i, value] of values.entries()) checks.plain(`${field}[${i}]`, value, rule);
}

/** Variables that the sandbox server or Kubernetes sets. */
const ownVariable: Rule<string> = (value) =>
  environmentName(value) ??
  (value === "HOME" || /^(?:SANDLOT|SANDBOXD|KUBERNETES)_/.test(value)
    ? "a name that is not reserved: HOME and names that start with SANDLOT_, SANDBOXD_ or KUBERNETES_ are"
    : undefined);

function checkVariables(checks: Checks, { env, secrets }: SandboxEnvironmentSettings): void {
  const names = [
    ...env.map(({ name }, i) => [`env[${i}].name`, name] as const),
    ...secrets.map(({ variable }, i) => [`secrets[${i}].variable`, variable] as const),
  ];
  const seen = new Set<string>();
  for (const [field, name] of names) {
    checks.plain(field, name, ownVariable);
    if (seen.has(name))
      checks.problem(`${field} is "${name}", which an earlier entry sets already; remove one of the two`);
    seen.add(name);
  }
  for (const [i, { secret, key }] of secrets.entries()) {
    checks.plain(`secrets[${i}].secret`, secret, dnsSubdomain);
    checks.plain(`secrets[${i}].key`, key, secretKey);
  }
}
