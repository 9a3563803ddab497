// A cluster of its own, in one container of this machine.
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { K3sCluster, NodeImage, validateK3sClusterArgs } from "@sandlot/components";

import { clusterArguments, type ContainerPlace, type Surroundings } from "../arguments";
import type { SandlotConfig } from "../config/schema";
import type { Connection, Target } from "./target";

/** @throws ArgumentError if an argument of the cluster is bad. */
export function containerTarget(config: SandlotConfig, around: Surroundings, place: ContainerPlace): Target {
  const args = clusterArguments(config, around, place);
  validateK3sClusterArgs("cluster", args);
  return {
    make() {
      const cluster = new K3sCluster("cluster", args);
      return {
        outputs: {
          nodeContainer: cluster.containerName,
          apiServer: `https://127.0.0.1:${args.apiPort ?? 6443}`,
          kubeconfig: cluster.kubeconfig,
        },
        connect: () => connect(cluster, around.sandboxImage, place),
      };
    },
  };
}

function connect(cluster: K3sCluster, image: string, { buildSandboxImage }: ContainerPlace): Connection {
  // An image with a digest cannot be loaded under that name: the node pulls it itself.
  const loaded = image.includes("@")
    ? []
    : [
        new NodeImage("sandbox-image", {
          image,
          containerName: cluster.containerName,
          containerId: cluster.containerId,
          ...(buildSandboxImage === undefined ? {} : { buildCommand: buildSandboxImage }),
        }),
      ];
  const provider = new kubernetes.Provider("cluster", {
    kubeconfig: cluster.kubeconfig,
    clusterIdentifier: cluster.clusterIdentifier,
    enableServerSideApply: true,
    // Who reads a ConfigMap of ours must not take a change for its end.
    enableConfigMapMutable: true,
    // When the node is gone, what was in it is gone too.
    deleteUnreachable: true,
  });
  return {
    provider,
    before: loaded,
    // Calls through published ports come from the node network's gateway, which is this machine.
    ingressPeers: [{ cidr: pulumi.interpolate`${cluster.gateway}/32` }],
    node: { containerName: cluster.containerName, containerId: cluster.containerId },
    transformations: [],
  };
}
