// sandlot:provisioner: the service that hands sandboxes out, and what must hold between its settings.
import { z } from "zod";

import { pullPolicy, resources } from "./shared";
import {
  absolutePath,
  choice,
  cidr,
  count,
  dnsLabel,
  dnsName,
  field,
  flag,
  imageReference,
  listOf,
  nodePort,
  object,
  port,
  quantity,
  secretText,
  text,
} from "../values";

const timeouts = object(
  {
    ready: count("How long a create waits for the sandbox to answer. Default: 20", 1, 120).optional(),
    soft: count("The life of a sandbox that asks for none. Default: 3600", 1, 604_800).optional(),
    hard: count("The longest life of any sandbox. Default: 86400", 60, 604_800).optional(),
    deerflowIdle: count(
      "How long a sandbox of DeerFlow's API lives after it was last named or used. Default: 14400",
      60,
      604_800,
    ).optional(),
    start: count("When a pod that never answered is given up. Default: 300", 10, 3_600).optional(),
    failed: count("How long a failed sandbox stays to be seen. Default: 600", 0, 86_400).optional(),
    poolMaxAge: count("When an idle sandbox is replaced. Default: 3600", 60, 604_800).optional(),
    clusterLost: count(
      "For how long what was last seen of a cluster that cannot be watched is taken for true. Default: 300, with several clusters 30",
      1,
      3_600,
    ).optional(),
  },
  "How long things may take or last, in seconds",
);

const rateLimit = (description: string) =>
  object(
    {
      requests: count("How many calls", 1, 1_000_000),
      seconds: count("Within how many seconds", 1, 3_600),
    },
    description,
  );

const tenant = object(
  {
    name: dnsLabel("The tenant's name"),
    keys: listOf(
      object(
        {
          name: text("What the key is for, such as backend-2026"),
          sha256: field(
            z.string().regex(/^[0-9a-f]{64}$/),
            "The SHA-256 of the key, as `printf %s KEY | sha256sum` prints it; the key itself stays with its owner",
            "64 hexadecimal digits in quotes",
          ),
        },
        "An API key, known by its hash alone",
      ),
      "Its API keys, at least one; two make a rotation without a gap",
    ),
    environments: listOf(
      dnsLabel("An environment's name"),
      "The environments that it may use. Default: all",
    ).optional(),
    quota: object(
      {
        sandboxes: count("How many sandboxes", 0, 100_000).optional(),
        cpu: quantity("The sum of their CPU limits").optional(),
        memory: quantity("The sum of their memory limits").optional(),
      },
      "What its sandboxes may take together",
    ).optional(),
    maxResources: resources(
      "The most that one of its sandboxes may have, asked for or by its environment. Default: what the environment allows",
    ).optional(),
    runtimes: listOf(
      dnsLabel("A RuntimeClass"),
      "What its sandboxes may run in, the RuntimeClasses of their environments among them. Default: what the environment allows",
    ).optional(),
    rateLimit: rateLimit("How often it may call. Default: provisioner.rateLimit").optional(),
  },
  "Somebody who calls, and sees nobody else's sandboxes",
);

const egressProxy = object(
  {
    enabled: flag("Whether it is deployed, and network rules are taken. Default: false").optional(),
    replicas: count("How many pods. Default: 2", 1, 20).optional(),
    privateCidrs: listOf(
      cidr("A range"),
      "Private ranges that a rule of a sandbox opens if it names them; without the cluster's own pods, Services and nodes",
    ).optional(),
    deniedCidrs: listOf(
      cidr("A range"),
      "What no rule of a sandbox opens, beside other private, link-local and reserved ranges and network.clusterCidrs",
    ).optional(),
    resources: object(
      {
        requests: resources("What a pod of it is promised").optional(),
        limits: resources("What a pod of it may use at most").optional(),
      },
      "Its own resources",
    ).optional(),
  },
  "The proxy that keeps the network rules of single sandboxes of profile allowlist",
);

const clustersNetwork = object(
  {
    apiServerCidrs: listOf(cidr("A range"), "Addresses of their API servers. Default: any").optional(),
    apiServerPorts: listOf(port("A port"), "Ports of their API servers. Default: 443 and 6443").optional(),
    sandboxCidrs: listOf(
      cidr("A range"),
      "Addresses of their pods, at which the provisioner reaches sandboxes: networks must be flat",
    ),
  },
  "Where the clusters of clustersSecret are, as the provisioner's pods reach them",
);

export const provisioner = object(
  {
    enabled: flag("Whether it is deployed. Default: false").optional(),
    image: imageReference("Its image. Default: the one that is built from this repository").optional(),
    imagePullPolicy: pullPolicy("its image").optional(),
    imagePullSecrets: listOf(
      dnsLabel("A Secret of the provisioner's namespace with registry credentials"),
      "Credentials for its image, where the node pulls it",
    ).optional(),
    replicas: count("How many pods. Default: 2", 1, 20).optional(),
    sandboxUrls: choice(
      ["Router", "ClusterIP", "NodePort"],
      "What a sandbox's URL is: the provisioner's own, which passes calls on, a Service of the sandbox, or a port of its node. Default: Router",
    ).optional(),
    nodeHost: field(
      z.string().regex(/^([a-z\d]([a-z\d.-]*[a-z\d])?|\[[\da-fA-F:]+\])$/),
      "Where clients reach the one node that there is: the host of URLs with sandboxUrls NodePort. Default: the address of the sandbox's node, which alone answers",
      "a host name in lower case, an IPv4 address, or an IPv6 address in brackets",
    ).optional(),
    url: field(
      z.string().regex(/^https?:\/\/[^\s?#]*[^\s?#/]$/),
      "Where clients reach it: what sandboxes' URLs begin with. Default: http://127.0.0.1 with hostPort, else its Service in the cluster",
      "an http or https address that does not end in /, such as https://sandboxes.example.com",
    ).optional(),
    hostSuffix: field(
      z
        .string()
        .max(189)
        .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
      "The domain below which each port of a sandbox has a host, {port}-{id}.<domain>, with scheme and port of url; all names below it lead to the provisioner. Default: paths alone",
      "a domain such as sandboxes.example.com",
    ).optional(),
    nodePort: nodePort("Opens its Service on nodes; for development. Default: closed").optional(),
    hostPort: port("Publishes nodePort on this machine's loopback address; for development").optional(),
    poolSize: count(
      "How many idle sandboxes are kept ready of the environment `default`, where sandlot:environments has none of that name. Default: 0",
      0,
      500,
    ).optional(),
    maxSandboxes: count(
      "The most sandboxes at once, idle ones among them. Default: 500",
      1,
      100_000,
    ).optional(),
    poolMaxStarting: count(
      "The most pods of one pool that start at once, for each node that has sandboxes or idle pods; half as many within two seconds of a claim. Default: 8",
      1,
      100,
    ).optional(),
    deerflowBaseDir: absolutePath(
      "Where DeerFlow's gateway says that its state is (DEER_FLOW_HOST_BASE_DIR there), if the volume of userData holds that, in its folder deer-flow. Default: sandboxes do without the gateway's extra mounts",
    ).optional(),
    timeouts: timeouts.optional(),
    apiKey: secretText(
      "The API key of the tenant `default`, who has no quota. Default: made at random in a cluster of its own",
      "at least 32 characters without spaces, as a secret (`make secret`)",
    ).optional(),
    signingKey: secretText(
      "What sandboxes' tokens are made from. Default: made at random in a cluster of its own",
      "at least 64 hexadecimal digits, or two lines of them while it is rotated, as a secret (`make secret`)",
    ).optional(),
    tenants: listOf(tenant, "Who else may call").optional(),
    rateLimit: rateLimit(
      "How often each tenant may call that has no limit of its own, the tenant `default` among them. Default: 1000 calls in 10 seconds",
    ).optional(),
    existingSecret: dnsName(
      "A Secret of the provisioner's namespace that somebody else makes, with the entries api-keys.json and signing.key, instead of all keys above",
    ).optional(),
    clustersSecret: dnsName(
      "A Secret of the provisioner's namespace that somebody else makes, with the entry clusters.json, which names several clusters to make sandboxes in, and their kubeconfigs. Default: this cluster alone",
    ).optional(),
    clustersNetwork: clustersNetwork.optional(),
    apiServerCidrs: listOf(
      cidr("A range"),
      "The API server's addresses, as pods reach it. Default: any",
    ).optional(),
    apiServerPorts: listOf(
      port("A port"),
      "The API server's ports, as pods reach it. Default: 443 and 6443",
    ).optional(),
    logLevel: choice(
      ["fatal", "error", "warn", "info", "debug", "trace"],
      "How much it logs. Default: info",
    ).optional(),
    terminationGracePeriodSeconds: count(
      "Seconds after which a pod of it that is to end is killed; requests and WebSockets through it go on until ten seconds before. Default: 630, longer than DeerFlow's client waits for a command",
      15,
      3_600,
    ).optional(),
    egressProxy: egressProxy.optional(),
    resources: object(
      {
        requests: resources("What a pod of it is promised").optional(),
        limits: resources("What a pod of it may use at most").optional(),
      },
      "Its own resources",
    ).optional(),
  },
  "The service that hands sandboxes out",
);

type Provisioner = z.infer<typeof provisioner>;

/** Tells `refuse` of what does not go together. */
export function checkProvisioner(
  given: Provisioner,
  environments: readonly { readonly name: string }[],
  targetKind: string,
  refuse: (path: string[], message: string) => void,
): void {
  const at = (name: string): string[] => ["provisioner", name];
  if (given.egressProxy?.enabled === true && given.enabled !== true)
    refuse(at("egressProxy"), "it comes with the provisioner: set provisioner.enabled as well");
  if (given.hostPort !== undefined && given.nodePort === undefined)
    refuse(at("hostPort"), "it publishes provisioner.nodePort: set that as well, or leave hostPort out");
  if (given.poolSize !== undefined && environments.some(({ name }) => name === "default"))
    refuse(at("poolSize"), "environments has default, whose poolSize says it: remove one of the two");
  if ((given.clustersSecret === undefined) !== (given.clustersNetwork === undefined))
    refuse(
      at(given.clustersSecret === undefined ? "clustersSecret" : "clustersNetwork"),
      "clustersSecret names clusters, and clustersNetwork says where they are: set both or none",
    );
  if (given.clustersSecret !== undefined && (given.sandboxUrls ?? "Router") !== "Router")
    refuse(
      at("sandboxUrls"),
      "Services of this cluster lead nowhere in another one of clustersSecret: set it to Router, or leave it out",
    );
  if (given.nodeHost !== undefined && given.sandboxUrls !== "NodePort")
    refuse(
      at("nodeHost"),
      "it is the host of URLs where sandboxUrls is NodePort: set that as well, or leave nodeHost out",
    );
  const keys = (["apiKey", "signingKey", "tenants", "rateLimit"] as const).filter(
    (name) => given[name] !== undefined,
  );
  const [first] = keys;
  if (given.existingSecret !== undefined && first !== undefined)
    refuse(at(first), "existingSecret holds all keys and what their tenants may do: remove one of the two");
  if (given.enabled !== true || targetKind !== "render" || given.existingSecret !== undefined) return;
  refuse(
    at("existingSecret"),
    "target.kind is render, and YAML files would show keys in clear: name a Secret that somebody else makes",
  );
}
