// What the platform registers for its provisioner: names, parents, order, rights, walls, keys.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import {
  ArgumentError,
  SandboxPlatform,
  SandboxServiceType,
  SandboxUrls,
  type ProvisionerOptions,
  type SandboxPlatformArgs,
} from "@sandlot/components";

import { parseKeys } from "../../provisioner/src/config/keys";
import { randomKey, record, recordFailure, type Graph } from "../support/graph";

const given: SandboxPlatformArgs = {
  image: "sandlot/sandbox:1.0.0",
  skills: { hostPath: "/mnt/skills" },
  network: { ingressPeers: [{ cidr: "172.18.0.1/32" }, { podLabels: { app: "agent" } }] },
};

const program = (options: Partial<ProvisionerOptions>, more: Partial<SandboxPlatformArgs>) => () => {
  const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
  const provisioner = { image: "sandlot/provisioner:1.0.0", generateKeys: true, ...options };
  new SandboxPlatform("sandlot", { ...given, provisioner, ...more }, { provider });
};

const platform = (
  options: Partial<ProvisionerOptions> = {},
  more: Partial<SandboxPlatformArgs> = {},
): Promise<Graph> => record(program(options, more));

interface Probe {
  terminationGracePeriodSeconds?: number;
}

interface Pod {
  spec: {
    automountServiceAccountToken: boolean;
    terminationGracePeriodSeconds: number;
    securityContext: object;
    containers: {
      env: { name: string; value?: string }[];
      securityContext: object;
      startupProbe: Probe;
      livenessProbe: Probe;
    }[];
    volumes: object[];
  };
  metadata: { annotations?: Record<string, string> };
}

const podOf = (graph: Graph): Pod =>
  (graph.get("sandlot-provisioner-deployment").inputs["spec"] as unknown as { template: Pod }).template;

const variablesOf = (graph: Graph): Record<string, string | undefined> =>
  Object.fromEntries(podOf(graph).spec.containers[0]?.env.map(({ name, value }) => [name, value]) ?? []);

const specOf = (graph: Graph, name: string) => graph.get(name).inputs["spec"];

describe("the provisioner's graph", () => {
  let graph: Graph;
  before(async () => {
    graph = await platform();
  });

  it("is a part of the platform, with stable names", () => {
    assert.equal(graph.get("sandlot-provisioner").parent, graph.get("sandlot").urn);
    assert.deepEqual(
      graph
        .childrenOf(graph.get("sandlot-provisioner"))
        .map(({ name, type }) => `${type.split(":").at(-1) ?? ""} ${name}`)
        .sort(),
      [
        "Command sandlot-provisioner-api-key",
        "Command sandlot-provisioner-signing-key",
        "Deployment sandlot-provisioner-deployment",
        "Namespace sandlot-provisioner-namespace",
        "NetworkPolicy sandlot-provisioner-api-server",
        "NetworkPolicy sandlot-provisioner-clients",
        "NetworkPolicy sandlot-provisioner-deny-all",
        "NetworkPolicy sandlot-provisioner-dns",
        "NetworkPolicy sandlot-provisioner-sandbox-client-egress",
        "NetworkPolicy sandlot-provisioner-sandbox-ingress",
        "NetworkPolicy sandlot-provisioner-sandboxes",
        "PodDisruptionBudget sandlot-provisioner-disruption-budget",
        "Role sandlot-provisioner-role",
        "RoleBinding sandlot-provisioner-role-binding",
        "Secret sandlot-provisioner-keys",
        "Service sandlot-provisioner-service",
        "ServiceAccount sandlot-provisioner-service-account",
      ],
    );
  });

  it("lives in a restricted namespace of its own, where it may do nothing", () => {
    const { metadata } = graph.get("sandlot-provisioner-namespace").inputs as {
      metadata: { name: string; labels: Record<string, string> };
    };
    assert.equal(metadata.name, "sandlot-system");
    assert.equal(metadata.labels["pod-security.kubernetes.io/enforce"], "restricted");
    const { metadata: role, rules } = graph.get("sandlot-provisioner-role").inputs as {
      metadata: { namespace: string };
      rules: object[];
    };
    assert.equal(role.namespace, "sandlot");
    assert.deepEqual(rules, [
      {
        apiGroups: [""],
        resources: ["pods"],
        verbs: ["get", "list", "watch", "create", "patch", "delete"],
      },
      { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
      { apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
      {
        apiGroups: ["coordination.k8s.io"],
        resources: ["leases"],
        resourceNames: ["sandlot-provisioner"],
        verbs: ["get", "update"],
      },
    ]);
    assert.deepEqual(graph.get("sandlot-provisioner-role-binding").inputs["subjects"], [
      { kind: "ServiceAccount", name: "provisioner", namespace: "sandlot-system" },
    ]);
    assert.deepEqual(graph.ofType("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"), []);
    assert.equal(
      graph.get("sandlot-provisioner-service-account").inputs["automountServiceAccountToken"],
      false,
    );
  });

  it("starts when all walls stand and its rights are there", () => {
    const deployment = graph.get("sandlot-provisioner-deployment");
    for (const part of [
      "sandlot-home",
      "sandlot-network",
      "sandlot-rbac",
      "sandlot-runtime",
      "sandlot-skills",
    ])
      assert.ok(graph.comesAfter(deployment, graph.get(part)), part);
    for (const own of ["role-binding", "deny-all", "keys"])
      assert.ok(graph.comesAfter(deployment, graph.get(`sandlot-provisioner-${own}`)), own);
  });

  it("keeps its keys secret: in state, inputs and outputs, in a file of the pod and in no variable", () => {
    for (const key of ["api-key", "signing-key"]) {
      const command = graph.get(`sandlot-provisioner-${key}`);
      assert.deepEqual(command.additionalSecretOutputs, ["stdout"]);
      assert.equal(command.inputs["logging"], "none");
    }
    const secret = graph.get("sandlot-provisioner-keys");
    assert.ok(secret.secretInputs.some((path) => path.startsWith("data")));
    const { "api-keys.json": file } = secret.inputs["data"] as Record<string, string>;
    const keys = Buffer.from(file ?? "", "base64").toString();
    assert.ok(!keys.includes(randomKey), "only hashes are in the cluster");
    assert.match(keys, /"sha256": "[0-9a-f]{64}"/);
    for (const { name, inputs, type } of graph.resources)
      if (type !== "kubernetes:core/v1:Secret") assert.ok(!JSON.stringify(inputs).includes(randomKey), name);
    for (const component of ["sandlot-provisioner", "sandlot"])
      assert.ok(
        graph.get(component).secretOutputs.some((output) => /apiKey/i.test(output)),
        component,
      );
    assert.match(
      podOf(graph).metadata.annotations?.["sandlot.dev/signing-key-revision"] ?? "",
      /^[0-9a-f]{16}$/,
    );
  });

  it("ends a container that a probe gave up at once, however long one that answers has to end", () => {
    const { containers, terminationGracePeriodSeconds } = podOf(graph).spec;
    for (const probe of [containers[0]?.startupProbe, containers[0]?.livenessProbe])
      assert.equal(probe?.terminationGracePeriodSeconds, 15);
    assert.ok(terminationGracePeriodSeconds > 15);
  });

  it("makes given keys secret, whoever forgot to say so", async () => {
    const key = "fedcba9876543210".repeat(4);
    const { resources } = await platform({ generateKeys: false, apiKey: key, signingKey: key });
    assert.equal(resources.filter(({ type }) => type.startsWith("command:")).length, 0);
    const holders = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(key));
    for (const { name, secretInputs } of holders)
      assert.ok(secretInputs.some((path) => path.endsWith("apiKey")) && secretInputs.length > 1, name);
  });

  it("lets the provisioner reach DNS, the API server and sandboxes of its own making, and nothing else", () => {
    const dns = JSON.stringify(specOf(graph, "sandlot-provisioner-dns"));
    assert.match(dns, /kube-dns/);
    assert.deepEqual(specOf(graph, "sandlot-provisioner-sandboxes"), {
      podSelector: {
        matchLabels: { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "provisioner" },
      },
      policyTypes: ["Egress"],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "sandlot" } },
              podSelector: {
                matchLabels: {
                  "app.kubernetes.io/name": "sandlot",
                  "app.kubernetes.io/component": "sandbox",
                  "app.kubernetes.io/managed-by": "sandlot-provisioner",
                },
              },
            },
          ],
          ports: [{ protocol: "TCP", port: 1024, endPort: 65535 }],
        },
      ],
    });
    const api = specOf(graph, "sandlot-provisioner-api-server") as {
      egress: { ports: { port: number }[] }[];
    };
    assert.deepEqual(
      api.egress[0]?.ports.map(({ port }) => port),
      [443, 6443],
    );
  });

  it("lets in who may call sandboxes; peers without a namespace are of the sandboxes' own", () => {
    const { ingress } = specOf(graph, "sandlot-provisioner-clients") as { ingress: { from: object[] }[] };
    const home = { matchLabels: { "kubernetes.io/metadata.name": "sandlot" } };
    assert.deepEqual(ingress[0]?.from, [
      { namespaceSelector: home, podSelector: { matchLabels: { "sandlot.dev/sandbox-client": "true" } } },
      { ipBlock: { cidr: "172.18.0.1/32" } },
      { namespaceSelector: home, podSelector: { matchLabels: { app: "agent" } } },
    ]);
  });

  it("runs hardened, with a token that expires, and is told where everything is", () => {
    const { spec } = podOf(graph);
    assert.equal(spec.automountServiceAccountToken, true);
    assert.deepEqual(spec.containers[0]?.securityContext, {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    const variables = variablesOf(graph);
    assert.equal(variables["K8S_NAMESPACE"], "sandlot");
    assert.equal(variables["SANDBOX_SERVICE_ACCOUNT"], "sandbox");
    assert.equal(variables["SANDBOX_SERVICE_TYPE"], "Router");
    assert.equal(
      variables["ROUTER_URL"],
      "http://provisioner.sandlot-system.svc.cluster.local:8002",
      "the Service's, unless another is given",
    );
    assert.equal("ROUTER_HOST_SUFFIX" in variables, false);
    assert.equal(variables["CLUSTER_LOST_SECONDS"], "300");
    assert.equal(variables["SKILLS_PVC_NAME"], graph.get("sandlot-skills").registered[0]?.["claimName"]);
    assert.equal("USERDATA_PVC_NAME" in variables, false);
    // What DeerFlow's gateway wants of the node is left out, and not refused: Pod Security lets nothing of it in.
    assert.equal(variables["HOST_PATH_MOUNTS"], "false");
    assert.equal("DEER_FLOW_HOST_BASE_DIR" in variables, false);
  });

  it("lets what is under way go on until shortly before a pod that ends is killed", async () => {
    for (const [given, grace, drain] of [
      [{}, 630, "620"],
      [{ terminationGracePeriodSeconds: 60 }, 60, "50"],
    ] as const) {
      const made = await platform(given);
      assert.equal(podOf(made).spec.terminationGracePeriodSeconds, grace);
      assert.equal(variablesOf(made)["DRAIN_SECONDS"], drain);
    }
    const { error } = await recordFailure(program({ terminationGracePeriodSeconds: 10 }, {}));
    assert.match(error.message, /terminationGracePeriodSeconds is 10, but must be .* from 15 to 3600/);
  });

  it("knows where the state of DeerFlow's gateway is, where the claim of users' data holds it, and nowhere else", async () => {
    const deerflowBaseDir = "/app/backend/.deer-flow";
    const userData = { storageClass: "standard" };
    assert.equal(
      variablesOf(await platform({ deerflowBaseDir }, { userData }))["DEER_FLOW_HOST_BASE_DIR"],
      deerflowBaseDir,
    );
    for (const [options, more, says] of [
      [{ deerflowBaseDir }, {}, /deerflowBaseDir is .* no claim of users' data/],
      [{ deerflowBaseDir: "backend/.deer-flow" }, { userData }, /deerflowBaseDir is .* absolute path/],
    ] as const) {
      const { error } = await recordFailure(program(options, more));
      assert.ok(error instanceof ArgumentError);
      assert.match(error.message, says);
    }
  });

  it("lets as many pods of a pool start at once as it is told", async () => {
    assert.equal(variablesOf(graph)["POOL_MAX_STARTING"], "8");
    const more = await platform({ poolMaxStarting: 20 });
    assert.equal(variablesOf(more)["POOL_MAX_STARTING"], "20");
    const { error } = await recordFailure(program({ poolMaxStarting: 101 }, {}));
    assert.match(error.message, /poolMaxStarting is 101, but must be .* from 1 to 100/);
  });

  it("gives sandboxes hosts of their own where it is told below which domain", async () => {
    const hosts = variablesOf(await platform({ hostSuffix: "sandboxes.example.com" }));
    assert.equal(hosts["ROUTER_HOST_SUFFIX"], "sandboxes.example.com");
  });

  it("has an environment to start from: the one that is given, or one like the shared sandbox", async () => {
    const recordOf = (from: Graph) =>
      JSON.parse(
        (from.get("sandlot-environment-default-record").inputs["data"] as Record<string, string>)[
          "environment.json"
        ] ?? "{}",
      ) as { runtimeClassName: string; pool: { size: number } };
    const own = recordOf(await platform({}, { defaultPoolSize: 3 }));
    assert.equal(own.runtimeClassName, "gvisor");
    assert.equal(own.pool.size, 3);
    const theirs = recordOf(await platform({}, { environments: [{ name: "default", poolSize: 1 }] }));
    assert.equal(theirs.pool.size, 1);
  });

  it("tells the provisioner the host of URLs that lead to the nodes", async () => {
    const onNodes = variablesOf(await platform({ sandboxUrls: SandboxUrls.NodePort, nodeHost: "10.0.0.7" }));
    assert.equal(onNodes["SANDBOX_SERVICE_TYPE"], "NodePort");
    assert.equal(onNodes["NODE_HOST"], "10.0.0.7");
    assert.equal("NODE_HOST" in variablesOf(await platform({ sandboxUrls: SandboxUrls.NodePort })), false);
  });

  it("needs rights on Services only where sandboxes have one each", async () => {
    const { rules } = (await platform({ sandboxUrls: SandboxUrls.ClusterIp })).get("sandlot-provisioner-role")
      .inputs as { rules: { resources: string[]; verbs: string[] }[] };
    assert.deepEqual(rules.find(({ resources }) => resources.includes("services"))?.verbs, [
      "list",
      "watch",
      "create",
    ]);
  });

  it("mounts a Secret that somebody else makes, and makes none", async () => {
    const other = await platform({ generateKeys: false, existingSecret: "theirs" });
    assert.equal(other.ofType("kubernetes:core/v1:Secret").length, 0);
    assert.ok(JSON.stringify(podOf(other).spec.volumes).includes('"secretName":"theirs"'));
  });

  it("mounts a Secret with other clusters, read-only, and reaches their API servers and pods alone", async () => {
    const other = await platform({
      clustersSecret: "clusters",
      clustersNetwork: { apiServerCidrs: ["198.51.100.7/32"], sandboxCidrs: ["10.64.0.0/12"] },
    });
    const { volumes, containers } = podOf(other).spec;
    assert.deepEqual(volumes[1], {
      name: "clusters",
      secret: { secretName: "clusters", defaultMode: 0o440 },
    });
    assert.deepEqual((containers[0] as unknown as { volumeMounts: object[] }).volumeMounts[1], {
      name: "clusters",
      mountPath: "/etc/sandlot/clusters",
      readOnly: true,
    });
    assert.equal(variablesOf(other)["CLUSTERS_FILE"], "/etc/sandlot/clusters/clusters.json");
    assert.deepEqual((specOf(other, "sandlot-provisioner-clusters") as { egress: object }).egress, [
      {
        to: [{ ipBlock: { cidr: "198.51.100.7/32" } }],
        ports: [
          { protocol: "TCP", port: 443 },
          { protocol: "TCP", port: 6443 },
        ],
      },
      {
        to: [{ ipBlock: { cidr: "10.64.0.0/12" } }],
        ports: [{ protocol: "TCP", port: 1024, endPort: 65535 }],
      },
    ]);
    // Without it there is nothing of all that.
    assert.equal(graph.has("sandlot-provisioner-clusters"), false);
    assert.equal(podOf(graph).spec.volumes.length, 1);
    assert.equal(variablesOf(graph)["CLUSTERS_FILE"], undefined);
  });

  it("is watched as sandboxes are: by annotations, or by a ServiceMonitor", async () => {
    const annotated = await platform({}, { observability: {} });
    const textOf = (name: string) => JSON.stringify(annotated.get(`sandlot-provisioner-${name}`).inputs);
    assert.match(textOf("metrics"), /"prometheus.io\/port":"8003"/);
    assert.match(textOf("scraper"), /"port":8003/);
    // Whoever may call the API is not led to the port that tells about all tenants, nor let in there.
    assert.doesNotMatch(textOf("service"), /prometheus|8003/);
    for (const { inputs, urn } of annotated.childrenOf(annotated.get("sandlot-provisioner")))
      if (urn.includes("NetworkPolicy") && !urn.endsWith("-scraper"))
        assert.doesNotMatch(JSON.stringify(inputs), /8003/, urn);
    const monitored = await platform({}, { observability: { prometheusOperator: true } });
    assert.equal(monitored.get("sandlot-provisioner-monitor").inputs["kind"], "ServiceMonitor");
  });

  it("is protected with the sandboxes' namespace, opened on nodes when asked to, and needs no budget alone", async () => {
    const other = await platform(
      { replicas: 1, service: { type: SandboxServiceType.NodePort, nodePort: 30081 } },
      { namespace: { protect: true } },
    );
    assert.equal(other.get("sandlot-provisioner-namespace").protect, true);
    assert.ok(JSON.stringify(specOf(other, "sandlot-provisioner-service")).includes('"nodePort":30081'));
    assert.equal(other.has("sandlot-provisioner-disruption-budget"), false);
  });

  it("writes down how often tenants may call as the provisioner reads it, and nothing where nothing is said", async () => {
    const fileOf = (from: Graph): string => {
      const { "api-keys.json": file } = from.get("sandlot-provisioner-keys").inputs["data"] as Record<
        string,
        string
      >;
      return Buffer.from(file ?? "", "base64").toString();
    };
    const limited = await platform({
      rateLimit: { requests: 500, seconds: 10 },
      tenants: [{ ...tenant, rateLimit: { requests: 20, seconds: 1 } }],
    });
    const callers = [...parseKeys(fileOf(limited)).values()];
    assert.deepEqual(Object.fromEntries(callers.map(({ tenant: name, rateLimit }) => [name, rateLimit])), {
      default: { requests: 500, seconds: 10 },
      acme: { requests: 20, seconds: 1 },
    });
    assert.doesNotMatch(fileOf(graph), /rateLimit/);
  });

  const tenant = { name: "acme", keys: [{ name: "one", sha256: "0".repeat(64) }] };
  for (const [title, options, more, says] of [
    ["no keys", { generateKeys: false }, {}, /signingKey is missing.*\n.*nobody could call/],
    [
      "an image that may change",
      { image: "sandlot/provisioner:latest" },
      {},
      /image is .*tag other than latest/,
    ],
    ["too many replicas", { replicas: 21 }, {}, /replicas is 21, but must be a whole number from 1 to 20/],
    [
      "an address with a slash at its end",
      { url: "https://a/" },
      {},
      /url is "https:\/\/a\/".*does not end in/,
    ],
    [
      "a host of nodes where no URL leads to them",
      { nodeHost: "10.0.0.7" },
      {},
      /nodeHost is "10\.0\.0\.7", but sandboxUrls is Router.*remove it/,
    ],
    [
      "a host of nodes that is none",
      { sandboxUrls: SandboxUrls.NodePort, nodeHost: "http://10.0.0.7" },
      {},
      /nodeHost is "http:\/\/10\.0\.0\.7", but must be a host name in lower case, an IPv4 address/,
    ],
    [
      "a domain that is none",
      { hostSuffix: "*.example.com" },
      {},
      /hostSuffix is "\*\.example\.com", but must be a domain of two labels or more/,
    ],
    [
      "an address of its own that would be a sandbox's",
      { hostSuffix: "example.com", url: "https://api.example.com" },
      {},
      /url is "https:\/\/api\.example\.com", but hosts below hostSuffix, which is "example\.com", are sandboxes/,
    ],
    [
      "a life longer than the longest",
      { timeouts: { softSeconds: 200, hardSeconds: 100 } },
      {},
      /timeouts\.softSeconds is 200, but timeouts\.hardSeconds is 100/,
    ],
    ["a tenant without keys", { tenants: [{ name: "acme", keys: [] }] }, {}, /tenants\[0\]\.keys is empty/],
    ["one key for two", { tenants: [tenant, { ...tenant, name: "b" }] }, {}, /stands for one tenant/],
    ["a tenant twice", { tenants: [{ ...tenant, name: "default" }] }, {}, /tenants\[0\]\.name is "default"/],
    [
      "a key that is no hash",
      { tenants: [{ name: "a", keys: [{ name: "k", sha256: "secret" }] }] },
      {},
      /64 hexadecimal digits/,
    ],
    [
      "keys twice",
      { existingSecret: "theirs" },
      {},
      /existingSecret holds all keys and what their tenants may do, but generateKeys is given/,
    ],
    [
      "clusters whose sandboxes it could not reach",
      { clustersSecret: "clusters" },
      {},
      /clustersNetwork\.sandboxCidrs is missing/,
    ],
    [
      "the way to clusters that nothing names",
      { clustersNetwork: { sandboxCidrs: ["10.64.0.0/12"] } },
      {},
      /clustersNetwork is given, but clustersSecret/,
    ],
    [
      "clusters whose Services nobody would find",
      {
        clustersSecret: "clusters",
        clustersNetwork: { sandboxCidrs: ["10.64.0.0/12"] },
        sandboxUrls: SandboxUrls.ClusterIp,
      },
      {},
      /sandboxUrls is ClusterIP, but clustersSecret is given/,
    ],
    [
      "a range that is none",
      { clustersSecret: "clusters", clustersNetwork: { sandboxCidrs: ["10.64"] } },
      {},
      /clustersNetwork\.sandboxCidrs\[0\] is "10\.64"/,
    ],
    [
      "a tenant that may run in nothing",
      { tenants: [{ ...tenant, runtimes: [] }] },
      {},
      /tenants\[0\]\.runtimes is empty/,
    ],
    [
      "a rate that is none",
      { tenants: [{ ...tenant, rateLimit: { requests: 0, seconds: 1 } }] },
      {},
      /tenants\[0\]\.rateLimit\.requests is 0, but must be a whole number from 1 to 1000000/,
    ],
    [
      "a bound that Kubernetes takes for none",
      { tenants: [{ ...tenant, maxResources: { cpu: "0" } }] },
      {},
      /tenants\[0\]\.maxResources\.cpu is "0", but must be a Kubernetes quantity above zero/,
    ],
    [
      "an environment that lets ask for more than the namespace lets in",
      {},
      { environments: [{ name: "large", maxResources: { memory: "16Gi" } }] },
      /environments "large": maxResources\.memory is "16Gi", but the namespace allows at most "8Gi"/,
    ],
    [
      "a pool that is said twice",
      {},
      { defaultPoolSize: 1, environments: [{ name: "default" }] },
      /defaultPoolSize is given, but environments has default/,
    ],
    [
      "a namespace whose name leaves no room",
      {},
      { namespace: { name: "n".repeat(60) } },
      /at most 56 characters: the provisioner's namespace/,
    ],
  ] as const) {
    it(`refuses ${title}, before anything is registered`, async () => {
      const { error, graph: registered } = await recordFailure(
        program(options as Partial<ProvisionerOptions>, more as Partial<SandboxPlatformArgs>),
      );
      assert.ok(error instanceof ArgumentError, error.message);
      assert.match(error.message, says);
      assert.deepEqual(registered.names(), ["cluster"]);
    });
  }
});
