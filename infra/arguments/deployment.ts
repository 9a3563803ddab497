// From configuration to the shared sandboxes.
import {
  EgressProfile,
  SandboxPullPolicy,
  type SandboxPlatformArgs,
  type SandboxVolume,
} from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import { nodePortService } from "./node-port";
import { placementArguments } from "./placement";

/** The profiles by the names that configuration has for them. */
const egressProfile = {
  blocked: EgressProfile.Blocked,
  allowlist: EgressProfile.Allowlist,
  open: EgressProfile.Open,
} as const;

/** Arguments of the shared sandboxes. */
export function deploymentArguments({
  cluster = {},
  sandbox = {},
  network = {},
}: SandlotConfig): SandboxPlatformArgs["deployment"] {
  const { imagePullPolicy, storage = {}, resources, nodePort, minAvailable, placement } = sandbox;
  const { environment = {}, environmentFrom = [] } = sandbox;
  return given({
    egress: egressProfile[network.egress ?? "blocked"],
    requireDigest: sandbox.requireDigest,
    replicas: sandbox.replicas,
    autoscaling: sandbox.autoscaling,
    rollout: sandbox.rollout,
    shutdown: sandbox.shutdown,
    placement: placement && placementArguments(placement),
    spread: placement?.spread,
    imagePullPolicy: imagePullPolicy && SandboxPullPolicy[imagePullPolicy],
    imagePullSecrets: sandbox.imagePullSecrets,
    writable: given({ home: storage.home, tmp: storage.temporary, userData: storage.userData }),
    resources,
    env: [...Object.entries(environment).map(([name, value]) => ({ name, value })), ...environmentFrom],
    volumes: sandbox.volumes?.map(volumeArguments),
    probes: given({
      startup: sandbox.startupProbe,
      readiness: sandbox.readinessProbe,
      liveness: sandbox.livenessProbe,
    }),
    service: nodePort === undefined ? undefined : nodePortService(nodePort, cluster.agents),
    terminationGracePeriodSeconds: sandbox.terminationGracePeriodSeconds,
    disruption: minAvailable === undefined ? undefined : { minAvailable: String(minAvailable) },
  });
}

type Volume = NonNullable<NonNullable<SandlotConfig["sandbox"]>["volumes"]>[number];

function volumeArguments({ emptyDir, ...same }: Volume): SandboxVolume {
  return given({
    ...same,
    emptyDir:
      emptyDir &&
      given({
        sizeLimit: emptyDir.sizeLimit,
        inMemory: emptyDir.medium === undefined ? undefined : emptyDir.medium === "memory",
      }),
  });
}
