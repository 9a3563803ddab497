// What SandboxPlatform and its parts register: names, parents, providers, protection, order, inputs.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import {
  EgressProfile,
  SandboxPlatform,
  SandboxServiceType,
  SandboxUrls,
  SkillsSource,
  type SandboxPlatformArgs,
} from "@sandlot/components";

import { record, recordFailure, type Graph, type Plain, type RecordedResource } from "../support/graph";

const given: SandboxPlatformArgs = {
  image: "sandlot/sandbox:1.0.0",
  skills: { source: SkillsSource.HostPath, hostPath: "/mnt/skills" },
};

/** Registers a platform with a provider of its own, as `infra/` does. */
function platform(args: Partial<SandboxPlatformArgs> = {}): Promise<Graph> {
  return record(() => {
    const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
    new SandboxPlatform("sandlot", { ...given, ...args }, { provider });
  });
}

/** The value at a path such as `spec.template.spec.containers.0.image`. */
function at(resource: RecordedResource, path: string): Plain | undefined {
  let value: unknown = resource.inputs;
  for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value as Plain | undefined;
}

describe("SandboxPlatform's graph", () => {
  let graph: Graph;
  before(async () => {
    graph = await platform();
  });

  it("is made of its parts, each a component of its own", () => {
    const parts = graph.childrenOf(graph.get("sandlot")).map(({ name, type }) => `${name} ${type}`);
    assert.deepEqual(parts.sort(), [
      "sandlot-home sandlot:index:SandboxNamespace",
      "sandlot-network sandlot:index:SandboxNetworkPolicies",
      "sandlot-rbac sandlot:index:SandboxRbac",
      "sandlot-runtime sandlot:index:GvisorRuntime",
      "sandlot-sandbox sandlot:index:SandboxDeployment",
      "sandlot-skills sandlot:index:SkillsStorage",
    ]);
  });

  it("gives every object a stable URN under its part", () => {
    const objects = graph.resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
    const shape = objects.map(({ urn }) => urn.replace("urn:pulumi:test::sandlot::sandlot:index:", ""));
    assert.deepEqual(shape.sort(), [
      "GvisorRuntime$kubernetes:batch/v1:Job::sandlot-runtime-check",
      "GvisorRuntime$kubernetes:node.k8s.io/v1:RuntimeClass::sandlot-runtime-class",
      "SandboxDeployment$kubernetes:apps/v1:Deployment::sandlot-sandbox-deployment",
      "SandboxDeployment$kubernetes:core/v1:Service::sandlot-sandbox-service",
      "SandboxDeployment$kubernetes:policy/v1:PodDisruptionBudget::sandlot-sandbox-disruption-budget",
      "SandboxNamespace$kubernetes:core/v1:LimitRange::sandlot-home-limits",
      "SandboxNamespace$kubernetes:core/v1:Namespace::sandlot-home-namespace",
      "SandboxNamespace$kubernetes:core/v1:ResourceQuota::sandlot-home-quota",
      "SandboxNetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::sandlot-network-client-egress",
      "SandboxNetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::sandlot-network-clients",
      "SandboxNetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::sandlot-network-deny-all",
      "SandboxNetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::sandlot-network-dns",
      "SandboxNetworkPolicies$kubernetes:networking.k8s.io/v1:NetworkPolicy::sandlot-network-egress-open",
      "SandboxRbac$kubernetes:core/v1:ServiceAccount::sandlot-rbac-service-account",
      "SkillsStorage$kubernetes:core/v1:PersistentVolume::sandlot-skills-volume",
      "SkillsStorage$kubernetes:core/v1:PersistentVolumeClaim::sandlot-skills-claim",
    ]);
  });

  it("uses the given provider for every object", () => {
    const provider = `${graph.get("cluster").urn}::cluster-id`;
    const objects = graph.resources.filter(({ type }) => type.startsWith("kubernetes:"));
    assert.ok(objects.length > 10);
    for (const object of objects) assert.equal(object.provider, provider, object.name);
  });

  it("puts every namespaced object into the namespace, which waits for nothing", () => {
    const clusterWide = ["Namespace", "PersistentVolume", "RuntimeClass"];
    for (const object of graph.resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      const kind = object.type.split(":").at(-1) ?? "";
      assert.equal(
        at(object, "metadata.namespace"),
        clusterWide.includes(kind) ? undefined : "sandlot",
        object.name,
      );
    }
  });

  it("puts up every wall before the first pod", () => {
    const deployment = graph.get("sandlot-sandbox-deployment");
    for (const part of [
      "sandlot-home",
      "sandlot-network",
      "sandlot-rbac",
      "sandlot-runtime",
      "sandlot-skills",
    ]) {
      assert.ok(graph.comesAfter(deployment, graph.get(part)), `${part} is there before pods are`);
    }
  });

  it("tells what it made", () => {
    assert.deepEqual(graph.get("sandlot").registered, [
      {
        namespace: "sandlot",
        deploymentName: "sandbox",
        serviceName: "sandbox",
        serviceUrl: "http://sandbox.sandlot.svc.cluster.local:8080",
        runtimeClassName: "gvisor",
        egressProfiles: ["blocked", "allowlist", "open"],
      },
    ]);
  });

  it("protects nothing but a namespace that is asked to be, and keeps no volume unless asked to", async () => {
    assert.deepEqual(
      graph.resources.filter(({ protect, retainOnDelete }) => protect || retainOnDelete),
      [],
    );
    const careful = await platform({
      namespace: { protect: true },
      skills: { hostPath: "/mnt/skills", retain: true },
    });
    const names = (pick: (each: RecordedResource) => boolean) =>
      careful.resources.filter(pick).map(({ name }) => name);
    assert.deepEqual(
      names(({ protect }) => protect),
      ["sandlot-home-namespace"],
    );
    assert.deepEqual(names(({ retainOnDelete }) => retainOnDelete).sort(), [
      "sandlot-skills-claim",
      "sandlot-skills-volume",
    ]);
  });

  it("leaves out skills and gVisor where they are not wanted", async () => {
    const plainer = await platform({ skills: undefined, gvisor: false });
    assert.equal(plainer.has("sandlot-skills"), false);
    assert.equal(plainer.has("sandlot-runtime"), false);
    const deployment = plainer.get("sandlot-sandbox-deployment");
    assert.equal(at(deployment, "spec.template.spec.runtimeClassName"), undefined);
    assert.doesNotMatch(JSON.stringify(deployment.inputs), /skills/);
    assert.equal(plainer.get("sandlot").registered[0]?.["runtimeClassName"], undefined);
  });

  it("mounts a claim that is there already", async () => {
    const existing = await platform({
      skills: { source: SkillsSource.ExistingClaim, existingClaim: "team-skills" },
    });
    assert.equal(existing.ofType("kubernetes:core/v1:PersistentVolume").length, 0);
    const volumes = at(existing.get("sandlot-sandbox-deployment"), "spec.template.spec.volumes") as {
      name: string;
    }[];
    assert.deepEqual(
      volumes.find(({ name }) => name === "skills"),
      { name: "skills", persistentVolumeClaim: { claimName: "team-skills", readOnly: true } },
    );
  });

  it("registers nothing when any part's argument is bad, and names them all", async () => {
    const { error, graph: nothing } = await recordFailure(
      () =>
        new SandboxPlatform("sandlot", {
          ...given,
          image: "sandbox:latest",
          namespace: { name: "kube-system" },
          skills: { hostPath: "skills" },
          network: { clusterCidrs: ["10.0.0.0"] },
          deployment: { replicas: -1 },
        }),
    );
    assert.deepEqual(nothing.names(), []);
    const fields = error.message.split("\n").map((line) => /^\w+ "[\w-]+": (\S+)/.exec(line)?.[1]);
    assert.deepEqual(fields, ["name", "clusterCidrs[0]", "hostPath", "replicas", "image"]);
  });

  it("refuses parts that do not fit together", async () => {
    const { error } = await recordFailure(
      () =>
        new SandboxPlatform("sandlot", {
          ...given,
          namespace: { quota: { pods: 3 }, limits: { maximum: { memory: "1Gi" } } },
          deployment: { replicas: 3, resources: { limits: { memory: "2Gi" } } },
        }),
    );
    assert.match(
      error.message,
      /deployment\.resources\.limits\.memory is "2Gi", but the namespace allows at most "1Gi"/,
    );
    assert.match(error.message, /deployment\.replicas is 3, but the namespace's quota is 3 pods/);
  });

  const beyondQuota: [title: string, args: Partial<SandboxPlatformArgs>, says: RegExp][] = [
    [
      "shared sandboxes and pools together",
      {
        deployment: { replicas: 2, resources: { limits: { cpu: "1500m" } } },
        environments: [{ name: "tools", poolSize: 3, resources: { limits: { cpu: "500m" } } }],
        namespace: { quota: { limitsCpu: "4" } },
      },
      /deployment\.replicas is 2, poolSize of environment "tools" is 3: their limits of cpu are "4\.5" in all, but the namespace's quota is "4"; lower one or raise namespace\.quota\.limitsCpu\.$/,
    ],
    [
      "the least that an autoscaler keeps",
      {
        deployment: { autoscaling: { minReplicas: 3, maxReplicas: 6 } },
        namespace: { quota: { requestsMemory: "256Mi" } },
      },
      /deployment\.autoscaling\.minReplicas is 3: their requests of memory are "384Mi" in all, but the namespace's quota is "256Mi"/,
    ],
    [
      "idle pods alone",
      { deployment: { replicas: 1 }, environments: [{ name: "tools", poolSize: 50 }] },
      /poolSize of environment "tools" is 50: 51 pods in all, but the namespace's quota is 50/,
    ],
    [
      "idle pods, as many as there may be",
      {
        deployment: { replicas: 1 },
        environments: [{ name: "tools", poolAutoscaling: { min: 2, max: 50 } }],
      },
      /poolAutoscaling\.max of environment "tools" is 50: 51 pods in all, but the namespace's quota is 50/,
    ],
  ];
  for (const [title, args, says] of beyondQuota) {
    it(`refuses what would be missing for good because the quota has no room for it: ${title}`, async () => {
      const { error, graph: nothing } = await recordFailure(
        () => new SandboxPlatform("sandlot", { ...given, ...args }),
      );
      assert.match(error.message, says);
      assert.deepEqual(nothing.names(), []);
    });
  }

  it("registers passwords of environments as secrets, whoever forgot to say so", async () => {
    const repository = "registry.example.com/team";
    const pushCredentials = { username: "ci", password: "push-word" };
    const pullCredentials = { username: "node", password: "pull-word" };
    const registry = { repository, pushCredentials, pullCredentials };
    const graph = await platform({ environments: [{ name: "tools", build: {}, registry }] });
    assert.deepEqual(
      graph.get("sandlot").secretInputs.filter((path) => path.includes("registry")),
      ["pull", "push"].map((which) => `environments[0].registry.${which}Credentials.password`),
    );
  });

  it("has no alerts for shared sandboxes where there are none", async () => {
    const groups = async (deployment: SandboxPlatformArgs["deployment"]): Promise<string[]> => {
      const graph = await platform({ deployment, observability: {} });
      const { data } = graph.get("sandlot-observability-rules").inputs as { data: Record<string, string> };
      return (JSON.parse(data["sandlot.rules.yaml"] ?? "") as { groups: { name: string }[] }).groups.map(
        ({ name }) => name,
      );
    };
    assert.deepEqual(await groups({ replicas: 1 }), ["sandlot-sandboxes"]);
    assert.deepEqual(await groups({ replicas: 0 }), []);
  });

  it("admits what fills the quota exactly", async () => {
    const full = await platform({
      deployment: { replicas: 1, resources: { limits: { cpu: "100m" }, requests: { cpu: "100m" } } },
      environments: [
        {
          name: "tools",
          poolSize: 2,
          resources: { limits: { cpu: "100m" }, requests: { cpu: "100m" } },
        },
      ],
      namespace: { quota: { limitsCpu: "300m", requestsCpu: "0.3" } },
    });
    assert.notEqual(full.ofType("kubernetes:apps/v1:Deployment").length, 0);
  });

  it("has room for a Service of each sandbox where each has one, and refuses a quota that has none", async () => {
    const byDefault = {
      ...{ image: "sandlot/provisioner:1.0.0", generateKeys: true },
      sandboxUrls: SandboxUrls.ClusterIp,
    };
    const provisioner = { ...byDefault, maxSandboxes: 30 };
    const services = async (args: Partial<SandboxPlatformArgs>) =>
      at((await platform(args)).get("sandlot-home-quota"), "spec.hard.services");
    assert.equal(await services({}), "20");
    assert.equal(await services({ provisioner: { ...provisioner, sandboxUrls: SandboxUrls.Router } }), "20");
    assert.equal(await services({ provisioner, namespace: { quota: { pods: 70 } } }), "90");
    assert.equal(await services({ provisioner, namespace: { quota: { services: 41 } } }), "41");
    // The provisioner's own bound is 500.
    const quota = { pods: 600, services: 511 };
    assert.equal(await services({ provisioner: byDefault, namespace: { quota } }), "511");
    for (const [quota, says] of [
      [
        { services: 40 },
        /namespace\.quota\.services is 40, .*30 sandboxes \(provisioner\.maxSandboxes\).*raise it to 41/,
      ],
      [{ services: 20, pods: 25 }, /25 sandboxes \(namespace\.quota\.pods\).*raise it to 36/],
    ] as const) {
      const { error } = await recordFailure(
        () => new SandboxPlatform("sandlot", { ...given, provisioner, namespace: { quota } }),
      );
      assert.match(error.message, says);
    }
  });

  it("has room for a port of the nodes for each sandbox where each has one, and refuses a quota that has none", async () => {
    const provisioner = {
      ...{ image: "sandlot/provisioner:1.0.0", generateKeys: true, maxSandboxes: 30 },
      ...{ sandboxUrls: SandboxUrls.NodePort, nodeHost: "10.0.0.7" },
    };
    const hard = async (args: Partial<SandboxPlatformArgs>) => {
      const quota = at((await platform(args)).get("sandlot-home-quota"), "spec.hard") as Record<
        string,
        string
      >;
      return [quota["services"], quota["services.nodeports"]];
    };
    assert.deepEqual(await hard({}), ["20", "1"]);
    assert.deepEqual(await hard({ provisioner, namespace: { quota: { pods: 70 } } }), ["90", "81"]);
    assert.deepEqual(await hard({ provisioner, namespace: { quota: { nodePorts: 41 } } }), ["70", "41"]);
    const { error } = await recordFailure(
      () =>
        new SandboxPlatform("sandlot", { ...given, provisioner, namespace: { quota: { nodePorts: 40 } } }),
    );
    assert.match(
      error.message,
      /namespace\.quota\.nodePorts is 40, but provisioner\.sandboxUrls is NodePort, .*raise it to 41/,
    );
  });

  it("admits an address that is only known later", async () => {
    const later = await platform({ network: { ingressPeers: [{ cidr: pulumi.output("172.18.0.1/32") }] } });
    assert.deepEqual(at(later.get("sandlot-network-clients"), "spec.ingress.0.from"), [
      { podSelector: { matchLabels: { "sandlot.dev/sandbox-client": "true" } } },
      { ipBlock: { cidr: "172.18.0.1/32" } },
    ]);
  });
});

describe("SandboxNamespace's objects", () => {
  it("let in restricted pods only, by a pinned version", async () => {
    const namespace = (await platform()).get("sandlot-home-namespace");
    assert.deepEqual(at(namespace, "metadata.labels"), {
      "app.kubernetes.io/name": "sandlot",
      "app.kubernetes.io/component": "sandbox",
      "app.kubernetes.io/managed-by": "pulumi",
      "pod-security.kubernetes.io/enforce": "restricted",
      "pod-security.kubernetes.io/enforce-version": "v1.34",
      "pod-security.kubernetes.io/audit": "restricted",
      "pod-security.kubernetes.io/audit-version": "v1.34",
      "pod-security.kubernetes.io/warn": "restricted",
      "pod-security.kubernetes.io/warn-version": "v1.34",
    });
  });

  it("bound everything together and each container", async () => {
    const graph = await platform({ namespace: { quota: { pods: 7 } } });
    assert.equal(at(graph.get("sandlot-home-quota"), "spec.hard.pods"), "7");
    assert.equal(
      (at(graph.get("sandlot-home-quota"), "spec.hard") as Record<string, string>)[
        "limits.ephemeral-storage"
      ],
      "128Gi",
    );
    assert.deepEqual(at(graph.get("sandlot-home-limits"), "spec.limits"), [
      {
        type: "Container",
        default: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" },
        defaultRequest: { cpu: "100m", memory: "128Mi", "ephemeral-storage": "256Mi" },
        max: { cpu: "4", memory: "8Gi", "ephemeral-storage": "16Gi" },
      },
    ]);
  });
});

describe("SandboxNetworkPolicies' objects", () => {
  const sandboxes = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "sandbox" };
  let graph: Graph;
  before(async () => {
    graph = await platform();
  });

  it("deny everything both ways for every pod of the namespace", () => {
    assert.deepEqual(at(graph.get("sandlot-network-deny-all"), "spec"), {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
  });

  it("let shared sandboxes ask the cluster's DNS and nobody else on port 53", () => {
    const ports = [
      { protocol: "UDP", port: 53 },
      { protocol: "TCP", port: 53 },
    ];
    const to = [
      {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
        podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
      },
    ];
    assert.deepEqual(at(graph.get("sandlot-network-dns"), "spec"), {
      podSelector: { matchLabels: { ...sandboxes, "app.kubernetes.io/managed-by": "pulumi" } },
      policyTypes: ["Egress"],
      egress: [{ to, ports }],
    });
    // Others have it where they may reach the internet anyway.
    assert.deepEqual(at(graph.get("sandlot-network-egress-open"), "spec.egress.1"), { to, ports });
  });

  it("let in labelled pods of the namespace, at the sandboxes' port only", () => {
    assert.deepEqual(at(graph.get("sandlot-network-clients"), "spec"), {
      podSelector: { matchLabels: sandboxes },
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: { "sandlot.dev/sandbox-client": "true" } } }],
          ports: [{ protocol: "TCP", port: "http" }],
        },
      ],
    });
  });

  it("open the internet only to pods of profile open, less every private range and the cluster's own", async () => {
    const wider = await platform({ network: { clusterCidrs: ["203.0.114.0/24", "2a00:1::/32"] } });
    const policy = wider.get("sandlot-network-egress-open");
    assert.deepEqual(at(policy, "spec.podSelector.matchLabels"), {
      ...sandboxes,
      "sandlot.dev/egress": "open",
    });
    const blocks = at(policy, "spec.egress.0.to") as { ipBlock: { cidr: string; except: string[] } }[];
    assert.deepEqual(
      blocks.map(({ ipBlock }) => ipBlock.cidr),
      ["0.0.0.0/0", "::/0"],
    );
    const [four, six] = blocks.map(({ ipBlock }) => ipBlock.except);
    for (const range of [
      "10.0.0.0/8",
      "172.16.0.0/12",
      "192.168.0.0/16",
      "169.254.0.0/16",
      "100.64.0.0/10",
      "127.0.0.0/8",
      "203.0.114.0/24",
    ]) {
      assert.ok(four?.includes(range), range);
    }
    for (const range of ["fc00::/7", "fe80::/10", "::/96", "64:ff9b::/96", "2a00:1::/32"]) {
      assert.ok(six?.includes(range), range);
    }
  });
});

describe("SandboxRbac's object", () => {
  it("is an account without a token and without any role", async () => {
    const graph = await platform();
    assert.equal(graph.get("sandlot-rbac-service-account").inputs["automountServiceAccountToken"], false);
    assert.deepEqual(
      graph.resources.filter(({ type }) => type.includes("rbac.authorization.k8s.io")),
      [],
    );
  });
});

describe("SkillsStorage's objects", () => {
  it("are a read-only folder of the node and a claim, pinned to each other", async () => {
    const graph = await platform();
    const [volume, claim] = [graph.get("sandlot-skills-volume"), graph.get("sandlot-skills-claim")];
    const claimName = at(claim, "metadata.name");
    assert.deepEqual(at(volume, "spec"), {
      accessModes: ["ReadOnlyMany"],
      capacity: { storage: "1Gi" },
      claimRef: { namespace: "sandlot", name: claimName },
      hostPath: { path: "/mnt/skills", type: "Directory" },
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "sandlot-skills",
    });
    assert.deepEqual(at(claim, "spec"), {
      accessModes: ["ReadOnlyMany"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: "sandlot-skills",
      volumeName: at(volume, "metadata.name"),
    });
  });

  it("get other names with another folder, so that pods move over before the old pair goes", async () => {
    const name = async (hostPath: string) =>
      at((await platform({ skills: { hostPath } })).get("sandlot-skills-claim"), "metadata.name");
    assert.equal(await name("/mnt/skills"), await name("/mnt/skills"));
    assert.notEqual(await name("/mnt/skills"), await name("/mnt/other"));
  });
});

describe("SandboxDeployment's objects", () => {
  let deployment: RecordedResource;
  let graph: Graph;
  before(async () => {
    graph = await platform();
    deployment = graph.get("sandlot-sandbox-deployment");
  });

  it("run two replicas in gVisor as an account without a token", () => {
    assert.equal(at(deployment, "spec.replicas"), 2);
    const pod = at(deployment, "spec.template.spec") as Record<string, Plain>;
    assert.equal(pod["runtimeClassName"], "gvisor");
    assert.equal(pod["serviceAccountName"], "sandbox");
    assert.equal(pod["automountServiceAccountToken"], false);
    assert.equal(pod["enableServiceLinks"], false);
  });

  it("meet Pod Security restricted, and more", () => {
    assert.deepEqual(at(deployment, "spec.template.spec.securityContext"), {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    });
    assert.deepEqual(at(deployment, "spec.template.spec.containers.0.securityContext"), {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  it("can write to three bounded places and read skills", () => {
    assert.deepEqual(at(deployment, "spec.template.spec.containers.0.volumeMounts"), [
      { name: "home", mountPath: "/home/sandbox", readOnly: false },
      { name: "tmp", mountPath: "/tmp", readOnly: false },
      { name: "user-data", mountPath: "/mnt/user-data", readOnly: false },
      { name: "skills", mountPath: "/mnt/skills", readOnly: true },
    ]);
    const volumes = at(deployment, "spec.template.spec.volumes") as Record<string, Plain>[];
    assert.deepEqual(volumes.slice(0, 3), [
      { name: "home", emptyDir: { sizeLimit: "256Mi" } },
      { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
      { name: "user-data", emptyDir: { sizeLimit: "512Mi" } },
    ]);
  });

  it("are probed where the API says that it is alive, often while they start", () => {
    const httpGet = { path: "/v1/sandbox", port: "http" };
    const container = at(deployment, "spec.template.spec.containers.0") as Record<string, Plain>;
    const timing = { initialDelaySeconds: 0, timeoutSeconds: 3, failureThreshold: 3 };
    assert.deepEqual(container["startupProbe"], {
      httpGet,
      ...timing,
      periodSeconds: 1,
      failureThreshold: 120,
    });
    assert.deepEqual(container["readinessProbe"], { httpGet, ...timing, periodSeconds: 5 });
    assert.deepEqual(container["livenessProbe"], { httpGet, ...timing, periodSeconds: 10 });
  });

  it("are bounded in CPU, memory and disk", () => {
    assert.deepEqual(at(deployment, "spec.template.spec.containers.0.resources"), {
      requests: { cpu: "100m", memory: "128Mi", "ephemeral-storage": "256Mi" },
      limits: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" },
    });
  });

  it("are replaced one by one, never leaving fewer than there should be, and spread where they can be", () => {
    assert.deepEqual(at(deployment, "spec.strategy"), {
      type: "RollingUpdate",
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    });
    const constraints = at(deployment, "spec.template.spec.topologySpreadConstraints") as Record<
      string,
      Plain
    >[];
    assert.deepEqual(
      constraints.map(({ topologyKey, whenUnsatisfiable }) => [topologyKey, whenUnsatisfiable]),
      [
        ["topology.kubernetes.io/zone", "ScheduleAnyway"],
        ["kubernetes.io/hostname", "ScheduleAnyway"],
      ],
    );
  });

  it("reach nothing by default, and what their profile says otherwise", async () => {
    const label = (each: Graph) =>
      (at(each.get("sandlot-sandbox-deployment"), "spec.template.metadata.labels") as Record<string, string>)[
        "sandlot.dev/egress"
      ];
    assert.equal(label(graph), "blocked");
    assert.equal(label(await platform({ deployment: { egress: EgressProfile.Open } })), "open");
  });

  it("are selected by a label of their own, so that other sandboxes are left alone", () => {
    const selector = {
      "app.kubernetes.io/name": "sandlot",
      "app.kubernetes.io/component": "sandbox",
      "app.kubernetes.io/instance": "sandbox",
    };
    assert.deepEqual(at(deployment, "spec.selector.matchLabels"), selector);
    assert.deepEqual(at(graph.get("sandlot-sandbox-service"), "spec.selector"), selector);
    assert.deepEqual(
      at(graph.get("sandlot-sandbox-disruption-budget"), "spec.selector.matchLabels"),
      selector,
    );
    const labels = at(deployment, "spec.template.metadata.labels") as Record<string, string>;
    for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value);
  });

  it("are reached inside the cluster, each client at one pod", () => {
    assert.deepEqual(at(graph.get("sandlot-sandbox-service"), "spec"), {
      type: "ClusterIP",
      selector: at(deployment, "spec.selector.matchLabels"),
      ports: [{ name: "http", port: 8080, targetPort: "http", protocol: "TCP" }],
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    });
  });

  it("are reached from outside only if asked, with callers' addresses kept for the network policies", async () => {
    const open = await platform({
      deployment: { service: { type: SandboxServiceType.NodePort, nodePort: 30080 } },
    });
    const service = open.get("sandlot-sandbox-service");
    assert.equal(at(service, "spec.type"), "NodePort");
    assert.equal(at(service, "spec.ports.0.nodePort"), 30080);
    assert.equal(at(service, "spec.externalTrafficPolicy"), "Local");
    assert.equal(open.get("sandlot").registered[0]?.["nodePort"], 30080);
  });

  it("keep one of two through evictions; a single one has no budget unless asked", async () => {
    assert.equal(at(graph.get("sandlot-sandbox-disruption-budget"), "spec.minAvailable"), 1);
    assert.equal(
      (await platform({ deployment: { replicas: 1 } })).has("sandlot-sandbox-disruption-budget"),
      false,
    );
    const half = await platform({ deployment: { disruption: { maxUnavailable: "50%" } } });
    assert.equal(at(half.get("sandlot-sandbox-disruption-budget"), "spec.maxUnavailable"), "50%");
    assert.equal(at(half.get("sandlot-sandbox-disruption-budget"), "spec.minAvailable"), undefined);
  });

  it("take environment variables, secrets of registries and no affinity when told so", async () => {
    const told = await platform({
      deployment: {
        env: [{ name: "LANG", value: pulumi.output("C.UTF-8") }],
        imagePullSecrets: ["registry"],
        service: { clientAffinitySeconds: 0 },
        spread: false,
      },
    });
    const pod = told.get("sandlot-sandbox-deployment");
    assert.deepEqual(at(pod, "spec.template.spec.containers.0.env"), [
      { name: "HOME", value: "/home/sandbox" },
      { name: "LANG", value: "C.UTF-8" },
    ]);
    assert.deepEqual(at(pod, "spec.template.spec.imagePullSecrets"), [{ name: "registry" }]);
    assert.equal(at(pod, "spec.template.spec.affinity"), undefined);
    assert.equal(at(told.get("sandlot-sandbox-service"), "spec.sessionAffinity"), "None");
  });
});

describe("GvisorRuntime's object", () => {
  it("names the handler, and overhead and nodes only if told", async () => {
    const plainClass = (await platform()).get("sandlot-runtime-class");
    assert.equal(plainClass.inputs["handler"], "runsc");
    assert.equal(at(plainClass, "metadata.name"), "gvisor");
    assert.equal(plainClass.inputs["overhead"], undefined);
    assert.equal(plainClass.inputs["scheduling"], undefined);
    const told = await platform({
      runtime: {
        overhead: { cpu: "50m", memory: "64Mi" },
        nodeSelector: { "sandbox.gke.io/runtime": "gvisor" },
        tolerations: [{ key: "sandbox.gke.io/runtime", value: "gvisor" }],
      },
    });
    assert.deepEqual(told.get("sandlot-runtime-class").inputs["overhead"], {
      podFixed: { cpu: "50m", memory: "64Mi" },
    });
    assert.deepEqual(told.get("sandlot-runtime-class").inputs["scheduling"], {
      nodeSelector: { "sandbox.gke.io/runtime": "gvisor" },
      tolerations: [{ key: "sandbox.gke.io/runtime", operator: "Equal", value: "gvisor" }],
    });
  });
});
