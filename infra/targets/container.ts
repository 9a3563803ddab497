// A cluster of its own, in containers of this machine.
import * as kubernetes from "@pulumi/kubernetes";
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
        connect: () => connect(cluster, around, place),
      };
    },
  };
}

function connect(
  cluster: K3sCluster,
  { sandboxImage, provisionerImage }: Surroundings,
  { buildSandboxImage, buildProvisionerImage }: ContainerPlace,
): Connection {
  const node = {
    containerName: cluster.containerName,
    containerId: cluster.containerId,
    ...(cluster.agents.length === 0 ? {} : { agents: cluster.agents }),
  };
  const load = (name: string, image: string | undefined, buildCommand: string | undefined) =>
    // An image with a digest cannot be loaded under that name: the node pulls it itself.
    image === undefined || image.includes("@")
      ? undefined
      : new NodeImage(
          name,
          { image, ...node, ...(buildCommand === undefined ? {} : { buildCommand }) },
          { dependsOn: cluster.agentsReady },
        );
  const sandbox = load("sandbox-image", sandboxImage, buildSandboxImage);
  // Nothing but the provisioner waits for its image.
  const provisioner = load("provisioner-image", provisionerImage, buildProvisionerImage);
  const provider = new kubernetes.Provider("cluster", {
    kubeconfig: cluster.kubeconfig,
    clusterIdentifier: cluster.clusterIdentifier,
    enableServerSideApply: true,
    // Who reads a ConfigMap or Secret of ours must not take a change for its end, nor be left without one if an update is cut off.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
    // When the node is gone, what was in it is gone too.
    deleteUnreachable: true,
  });
  return {
    provider,
    before: [...(sandbox === undefined ? [] : [sandbox]), ...cluster.agentsReady],
    provisionerImage: provisioner?.imageId.apply(() => provisionerImage ?? ""),
    // This machine, as published ports show it.
    ingressPeers: [{ cidr: cluster.callers }],
    node,
    transformations: [],
  };
}
