// From configuration to the service that hands sandboxes out.
import * as pulumi from "@pulumi/pulumi";
import {
  SandboxPullPolicy,
  SandboxUrls,
  type EgressProxyOptions,
  type ProvisionerOptions,
  type SandboxPlatformArgs,
  type TracingOptions,
} from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import { nodePortService } from "./node-port";
import type { Surroundings } from "./surroundings";

const urls = {
  Router: SandboxUrls.Router,
  ClusterIP: SandboxUrls.ClusterIp,
  NodePort: SandboxUrls.NodePort,
} as const;

/** Arguments of the provisioner and of the pool of its default environment; nothing where it is not deployed. */
export function provisionerArguments(
  { cluster = {}, provisioner: config = {}, observability = {} }: SandlotConfig,
  { provisionerImage, place }: Pick<Surroundings, "provisionerImage" | "place">,
): Pick<SandboxPlatformArgs, "provisioner" | "defaultPoolSize" | "egressProxy"> {
  if (config.enabled !== true || provisionerImage === undefined) return {};
  const { nodePort, hostPort, timeouts, sandboxUrls, imagePullPolicy } = config;
  const { clustersSecret, clustersNetwork, deerflowBaseDir, rateLimit, terminationGracePeriodSeconds } =
    config;
  const { imagePullSecrets, replicas, maxSandboxes, tenants, existingSecret, logLevel, resources } = config;
  const provisioner: ProvisionerOptions = given({
    ...{ imagePullSecrets, replicas, maxSandboxes, existingSecret, logLevel, resources },
    image: provisionerImage,
    imagePullPolicy: imagePullPolicy && SandboxPullPolicy[imagePullPolicy],
    sandboxUrls: sandboxUrls && urls[sandboxUrls],
    nodeHost: config.nodeHost,
    hostSuffix: config.hostSuffix,
    url: config.url ?? (hostPort === undefined ? undefined : `http://127.0.0.1:${hostPort}`),
    service: nodePort === undefined ? undefined : nodePortService(nodePort, cluster.agents),
    apiKey: secret(config.apiKey),
    signingKey: secret(config.signingKey),
    // Nobody makes keys on a machine that only happens to run an update.
    generateKeys: place.kind === "container" && existingSecret === undefined ? true : undefined,
    tenants: tenants?.map(given),
    rateLimit,
    terminationGracePeriodSeconds,
    deerflowBaseDir,
    clustersSecret,
    clustersNetwork: clustersNetwork && given(clustersNetwork),
    apiServer: apiServer(config),
    poolMaxStarting: config.poolMaxStarting,
    tracing: observability.tracing && tracing(observability.tracing),
    timeouts:
      timeouts &&
      given({
        readySeconds: timeouts.ready,
        softSeconds: timeouts.soft,
        hardSeconds: timeouts.hard,
        deerflowIdleSeconds: timeouts.deerflowIdle,
        startSeconds: timeouts.start,
        failedSeconds: timeouts.failed,
        poolMaxAgeSeconds: timeouts.poolMaxAge,
        clusterLostSeconds: timeouts.clusterLost,
      }),
  });
  return given({ provisioner, defaultPoolSize: config.poolSize, egressProxy: egressProxy(config) });
}

function apiServer({
  apiServerCidrs: cidrs,
  apiServerPorts: ports,
}: NonNullable<SandlotConfig["provisioner"]>): ProvisionerOptions["apiServer"] {
  return cidrs === undefined && ports === undefined ? undefined : given({ cidrs, ports });
}

function tracing({
  collector,
  ...options
}: NonNullable<NonNullable<SandlotConfig["observability"]>["tracing"]>): TracingOptions {
  return given({ ...options, collector: collector && given(collector) });
}

/** The proxy logs as much as the provisioner does. */
function egressProxy({
  egressProxy: config,
  logLevel,
}: NonNullable<SandlotConfig["provisioner"]>): EgressProxyOptions | undefined {
  if (config?.enabled !== true) return undefined;
  const { replicas, privateCidrs, deniedCidrs, resources } = config;
  return given({ replicas, privateCidrs, deniedCidrs, resources, logLevel });
}

function secret(value: string | undefined): pulumi.Output<string> | undefined {
  return value === undefined ? undefined : pulumi.secret(value);
}
