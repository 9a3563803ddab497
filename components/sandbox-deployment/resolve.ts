// The shared sandbox's settings: defaults filled in.
import type * as pulumi from "@pulumi/pulumi";

import { over } from "../shared/defaults";
import { EgressProfile } from "../sandbox-network-policies/profiles";
import {
  SandboxPullPolicy,
  SandboxServiceType,
  type ExternalTrafficPolicy,
  type ComputeAmounts,
  type ProbeTiming,
  type SandboxDeploymentArgs,
  type SandboxDisruption,
  type SandboxWritable,
} from "./args";
import { autoscalingDefaults, type AutoscalingSettings } from "./autoscaling";
import type { SandboxVariable } from "./environment";
import { placementDefaults, type PlacementSettings } from "./placement";
import { rolloutDefaults, shutdownDefaults, type RolloutSettings, type ShutdownSettings } from "./rollout";
import type { SandboxVolume } from "./volumes";

/** {@link SandboxDeploymentArgs} with every default filled in. */
export interface SandboxDeploymentSettings {
  namespace: pulumi.Input<string>;
  image: pulumi.Input<string>;
  serviceAccountName: pulumi.Input<string>;
  runtimeClassName?: pulumi.Input<string> | undefined;
  priorityClassName?: pulumi.Input<string> | undefined;
  skillsClaimName?: pulumi.Input<string> | undefined;
  userDataClaimName?: pulumi.Input<string> | undefined;
  userDataSubPath?: pulumi.Input<string> | undefined;
  imagePullPolicy: SandboxPullPolicy;
  imagePullSecrets: string[];
  name: string;
  requireDigest: boolean;
  replicas: number;
  autoscaling?: AutoscalingSettings | undefined;
  rollout: RolloutSettings;
  revisionHistoryLimit: number;
  egress: EgressProfile;
  resources: { requests: Required<ComputeAmounts>; limits: Required<ComputeAmounts> };
  writable: Required<SandboxWritable>;
  env: SandboxVariable[];
  volumes: SandboxVolume[];
  probes: {
    path: string;
    startup?: Required<ProbeTiming> | undefined;
    readiness: Required<ProbeTiming>;
    liveness: Required<ProbeTiming>;
  };
  service: {
    type: SandboxServiceType;
    nodePort?: number | undefined;
    externalTrafficPolicy?: ExternalTrafficPolicy | undefined;
    clientAffinitySeconds: number;
  };
  disruption?: SandboxDisruption | undefined;
  terminationGracePeriodSeconds: number;
  shutdown: ShutdownSettings;
  placement: PlacementSettings;
  spread: boolean;
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxDeploymentArgs): SandboxDeploymentSettings {
  const { resources, writable, probes, service } = args;
  const autoscaling = args.autoscaling && autoscalingDefaults(args.autoscaling);
  const replicas = args.replicas ?? autoscaling?.minReplicas ?? 2;
  const spread = args.spread ?? true;
  const { enabled: isProbedFirst = true, ...startupTiming } = probes?.startup ?? {};
  const startup = over(timing(1, 120), startupTiming);
  const patienceSeconds = startup.initialDelaySeconds + startup.periodSeconds * startup.failureThreshold;
  return {
    namespace: args.namespace,
    image: args.image,
    serviceAccountName: args.serviceAccountName,
    runtimeClassName: args.runtimeClassName,
    priorityClassName: args.priorityClassName,
    skillsClaimName: args.skillsClaimName,
    userDataClaimName: args.userDataClaimName,
    userDataSubPath: args.userDataSubPath,
    imagePullPolicy: args.imagePullPolicy ?? SandboxPullPolicy.IfNotPresent,
    imagePullSecrets: args.imagePullSecrets ?? [],
    name: args.name ?? "sandbox",
    requireDigest: args.requireDigest ?? false,
    replicas,
    autoscaling,
    rollout: rolloutDefaults(args.rollout),
    revisionHistoryLimit: args.revisionHistoryLimit ?? 3,
    egress: args.egress ?? EgressProfile.Blocked,
    env: args.env ?? [],
    volumes: args.volumes ?? [],
    terminationGracePeriodSeconds: args.terminationGracePeriodSeconds ?? 30,
    shutdown: shutdownDefaults(args.shutdown),
    placement: placementDefaults(args.placement, spread),
    spread,
    resources: {
      requests: over(amounts("100m", "128Mi", "256Mi"), resources?.requests),
      limits: over(amounts("1", "1Gi", "1Gi"), resources?.limits),
    },
    writable: over({ home: "256Mi", tmp: "256Mi", userData: "512Mi" }, writable),
    probes: {
      path: probes?.path ?? "/v1/sandbox",
      startup: isProbedFirst ? startup : undefined,
      readiness: over(timing(5, 3), probes?.readiness),
      liveness: over(timing(10, 3, isProbedFirst ? 0 : patienceSeconds), probes?.liveness),
    },
    service: over<SandboxDeploymentSettings["service"]>(
      { type: SandboxServiceType.ClusterIp, clientAffinitySeconds: 10800 },
      service,
    ),
    disruption: args.disruption ?? (replicas >= 2 ? { minAvailable: "1" } : undefined),
  };
}

function amounts(cpu: string, memory: string, ephemeralStorage: string): Required<ComputeAmounts> {
  return { cpu, memory, ephemeralStorage };
}

function timing(
  periodSeconds: number,
  failureThreshold: number,
  initialDelaySeconds = 0,
): Required<ProbeTiming> {
  return { initialDelaySeconds, periodSeconds, timeoutSeconds: 3, failureThreshold };
}
