// The shared sandbox's settings: defaults filled in.
import type * as pulumi from "@pulumi/pulumi";

import { over } from "../shared/defaults";
import { EgressProfile } from "../sandbox-network-policies/profiles";
import {
  SandboxPullPolicy,
  SandboxServiceType,
  type ComputeAmounts,
  type EnvironmentVariable,
  type ProbeTiming,
  type SandboxDeploymentArgs,
  type SandboxDisruption,
  type SandboxWritable,
} from "./args";

/** {@link SandboxDeploymentArgs} with every default filled in. */
export interface SandboxDeploymentSettings {
  namespace: pulumi.Input<string>;
  image: pulumi.Input<string>;
  serviceAccountName: pulumi.Input<string>;
  runtimeClassName?: pulumi.Input<string> | undefined;
  skillsClaimName?: pulumi.Input<string> | undefined;
  imagePullPolicy: SandboxPullPolicy;
  imagePullSecrets: string[];
  name: string;
  replicas: number;
  revisionHistoryLimit: number;
  egress: EgressProfile;
  resources: { requests: Required<ComputeAmounts>; limits: Required<ComputeAmounts> };
  writable: Required<SandboxWritable>;
  env: EnvironmentVariable[];
  probes: {
    path: string;
    startup: Required<ProbeTiming>;
    readiness: Required<ProbeTiming>;
    liveness: Required<ProbeTiming>;
  };
  service: { type: SandboxServiceType; nodePort?: number | undefined; clientAffinitySeconds: number };
  disruption?: SandboxDisruption | undefined;
  terminationGracePeriodSeconds: number;
  spread: boolean;
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxDeploymentArgs): SandboxDeploymentSettings {
  const { resources, writable, probes, service } = args;
  const replicas = args.replicas ?? 2;
  return {
    namespace: args.namespace,
    image: args.image,
    serviceAccountName: args.serviceAccountName,
    runtimeClassName: args.runtimeClassName,
    skillsClaimName: args.skillsClaimName,
    imagePullPolicy: args.imagePullPolicy ?? SandboxPullPolicy.IfNotPresent,
    imagePullSecrets: args.imagePullSecrets ?? [],
    name: args.name ?? "sandbox",
    replicas,
    revisionHistoryLimit: args.revisionHistoryLimit ?? 3,
    egress: args.egress ?? EgressProfile.Blocked,
    env: args.env ?? [],
    terminationGracePeriodSeconds: args.terminationGracePeriodSeconds ?? 30,
    spread: args.spread ?? true,
    resources: {
      requests: over(amounts("100m", "128Mi", "256Mi"), resources?.requests),
      limits: over(amounts("1", "1Gi", "1Gi"), resources?.limits),
    },
    writable: over({ home: "256Mi", tmp: "256Mi", userData: "512Mi" }, writable),
    probes: {
      path: probes?.path ?? "/v1/sandbox",
      startup: over(timing(1, 120), probes?.startup),
      readiness: over(timing(5, 3), probes?.readiness),
      liveness: over(timing(10, 3), probes?.liveness),
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

function timing(periodSeconds: number, failureThreshold: number): Required<ProbeTiming> {
  return { initialDelaySeconds: 0, periodSeconds, timeoutSeconds: 3, failureThreshold };
}
