// The server's container, built from plain settings; agents are like it.
import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import { basename } from "node:path/posix";

import { environmentEntry } from "../shared/environment";
import { OWNER_LABEL, STACK_LABEL } from "../shared/labels";
import { PortProtocol, type K3sClusterSettings, type RegistryMirror } from "./args";

/** Where k3s keeps its data: the volume's place in the node. */
export const dataFolder = "/var/lib/rancher/k3s";

/** The API's port in the node. */
const apiPortInNode = 6443;

/** What the container is made of that is only known when other resources are. */
export interface ContainerParts {
  imageId: pulumi.Input<string>;
  networkName: pulumi.Input<string>;
  volumeName: pulumi.Input<string>;
}

/** The labels of every Docker object of the cluster. */
export function dockerLabels(settings: K3sClusterSettings): { label: string; value: string }[] {
  return [
    { label: OWNER_LABEL, value: settings.owner },
    { label: STACK_LABEL, value: settings.stack },
  ];
}

/** The host's address of the API, as clients on this host use it. */
export function apiHost(bindAddress: string): string {
  if (bindAddress === "0.0.0.0" || bindAddress === "::") return "127.0.0.1";
  return bindAddress;
}

/** The command line after the image's entry point. */
export function serverCommand(settings: K3sClusterSettings): string[] {
  const host = apiHost(settings.bindAddress);
  const names = [...(host === "127.0.0.1" ? [] : [host]), ...settings.tlsSans];
  return [
    "server",
    `--node-name=${settings.containerName}`,
    ...settings.disable.map((part) => `--disable=${part}`),
    ...names.map((name) => `--tls-san=${name}`),
    `--kubelet-arg=pod-max-pids=${settings.podPidsLimit}`,
    ...settings.extraServerArgs,
  ];
}

/** Where an agent finds the token, outside the volume. */
const tokenFile = "/etc/rancher/k3s/agent-token";

/** The name of the n-th agent's container and node, from 1 on. */
export function agentName({ containerName }: Pick<K3sClusterSettings, "containerName">, n: number): string {
  return `${containerName}-agent-${n}`;
}

/** Flags of `k3s server` that `k3s agent` has too. */
const flagOfEveryNode = /^--(?:kubelet|kube-proxy)-arg=/;

/** The command line of an agent. Docker's DNS knows the server by its container's name, whatever its address is. */
export function agentCommand(name: string, settings: K3sClusterSettings): string[] {
  return [
    "agent",
    `--server=https://${settings.containerName}:${apiPortInNode}`,
    `--token-file=${tokenFile}`,
    `--node-name=${name}`,
    `--kubelet-arg=pod-max-pids=${settings.podPidsLimit}`,
    ...settings.extraServerArgs.filter((flag) => flagOfEveryNode.test(flag)),
  ];
}

/** `registries.yaml`, as JSON, which is YAML too (https://docs.k3s.io/installation/private-registry). */
export function registriesFile(mirrors: readonly RegistryMirror[]): string {
  const entries = mirrors.map(({ registry, endpoints }) => [registry, { endpoint: endpoints }] as const);
  return `${JSON.stringify({ mirrors: Object.fromEntries(entries) }, undefined, 2)}\n`;
}

/** The whole container of the server. */
export function containerArgs(settings: K3sClusterSettings, parts: ContainerParts): docker.ContainerArgs {
  return {
    ...nodeContainer(settings.containerName, settings, parts),
    command: serverCommand(settings),
    ports: publishedPorts(settings),
    uploads: registryUploads(settings),
  };
}

/** The whole container of an agent. `token` lets it into the cluster. */
export function agentContainerArgs(
  name: string,
  settings: K3sClusterSettings,
  parts: ContainerParts,
  token: pulumi.Input<string>,
): docker.ContainerArgs {
  return {
    ...nodeContainer(name, settings, parts),
    command: agentCommand(name, settings),
    // A file: neither the process list nor the container's environment shows it, and a secret stays one in the state.
    uploads: [...registryUploads(settings), { file: tokenFile, content: token }],
  };
}

/** What every node's container is like. */
function nodeContainer(
  name: string,
  settings: K3sClusterSettings,
  parts: ContainerParts,
): Omit<docker.ContainerArgs, "command" | "ports" | "uploads"> {
  return {
    name,
    // The node takes its name and address from its host name; Docker's default, the container's id, would change.
    hostname: name,
    image: parts.imageId,
    // A kubelet and a container runtime need the kernel; what runs in pods is walled off by gVisor, not by this container.
    privileged: true,
    restart: "unless-stopped",
    destroyGraceSeconds: 20,
    envs: Object.entries(settings.environment)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => environmentEntry(name, value)),
    ...(settings.memory === undefined ? {} : { memory: settings.memory }),
    ...(settings.cpus === undefined ? {} : { cpus: String(settings.cpus) }),
    hosts: [{ host: "host.docker.internal", ip: "host-gateway" }],
    networksAdvanced: [{ name: parts.networkName }],
    volumes: [{ containerPath: dataFolder, volumeName: parts.volumeName }],
    mounts: bindMounts(settings),
    labels: dockerLabels(settings),
  };
}

function registryUploads({ registryMirrors }: K3sClusterSettings): docker.types.input.ContainerUpload[] {
  return registryMirrors.length === 0
    ? []
    : [{ file: "/etc/rancher/k3s/registries.yaml", content: registriesFile(registryMirrors) }];
}

function publishedPorts(settings: K3sClusterSettings): docker.types.input.ContainerPort[] {
  const ip = settings.bindAddress;
  return [
    { external: settings.apiPort, internal: apiPortInNode, ip, protocol: PortProtocol.Tcp },
    ...settings.ports.map(({ host, node, protocol }) => ({
      external: host,
      internal: node,
      ip,
      protocol: protocol ?? PortProtocol.Tcp,
    })),
  ];
}

function bindMounts(settings: K3sClusterSettings): docker.types.input.ContainerMount[] {
  const archives = settings.imageArchives.map((source) => ({
    type: "bind",
    source,
    target: `${dataFolder}/agent/images/${basename(source)}`,
    readOnly: true,
  }));
  const folders = settings.mounts.map(({ source, target, readOnly }) => ({
    type: "bind",
    source,
    target,
    readOnly: readOnly ?? true,
  }));
  return [...archives, ...folders];
}
