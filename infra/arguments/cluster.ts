// From configuration to the development cluster.
import { ImagePullPolicy, PortProtocol, type K3sClusterArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import { skillsInNode } from "./skills";
import type { ContainerPlace, Surroundings } from "./surroundings";

/** Arguments of the development cluster. */
export function clusterArguments(
  { cluster = {}, provisioner = {}, sandbox = {} }: SandlotConfig,
  around: Pick<Surroundings, "stack" | "stateDir">,
  place: Pick<ContainerPlace, "nodeImage" | "skillsPath">,
): K3sClusterArgs {
  const { imagePullPolicy, ports = [], registryMirrors = {}, mounts = [], cpus, ...same } = cluster;
  return given({
    ...same,
    disable: cluster.disable ?? (scalesByCpu(sandbox) ? ["traefik", "servicelb"] : undefined),
    stack: around.stack,
    owner: around.stateDir,
    image: place.nodeImage,
    imagePullPolicy: imagePullPolicy && ImagePullPolicy[imagePullPolicy],
    cpus: cpus === undefined ? undefined : Number(cpus),
    ports: [
      ...ports.map(({ host, node, protocol }) => ({
        host,
        node,
        protocol: protocol === "udp" ? PortProtocol.Udp : PortProtocol.Tcp,
      })),
      ...published(sandbox),
      ...(provisioner.enabled === true ? published(provisioner) : []),
    ],
    registryMirrors: Object.entries(registryMirrors).map(([registry, endpoints]) => ({
      registry,
      endpoints,
    })),
    mounts: [
      ...mounts,
      ...(place.skillsPath === undefined
        ? []
        : [{ source: place.skillsPath, target: skillsInNode, readOnly: true }]),
    ],
  });
}

/** Whether there are as many sandboxes as their CPU asks for, which takes the node's metrics server. */
function scalesByCpu({ autoscaling }: NonNullable<SandlotConfig["sandbox"]>): boolean {
  return autoscaling !== undefined && autoscaling.cpuPercent !== 0;
}

/** A NodePort that is published on this machine. */
function published({
  hostPort,
  nodePort,
}: {
  hostPort?: number | undefined;
  nodePort?: number | undefined;
}): { host: number; node: number }[] {
  return hostPort === undefined || nodePort === undefined ? [] : [{ host: hostPort, node: nodePort }];
}
