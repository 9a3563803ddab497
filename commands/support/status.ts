// What a stack looks like right now, as data; `formatStatus` says the same in lines.
import { execa } from "execa";

import { agentsIn } from "./agents.js";
import { dockerEnvironment } from "./docker.js";
import { clusterOf, kubectlJson, sandboxSelector, type Cluster } from "./kubernetes.js";
import { tryReadOutputs, upCommand, type StackOutputs } from "./outputs.js";
import type { Stack } from "./stack-file.js";
import type { TargetKind } from "./target.js";

/** A node's container. CPU is in cores, memory in bytes. */
export interface NodeStatus {
  readonly container: string;
  readonly state: string;
  readonly image: string;
  readonly startedAt: string;
  readonly ports: readonly string[];
  readonly memoryBytes?: number;
  readonly cpuCores?: number;
  readonly kubernetes?: string;
  readonly ready?: boolean;
}

/** One sandbox pod. */
export interface PodStatus {
  readonly name: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly image: string;
  readonly runtimeClass: string;
  readonly createdAt: string;
  readonly memoryBytes?: number;
  readonly cpuCores?: number;
}

/** Everything `make status` knows. `problem` says why the rest is missing. */
export interface Status {
  readonly stack: string;
  readonly up: boolean;
  /** The server's. */
  readonly node?: NodeStatus;
  readonly agents?: readonly NodeStatus[];
  readonly pods: readonly PodStatus[];
  readonly endpoints: Readonly<Record<string, string>>;
  readonly volume?: string;
  readonly problem?: string;
}

/** The part of `docker container inspect` that is read here. */
interface Inspection {
  Name: string;
  Image: string;
  State: { Status: string; StartedAt: string };
  Config: { Image: string };
  Mounts: { Type: string; Name?: string }[];
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> };
}

/** The part of the kubelet's `/stats/summary` that is read here. */
interface StatsSummary {
  node: { cpu?: { usageNanoCores?: number }; memory?: { workingSetBytes?: number } };
  pods: {
    podRef: { name: string; namespace: string };
    cpu?: { usageNanoCores?: number };
    memory?: { workingSetBytes?: number };
  }[];
}

async function inspect(container: string, env: NodeJS.ProcessEnv): Promise<Inspection | undefined> {
  const { stdout, failed } = await execa("docker", ["container", "inspect", container], {
    env,
    reject: false,
  });
  return failed ? undefined : (JSON.parse(stdout) as Inspection[])[0];
}

function publishedPorts({ NetworkSettings }: Inspection): string[] {
  return Object.entries(NetworkSettings.Ports).flatMap(([inner, outer]) =>
    (outer ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort} → ${inner}`),
  );
}

/** The part of a Node that is read here. */
interface KubernetesNode {
  metadata: { name: string };
  status: { nodeInfo: { kubeletVersion: string }; conditions?: { type: string; status: string }[] };
}

/** The part of a Pod that is read here. */
interface KubernetesPod {
  metadata: { name: string; namespace: string; creationTimestamp: string; deletionTimestamp?: string };
  spec: { containers: { image: string }[]; runtimeClassName?: string };
  status: {
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number }[];
  };
}

/** The kubelet's figures; undefined where it has none yet. */
async function statsOf(cluster: Cluster, node: string): Promise<StatsSummary | undefined> {
  try {
    return await kubectlJson<StatsSummary>(cluster, [
      "get",
      "--raw",
      `/api/v1/nodes/${node}/proxy/stats/summary`,
    ]);
  } catch {
    return undefined;
  }
}

const isReady = (conditions: readonly { type: string; status: string }[] | undefined): boolean =>
  conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

const cores = (nano: number | undefined): number | undefined => (nano === undefined ? undefined : nano / 1e9);

async function clusterStatus(
  cluster: Cluster,
  { namespace }: StackOutputs,
): Promise<{ nodes: Map<string, Partial<NodeStatus>>; pods: PodStatus[] }> {
  const [{ items: nodes }, pods] = await Promise.all([
    kubectlJson<{ items: KubernetesNode[] }>(cluster, ["get", "nodes", "--output", "json"]),
    sandboxPods(cluster, namespace),
  ]);
  const stats = await Promise.all(nodes.map(({ metadata }) => statsOf(cluster, metadata.name)));
  const ofNode = ({ metadata, status }: KubernetesNode, index: number) =>
    [
      metadata.name,
      {
        kubernetes: status.nodeInfo.kubeletVersion,
        ready: isReady(status.conditions),
        memoryBytes: stats[index]?.node.memory?.workingSetBytes,
        cpuCores: cores(stats[index]?.node.cpu?.usageNanoCores),
      },
    ] as const;
  return {
    nodes: new Map(nodes.map(ofNode)),
    pods: pods.items.map((pod) => podStatus(pod, stats)),
  };
}

async function sandboxPods(
  cluster: Cluster,
  namespace: string | undefined,
): Promise<{ items: KubernetesPod[] }> {
  if (namespace === undefined) return { items: [] };
  const which = ["--namespace", namespace, "get", "pods", "--selector", sandboxSelector];
  return kubectlJson(cluster, [...which, "--output", "json"]);
}

function podStatus(
  { metadata, spec, status }: KubernetesPod,
  stats: readonly (StatsSummary | undefined)[],
): PodStatus {
  const usage = stats
    .flatMap((ofNode) => ofNode?.pods ?? [])
    .find(({ podRef }) => podRef.name === metadata.name && podRef.namespace === metadata.namespace);
  return {
    name: metadata.name,
    phase: metadata.deletionTimestamp === undefined ? (status.phase ?? "Unknown") : "Terminating",
    ready: isReady(status.conditions),
    restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    image: spec.containers[0]?.image ?? "",
    runtimeClass: spec.runtimeClassName ?? "none",
    createdAt: metadata.creationTimestamp,
    memoryBytes: usage?.memory?.workingSetBytes,
    cpuCores: cores(usage?.cpu?.usageNanoCores),
  };
}

const nothing = { up: false, pods: [], endpoints: {} };

/** Looks at the stack, wherever it is; whatever cannot be reached is left out, with the reason. */
export async function statusOf(stack: Stack, kind: TargetKind): Promise<Status> {
  const outputs = tryReadOutputs(stack);
  if (kind === "container") return containerStatus(stack, outputs, await dockerEnvironment());
  if (outputs !== undefined) return existingStatus(stack, outputs);
  return {
    ...nothing,
    stack: stack.name,
    problem: `Stack ${stack.name} is not up. Run: ${upCommand(stack)}`,
  };
}

/** A cluster that was there already: its nodes are none of our business. */
async function existingStatus(stack: Stack, outputs: StackOutputs): Promise<Status> {
  const known = { stack: stack.name, endpoints: endpointsOf(outputs) };
  try {
    const { items } = await sandboxPods(clusterOf(stack, outputs, {}), outputs.namespace);
    return { ...known, up: true, pods: items.map((pod) => podStatus(pod, [])) };
  } catch (error) {
    return { ...nothing, ...known, problem: unreachable(error) };
  }
}

const unreachable = (error: unknown): string =>
  `The API server does not answer: ${error instanceof Error ? error.message : String(error)}`;

function endpointsOf(outputs: StackOutputs): Record<string, string> {
  return Object.fromEntries(
    Object.entries({
      kubernetes: outputs.apiServer,
      provisioner: outputs.provisionerEndpoint,
      "provisioner (in the cluster)": outputs.provisionerClusterEndpoint,
      sandbox: outputs.endpoint,
      "sandbox (in the cluster)": outputs.clusterEndpoint,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Looks at the container, then at the cluster in it. */
async function containerStatus(
  stack: Stack,
  outputs: StackOutputs | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Status> {
  const container = outputs?.nodeContainer ?? `sandlot-${stack.name}`;
  const found = await inspect(container, env);
  const down = { ...nothing, stack: stack.name };
  if (found === undefined)
    return { ...down, problem: `There is no container ${container}. Run: ${upCommand(stack)}` };
  const node = await nodeStatus(container, found, env);
  const agents = await agentStatuses(stack, env);
  const volume = found.Mounts.find(({ Type, Name }) => Type === "volume" && Name === container)?.Name;
  if (outputs === undefined)
    return { ...down, node, agents, volume, problem: "The last `make up` did not finish. Run it again." };
  if (node.state !== "running")
    return { ...down, node, agents, volume, problem: `The node is ${node.state}. Run: ${upCommand(stack)}` };
  const endpoints = endpointsOf(outputs);
  try {
    const cluster = await clusterStatus(clusterOf(stack, outputs, env), outputs);
    return {
      stack: stack.name,
      up: true,
      node: { ...node, ...cluster.nodes.get(container) },
      agents: agents.map((agent) => ({ ...agent, ...cluster.nodes.get(agent.container) })),
      pods: cluster.pods,
      endpoints,
      volume,
    };
  } catch (error) {
    return { ...down, node, agents, endpoints, volume, problem: unreachable(error) };
  }
}

async function nodeStatus(container: string, found: Inspection, env: NodeJS.ProcessEnv): Promise<NodeStatus> {
  const tagFormat = "{{range $i, $tag := .RepoTags}}{{if not $i}}{{$tag}}{{end}}{{end}}";
  const tag = await execa("docker", ["image", "inspect", "--format", tagFormat, found.Image], {
    env,
    reject: false,
  });
  return {
    container,
    state: found.State.Status,
    image: tag.failed || tag.stdout === "" ? found.Config.Image : tag.stdout,
    startedAt: found.State.StartedAt,
    ports: publishedPorts(found),
  };
}

async function agentStatuses(stack: Stack, env: NodeJS.ProcessEnv): Promise<NodeStatus[]> {
  const names = await agentsIn("container", stack, env);
  const found = await Promise.all(names.map((name) => inspect(name, env)));
  return Promise.all(
    names.flatMap((name, index) => {
      const inspection = found[index];
      return inspection === undefined ? [] : [nodeStatus(name, inspection, env)];
    }),
  );
}

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? "-" : `${Math.round(bytes / 1024 ** 2)} MiB`;
const millicores = (value: number | undefined): string =>
  value === undefined ? "-" : `${Math.round(value * 1000)}m`;

/** The status in lines for a person. */
export function formatStatus(status: Status): string {
  const { node, agents = [], pods } = status;
  const lines = [`Stack ${status.stack}: ${status.up ? "up" : "down"}`];
  if (status.problem !== undefined) lines.push(`  ${status.problem}`);
  for (const each of node === undefined ? [] : [node, ...agents]) {
    lines.push(
      `Node ${each.container}: ${each.state}${each.ready === undefined ? "" : each.ready ? ", Ready" : ", not Ready"}`,
      `  image       ${each.image}`,
      `  Kubernetes  ${each.kubernetes ?? "-"}`,
      `  since       ${each.startedAt}`,
      `  uses        ${millicores(each.cpuCores)} CPU, ${mebibytes(each.memoryBytes)}`,
      ...each.ports.map((port, index) => `  ${index === 0 ? "ports " : "      "}      ${port}`),
    );
  }
  if (status.volume !== undefined) lines.push(`Volume ${status.volume}`);
  if (pods.length > 0) lines.push("Sandboxes");
  for (const pod of pods) {
    lines.push(
      `  ${pod.name}  ${pod.phase}${pod.ready ? ", Ready" : ""}, ${pod.restarts} restarts, runtime ${pod.runtimeClass}, ` +
        `${millicores(pod.cpuCores)} CPU, ${mebibytes(pod.memoryBytes)}`,
      `    ${pod.image}`,
    );
  }
  const endpoints = Object.entries(status.endpoints);
  if (endpoints.length > 0)
    lines.push("Endpoints", ...endpoints.map(([name, url]) => `  ${name.padEnd(25)} ${url}`));
  return lines.join("\n");
}
