// From configuration to the components' arguments: pure, so that everything is known and checked before anything is
// registered.
import type { K3sClusterArgs, SandboxPlatformArgs } from "@sandlot/components";
import {
  EgressProfile,
  ImagePullPolicy,
  PortProtocol,
  SandboxPullPolicy,
  SandboxServiceType,
  SkillsSource,
} from "@sandlot/components";

import type { SandlotConfig } from "./config/schema";

/** What is known of this machine and this run beside configuration. */
export interface Surroundings {
  /** The stack's name. */
  readonly stack: string;
  /** This checkout's state folder, absolute. */
  readonly stateDir: string;
  /** The skills folder, absolute; undefined when an existing claim is used. */
  readonly skillsPath?: string;
  readonly nodeImage: string;
  readonly sandboxImage: string;
  /** A shell command that builds the sandbox image of this repository. */
  readonly buildSandboxImage: string;
}

/** Leaves out what is undefined, so that a component's default holds. */
function given<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

/** Where the node sees the skills folder. */
const skillsInNode = "/mnt/skills";

/** Arguments of the development cluster. */
export function clusterArguments(
  { cluster = {}, sandbox = {} }: SandlotConfig,
  around: Surroundings,
): K3sClusterArgs {
  const { imagePullPolicy, ports = [], registryMirrors = {}, mounts = [], cpus, ...same } = cluster;
  const { hostPort, nodePort } = sandbox;
  return given({
    ...same,
    stack: around.stack,
    owner: around.stateDir,
    image: around.nodeImage,
    imagePullPolicy: imagePullPolicy && ImagePullPolicy[imagePullPolicy],
    cpus: cpus === undefined ? undefined : Number(cpus),
    ports: [
      ...ports.map(({ host, node, protocol }) => ({
        host,
        node,
        protocol: protocol === "udp" ? PortProtocol.Udp : PortProtocol.Tcp,
      })),
      ...(hostPort !== undefined && nodePort !== undefined ? [{ host: hostPort, node: nodePort }] : []),
    ],
    registryMirrors: Object.entries(registryMirrors).map(([registry, endpoints]) => ({
      registry,
      endpoints,
    })),
    mounts: [
      ...mounts,
      ...(around.skillsPath === undefined
        ? []
        : [{ source: around.skillsPath, target: skillsInNode, readOnly: true }]),
    ],
  });
}

/** Who may call sandboxes from outside their namespace. */
function ingressPeers({ clientCidrs = [], clientNamespaces = [] }: NonNullable<SandlotConfig["network"]>) {
  return [
    ...clientCidrs.map((cidr) => ({ cidr })),
    ...clientNamespaces.map((name) => ({
      namespaceLabels: { "kubernetes.io/metadata.name": name },
      podLabels: { "sandlot.dev/sandbox-client": "true" },
    })),
  ];
}

function skillsArguments({ skills = {} }: SandlotConfig): SandboxPlatformArgs["skills"] {
  const { existingClaim, size } = skills;
  return existingClaim === undefined
    ? given({ source: SkillsSource.HostPath, hostPath: skillsInNode, size })
    : given({ source: SkillsSource.ExistingClaim, existingClaim, size });
}

function deploymentArguments({
  sandbox = {},
  network = {},
}: SandlotConfig): SandboxPlatformArgs["deployment"] {
  const { imagePullPolicy, storage = {}, resources, environment = {}, nodePort, minAvailable } = sandbox;
  return given({
    egress: network.egress === "open" ? EgressProfile.Open : EgressProfile.Blocked,
    replicas: sandbox.replicas,
    imagePullPolicy: imagePullPolicy && SandboxPullPolicy[imagePullPolicy],
    imagePullSecrets: sandbox.imagePullSecrets,
    writable: given({ home: storage.home, tmp: storage.temporary, userData: storage.userData }),
    resources,
    env: Object.entries(environment).map(([name, value]) => ({ name, value })),
    probes: given({
      startup: sandbox.startupProbe,
      readiness: sandbox.readinessProbe,
      liveness: sandbox.livenessProbe,
    }),
    service: nodePort === undefined ? undefined : { type: SandboxServiceType.NodePort, nodePort },
    terminationGracePeriodSeconds: sandbox.terminationGracePeriodSeconds,
    disruption: minAvailable === undefined ? undefined : { minAvailable: String(minAvailable) },
  });
}

/** Arguments of what is deployed into the cluster. */
export function platformArguments(config: SandlotConfig, around: Surroundings): SandboxPlatformArgs {
  const { namespace = {}, network = {}, runtime = {} } = config;
  const { quota = {}, ...space } = namespace;
  const gvisor = runtime.isolation !== "none";
  return given({
    image: around.sandboxImage,
    namespace: {
      ...space,
      quota: given({
        pods: quota.pods,
        limitsCpu: quota.cpu,
        limitsMemory: quota.memory,
        limitsEphemeralStorage: quota.ephemeralStorage,
      }),
    },
    network: { ingressPeers: ingressPeers(network), clusterCidrs: network.clusterCidrs ?? [] },
    skills: skillsArguments(config),
    gvisor,
    runtime: gvisor ? given({ runtimeClassName: runtime.className, handler: runtime.handler }) : undefined,
    deployment: deploymentArguments(config),
  });
}
