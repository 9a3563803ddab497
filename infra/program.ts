// From configuration to components to outputs. Everything is checked before anything is registered.
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  K3sCluster,
  NodeImage,
  SandboxPlatform,
  validateK3sClusterArgs,
  validateSandboxPlatformArgs,
} from "@sandlot/components";

import { clusterArguments, platformArguments } from "./arguments";
import { parseConfig } from "./config/load";
import { lookAround } from "./surroundings";

/**
 * Builds the stack that the engine asked for.
 * @param root the project's folder
 * @returns the stack's outputs: a public contract, whose reader is commands/support/outputs.ts
 * @throws ConfigError or ArgumentError for a mistake in configuration, before anything is registered
 */
export function deploy(root: string) {
  const config = parseConfig(pulumi.runtime.allConfig());
  const around = lookAround(pulumi.getStack(), config, root);
  const clusterArgs = clusterArguments(config, around);
  const platformArgs = platformArguments(config, around);
  validateK3sClusterArgs("cluster", clusterArgs);
  validateSandboxPlatformArgs("sandlot", platformArgs);

  const cluster = new K3sCluster("cluster", clusterArgs);
  const outputs = {
    nodeContainer: cluster.containerName,
    apiServer: `https://127.0.0.1:${clusterArgs.apiPort ?? 6443}`,
    kubeconfig: cluster.kubeconfig,
  };
  if (config.platform === false) return outputs;

  // An image with a digest cannot be loaded under that name: the node pulls it itself.
  const image = around.sandboxImage.includes("@")
    ? undefined
    : new NodeImage("sandbox-image", {
        image: around.sandboxImage,
        containerName: cluster.containerName,
        containerId: cluster.containerId,
        ...(config.sandbox?.image === undefined ? { buildCommand: around.buildSandboxImage } : {}),
      });
  const provider = new kubernetes.Provider("cluster", {
    kubeconfig: cluster.kubeconfig,
    clusterIdentifier: cluster.clusterIdentifier,
    enableServerSideApply: true,
    // When the node is gone, what was in it is gone too.
    deleteUnreachable: true,
  });
  const platform = new SandboxPlatform(
    "sandlot",
    {
      ...platformArgs,
      network: {
        ...platformArgs.network,
        // Calls through published ports come from the node network's gateway, which is this machine.
        ingressPeers: [
          ...(platformArgs.network?.ingressPeers ?? []),
          { cidr: pulumi.interpolate`${cluster.gateway}/32` },
        ],
      },
    },
    { provider, dependsOn: image === undefined ? [] : [image] },
  );
  const { hostPort } = config.sandbox ?? {};
  return {
    ...outputs,
    namespace: platform.namespace,
    service: platform.serviceName,
    clusterEndpoint: platform.serviceUrl,
    ...(hostPort === undefined ? {} : { endpoint: `http://127.0.0.1:${hostPort}` }),
    sandboxImage: around.sandboxImage,
    runtimeClass: platform.runtimeClassName,
  };
}
