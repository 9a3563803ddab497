// The whole of stack configuration: one object per component. What is not named here is refused.
import { z } from "zod";

import {
  absolutePath,
  choice,
  cidr,
  count,
  dnsLabel,
  environment,
  field,
  flag,
  imageReference,
  listOf,
  nodePort,
  port,
  quantity,
  text,
} from "./values";

const object = <T extends z.ZodRawShape>(shape: T, description: string) =>
  field(z.strictObject(shape), description, `an object with only ${Object.keys(shape).join(", ")}`);

const pullPolicy = (what: string) =>
  choice(["Always", "IfNotPresent", "Never"], `When ${what} is pulled. Default: IfNotPresent`);

const cluster = object(
  {
    image: imageReference(
      "The node's image, k3s or compatible. Default: the one that setup found or built",
    ).optional(),
    imagePullPolicy: pullPolicy("the node's image").optional(),
    apiPort: port("The API server's port on this machine's loopback address. Default: 6443").optional(),
    ports: listOf(
      object(
        {
          host: port("The port on this machine's loopback address"),
          node: port("The port of the node, such as a NodePort"),
          protocol: choice(["tcp", "udp"], "Default: tcp").optional(),
        },
        "One published port",
      ),
      "Further ports of the node to publish on this machine's loopback address",
    ).optional(),
    environment: environment("Environment variables of the node's container").optional(),
    memory: count(
      "The most memory that the node may use, in MiB. Default: no limit",
      1024,
      1_048_576,
    ).optional(),
    cpus: field(
      z.string().regex(/^[0-9]+(\.[0-9]+)?$/),
      "The most CPUs that the node may use. Default: no limit",
      'a number in quotes, such as "2" or "1.5"',
    ).optional(),
    tlsSans: listOf(text("A host name or address"), "More names in the API server's certificate").optional(),
    registryMirrors: field(
      z.record(
        z.string().regex(/^[a-z0-9.*:-]+$/),
        z.array(field(z.url(), "A mirror's address", "a URL, such as https://mirror.example.com")),
      ),
      "Mirrors by registry, for pulls inside the cluster",
      "registry host names, each with a list of mirror URLs",
    ).optional(),
    imageArchives: listOf(
      absolutePath("An image archive on this machine, as `docker save` writes it"),
      "Archives that the node imports when it starts",
    ).optional(),
    mounts: listOf(
      object(
        {
          source: absolutePath("A folder on this machine"),
          target: absolutePath("Where the node sees it"),
          readOnly: flag("Default: true").optional(),
        },
        "One mounted folder",
      ),
      "Folders of this machine that the node sees",
    ).optional(),
    podPidsLimit: count("The most processes of one pod. Default: 1024", 64, 65_536).optional(),
    disable: listOf(
      choice(
        ["coredns", "servicelb", "traefik", "local-storage", "metrics-server"],
        "A component that k3s would deploy by itself",
      ),
      "Components of k3s to leave out. Default: traefik, servicelb, metrics-server",
    ).optional(),
    extraServerArgs: listOf(
      field(z.string().regex(/^--[a-z]/), "A flag of `k3s server`", "a flag beginning with --"),
      "Further flags of `k3s server`",
    ).optional(),
  },
  "The development cluster: k3s in one container",
);

const resources = (which: string) =>
  object(
    {
      cpu: quantity("CPU").optional(),
      memory: quantity("Memory").optional(),
      ephemeralStorage: quantity("Local disk, logs included").optional(),
    },
    which,
  );

const namespace = object(
  {
    name: dnsLabel("The namespace of all sandboxes. Default: sandlot").optional(),
    podSecurityVersion: field(
      z.string().regex(/^(latest|v1\.[0-9]{1,2})$/),
      "The version of the restricted Pod Security profile. Default: v1.34",
      '"latest" or a minor version such as "v1.34"',
    ).optional(),
    protect: flag("Whether `pulumi destroy` refuses to delete it. Default: false").optional(),
    quota: object(
      {
        pods: count("The most pods. Default: 50", 1, 10_000).optional(),
        cpu: quantity("The most CPU that all pods together may use").optional(),
        memory: quantity("The most memory that all pods together may use").optional(),
        ephemeralStorage: quantity("The most local disk that all pods together may use").optional(),
      },
      "Limits of the whole namespace",
    ).optional(),
    limits: object(
      {
        maximum: resources(
          "The highest limits that one container may state. Default: 4 CPU, 8Gi memory, 16Gi local disk",
        ).optional(),
      },
      "Limits of one container",
    ).optional(),
  },
  "The namespace that sandboxes live in",
);

const network = object(
  {
    egress: choice(["blocked", "open"], "What the shared sandboxes may reach. Default: blocked").optional(),
    clientCidrs: listOf(
      cidr("A range of client addresses"),
      "Addresses that may call sandboxes, besides pods",
    ).optional(),
    clientNamespaces: listOf(
      dnsLabel("A namespace"),
      "Namespaces whose pods labelled sandlot.dev/sandbox-client=true may call sandboxes, besides the sandboxes' own",
    ).optional(),
    clusterCidrs: listOf(
      cidr("A range of pods, Services or nodes"),
      "Ranges that the open profile leaves out, besides all private ones",
    ).optional(),
  },
  "The walls around sandboxes",
);

const runtime = object(
  {
    isolation: choice(
      ["gvisor", "none"],
      "gvisor, or the cluster's ordinary runtime. Default: gvisor",
    ).optional(),
    className: dnsLabel("The RuntimeClass's name. Default: gvisor").optional(),
    handler: dnsLabel("The container runtime's handler of that class. Default: runsc").optional(),
  },
  "What isolates a sandbox from its node",
);

const skills = object(
  {
    hostPath: field(
      z
        .string()
        .min(1)
        .regex(/^[^\0:]+$/),
      "The skills folder on this machine, absolute or relative to the project. Default: skills",
      "a path of an existing folder, without a colon",
    ).optional(),
    existingClaim: dnsLabel("A PersistentVolumeClaim to use instead of hostPath").optional(),
    size: quantity("The volume's nominal size. Default: 1Gi").optional(),
  },
  "The read-only skills that sandboxes see at /mnt/skills",
);

const probe = (which: string) =>
  object(
    {
      initialDelaySeconds: count("Seconds before the first probe", 0, 600).optional(),
      periodSeconds: count("Seconds between probes", 1, 600).optional(),
      timeoutSeconds: count("Seconds to wait for an answer", 1, 600).optional(),
      failureThreshold: count("Failures in a row that count", 1, 1000).optional(),
    },
    which,
  );

const sandbox = object(
  {
    image: imageReference(
      "The sandboxes' image. Default: the one that is built from this repository",
    ).optional(),
    imagePullPolicy: pullPolicy("the sandboxes' image").optional(),
    imagePullSecrets: listOf(
      dnsLabel("A Secret of the namespace with registry credentials"),
      "Credentials for the sandboxes' image, where the node pulls it",
    ).optional(),
    replicas: count("How many shared sandboxes run. Default: 2", 0, 500).optional(),
    resources: object(
      {
        requests: resources("What a sandbox is promised").optional(),
        limits: resources("What a sandbox may use at most").optional(),
      },
      "A sandbox's resources",
    ).optional(),
    storage: object(
      {
        home: quantity("/home/sandbox. Default: 256Mi").optional(),
        temporary: quantity("/tmp. Default: 256Mi").optional(),
        userData: quantity("/mnt/user-data. Default: 512Mi").optional(),
      },
      "The sizes of a sandbox's writable folders",
    ).optional(),
    environment: environment(
      "Environment variables of every sandbox. Never secrets: anybody who may run code sees them",
    ).optional(),
    nodePort: nodePort("Opens the sandbox Service on nodes; for development. Default: closed").optional(),
    hostPort: port("Publishes nodePort on this machine's loopback address; for development").optional(),
    startupProbe: probe("When a new sandbox counts as started").optional(),
    readinessProbe: probe("When a sandbox gets traffic").optional(),
    livenessProbe: probe("When a sandbox is restarted").optional(),
    terminationGracePeriodSeconds: count("Seconds that running commands get at shutdown", 0, 3600).optional(),
    minAvailable: count(
      "Sandboxes that evictions must leave. Default: 1 if there are several replicas",
      0,
      500,
    ).optional(),
  },
  "The shared, always-on sandboxes",
);

/** Stack configuration as it is written, each key under `sandlot:`. */
export const configSchema = object(
  {
    cluster: cluster.optional(),
    namespace: namespace.optional(),
    network: network.optional(),
    platform: flag("Whether anything is deployed into the cluster. Default: true").optional(),
    runtime: runtime.optional(),
    sandbox: sandbox.optional(),
    skills: skills.optional(),
  },
  "Sandlot's configuration of one stack",
).superRefine((config, context) => {
  const refuse = (path: string[], message: string): void => {
    context.addIssue({ code: "custom", path, message });
  };
  const { sandbox: box, skills: folder, cluster: node } = config;
  if (folder?.hostPath !== undefined && folder.existingClaim !== undefined) {
    refuse(["skills", "existingClaim"], "give either hostPath or existingClaim, not both");
  }
  if (box?.hostPort !== undefined && box.nodePort === undefined) {
    refuse(["sandbox", "hostPort"], "it publishes sandbox.nodePort: set that as well, or leave hostPort out");
  }
  if (box?.minAvailable !== undefined && box.minAvailable >= (box.replicas ?? 2) && box.minAvailable > 0) {
    refuse(
      ["sandbox", "minAvailable"],
      `must be less than replicas (${box.replicas ?? 2}), or no node could ever be drained`,
    );
  }
  const hostPorts = [node?.apiPort ?? 6443, box?.hostPort, ...(node?.ports ?? []).map(({ host }) => host)];
  const twice = hostPorts.find((value, index) => value !== undefined && hostPorts.indexOf(value) !== index);
  if (twice !== undefined) {
    refuse(
      ["cluster"],
      `port ${twice} of this machine is published twice: apiPort, ports and sandbox.hostPort must differ`,
    );
  }
});

/** Stack configuration as it is written; every part may be missing. */
export type SandlotConfig = z.infer<typeof configSchema>;
