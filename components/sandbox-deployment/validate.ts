// What is wrong with the shared sandbox's arguments.
import { EgressProfile } from "../sandbox-network-policies/profiles";
import { Checks, type Rule } from "../shared/checks";
import { checkOrder, parseQuantity } from "../shared/quantity";
import {
  dnsLabel,
  dnsSubdomain,
  integerBetween,
  matching,
  oneOf,
  pinnedImage,
  quantity,
} from "../shared/rules";
import { subPath } from "../shared/sub-path";
import {
  ExternalTrafficPolicy,
  SandboxPullPolicy,
  SandboxServiceType,
  type SandboxDeploymentArgs,
} from "./args";
import { checkAutoscaling } from "./autoscaling";
import { checkEnvironment } from "./environment";
import { checkPlacement } from "./placement";
import { withDefaults, type SandboxDeploymentSettings } from "./resolve";
import { checkRollout, checkShutdown, countOrPercentage } from "./rollout";
import { checkVolumes } from "./volumes";

const maximumSeconds = 3600;

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SandboxDeploymentArgs): SandboxDeploymentSettings {
  const settings = withDefaults(args);
  const checks = new Checks("SandboxDeployment", name);
  checks.plain("name", settings.name, dnsLabel);
  checks.plain("imagePullPolicy", settings.imagePullPolicy, oneOf(SandboxPullPolicy));
  for (const [i, secret] of settings.imagePullSecrets.entries())
    checks.plain(`imagePullSecrets[${i}]`, secret, dnsSubdomain);
  checks.plain("replicas", settings.replicas, integerBetween(0, 1000));
  checkScaling(checks, args, settings);
  checkRollout(checks, settings.rollout);
  checks.plain("revisionHistoryLimit", settings.revisionHistoryLimit, integerBetween(0, 100));
  checks.plain("egress", settings.egress, oneOf(EgressProfile));
  checks.plain(
    "terminationGracePeriodSeconds",
    settings.terminationGracePeriodSeconds,
    integerBetween(0, maximumSeconds, "a number of seconds"),
  );
  checkShutdown(checks, settings.shutdown, settings.terminationGracePeriodSeconds);
  checkPlacement(checks, settings.placement, settings.spread);
  checkSizes(checks, settings);
  checkProbes(checks, settings);
  checkService(checks, settings);
  checkDisruption(checks, settings);
  const resolved = {
    ...settings,
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
    image: checks.input("image", settings.image, settings.requireDigest ? imageDigest : pinnedImage),
    serviceAccountName: checks.input("serviceAccountName", settings.serviceAccountName, dnsSubdomain),
    runtimeClassName: checks.optional("runtimeClassName", settings.runtimeClassName, dnsSubdomain),
    priorityClassName: checks.optional("priorityClassName", settings.priorityClassName, dnsSubdomain),
    skillsClaimName: checks.optional("skillsClaimName", settings.skillsClaimName, dnsSubdomain),
    userDataClaimName: checks.optional("userDataClaimName", settings.userDataClaimName, dnsSubdomain),
    userDataSubPath: checks.optional("userDataSubPath", settings.userDataSubPath, subPath),
    env: checkEnvironment(checks, settings.env),
    volumes: checkVolumes(checks, settings.volumes, settings.resources.limits.ephemeralStorage),
  };
  checks.finish();
  return resolved;
}

/** An image that stays what it is, whoever moves its tag. */
const imageDigest: Rule<string> = (value) => {
  const bad = pinnedImage(value);
  if (bad !== undefined) return bad;
  return value.includes("@sha256:")
    ? undefined
    : "an image reference with its digest, such as registry.example.com/team/sandbox@sha256:…, because requireDigest is true";
};

function checkScaling(
  checks: Checks,
  args: SandboxDeploymentArgs,
  { autoscaling }: SandboxDeploymentSettings,
): void {
  if (autoscaling === undefined) return;
  if (args.replicas !== undefined) {
    checks.problem(
      `replicas is ${args.replicas}, but autoscaling is given, which decides how many there are; remove one of the two`,
    );
  }
  checkAutoscaling(checks, autoscaling);
}

function checkSizes(checks: Checks, { resources, writable }: SandboxDeploymentSettings): void {
  for (const [group, given] of Object.entries(resources)) {
    for (const [field, value] of Object.entries(given))
      checks.plain(`resources.${group}.${field}`, value, quantity);
  }
  checkOrder(checks, ["resources.requests", resources.requests], ["resources.limits", resources.limits]);
  const most = parseQuantity(resources.limits.ephemeralStorage);
  for (const [place, size] of Object.entries(writable)) {
    checks.plain(`writable.${place}`, size, quantity);
    const amount = parseQuantity(size);
    if (amount !== undefined && most !== undefined && amount > most) {
      checks.problem(
        `writable.${place} is "${size}", but resources.limits.ephemeralStorage is "${resources.limits.ephemeralStorage}", ` +
          "which holds for all places together; lower the one or raise the other",
      );
    }
  }
}

function checkProbes(checks: Checks, { probes }: SandboxDeploymentSettings): void {
  checks.plain("probes.path", probes.path, matching(/^\/[!-~]*$/, "a path that starts with /"));
  for (const kind of ["startup", "readiness", "liveness"] as const) {
    for (const [field, value] of Object.entries(probes[kind] ?? {})) {
      checks.plain(
        `probes.${kind}.${field}`,
        value,
        integerBetween(field === "initialDelaySeconds" ? 0 : 1, maximumSeconds),
      );
    }
  }
}

function checkService(checks: Checks, { service }: SandboxDeploymentSettings): void {
  checks.plain("service.type", service.type, oneOf(SandboxServiceType));
  checks.plain("service.nodePort", service.nodePort, integerBetween(30000, 32767, "a port"));
  checks.plain(
    "service.clientAffinitySeconds",
    service.clientAffinitySeconds,
    integerBetween(0, 86400, "a number of seconds"),
  );
  checks.plain("service.externalTrafficPolicy", service.externalTrafficPolicy, oneOf(ExternalTrafficPolicy));
  if (service.externalTrafficPolicy !== undefined && service.type !== SandboxServiceType.NodePort) {
    checks.problem(
      `service.externalTrafficPolicy is ${service.externalTrafficPolicy}, but service.type is ${service.type}; remove it or ` +
        "set the type to NodePort",
    );
  }
  if (service.nodePort !== undefined && service.type !== SandboxServiceType.NodePort) {
    checks.problem(
      `service.nodePort is ${service.nodePort}, but service.type is ${service.type}; remove it or set the type to NodePort`,
    );
  }
}

function checkDisruption(checks: Checks, { disruption, replicas }: SandboxDeploymentSettings): void {
  if (disruption === undefined) return;
  const { minAvailable, maxUnavailable } = disruption;
  if ((minAvailable === undefined) === (maxUnavailable === undefined)) {
    checks.problem(
      `disruption has ${minAvailable === undefined ? "neither minAvailable nor" : "both minAvailable and"} maxUnavailable; give exactly one`,
    );
  }
  checks.plain("disruption.minAvailable", minAvailable, countOrPercentage);
  checks.plain("disruption.maxUnavailable", maxUnavailable, countOrPercentage);
  if (
    minAvailable === "100%" ||
    (minAvailable !== undefined && replicas > 0 && Number(minAvailable) >= replicas)
  ) {
    checks.problem(
      `disruption.minAvailable is "${minAvailable}" with ${replicas} replicas, so that no node could ever be drained; lower it or raise replicas`,
    );
  }
  if (maxUnavailable !== undefined && /^0+%?$/.test(maxUnavailable)) {
    checks.problem(
      `disruption.maxUnavailable is "${maxUnavailable}", so that no node could ever be drained; raise it`,
    );
  }
}
