// What the platform registers for its egress proxy: names, parents, rights, walls, and what the provisioner is told of it.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import {
  ArgumentError,
  EgressProfile,
  SandboxPlatform,
  type EgressProxyOptions,
  type SandboxPlatformArgs,
} from "@sandlot/components";

import { contains, parseAddress, parseCidr } from "../../components/shared/cidr";
import { record, recordFailure, type Graph } from "../support/graph";

const program = (egressProxy: EgressProxyOptions, more: Partial<SandboxPlatformArgs>) => () => {
  const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
  new SandboxPlatform(
    "sandlot",
    {
      image: "sandlot/sandbox:1.0.0",
      network: { clusterCidrs: ["45.80.0.0/16"] },
      provisioner: { image: "sandlot/provisioner:1.0.0", generateKeys: true },
      egressProxy,
      ...more,
    },
    { provider },
  );
};

const platform = (
  options: EgressProxyOptions = {},
  more: Partial<SandboxPlatformArgs> = {},
): Promise<Graph> => record(program(options, more));

interface Pod {
  spec: {
    containers: { args?: string[]; env: { name: string; value?: string }[]; securityContext: object }[];
  };
}
interface Deployed {
  selector: object;
  template: { spec: { topologySpreadConstraints: { topologyKey: string }[]; affinity: object } };
}
interface Policy {
  metadata: { namespace: string };
  spec: {
    podSelector: { matchLabels?: Record<string, string> };
    ingress?: { from: object[]; ports: object[] }[];
    egress?: { to: { ipBlock?: { cidr: string; except: string[] } }[]; ports?: object[] }[];
  };
}

const containerOf = (graph: Graph, name: string) =>
  (graph.get(name).inputs["spec"] as unknown as { template: Pod }).template.spec.containers[0];
const variablesOf = (graph: Graph, name: string): Record<string, string | undefined> =>
  Object.fromEntries(containerOf(graph, name)?.env.map((each) => [each.name, each.value]) ?? []);
const policyOf = (graph: Graph, suffix: string) =>
  graph.get(`sandlot-egress-proxy-${suffix}`).inputs as unknown as Policy;

const proxyLabels = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "egress-proxy" };
const userLabels = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "sandbox",
  "app.kubernetes.io/managed-by": "sandlot-provisioner",
  "sandlot.dev/egress": "allowlist",
};

describe("the egress proxy's graph", () => {
  let graph: Graph;
  before(async () => {
    graph = await platform();
  });

  it("is a part of the platform, with stable names", () => {
    const proxy = graph.get("sandlot-egress-proxy");
    assert.equal(proxy.parent, graph.get("sandlot").urn);
    assert.deepEqual(
      graph
        .childrenOf(proxy)
        .map(({ name, type }) => `${type.split(":").at(-1) ?? ""} ${name}`)
        .sort(),
      [
        "Deployment sandlot-egress-proxy-deployment",
        "NetworkPolicy sandlot-egress-proxy-api-server",
        "NetworkPolicy sandlot-egress-proxy-dns",
        "NetworkPolicy sandlot-egress-proxy-egress",
        "NetworkPolicy sandlot-egress-proxy-internet",
        "NetworkPolicy sandlot-egress-proxy-sandboxes",
        "PodDisruptionBudget sandlot-egress-proxy-disruption-budget",
        "Role sandlot-egress-proxy-address-role",
        "Role sandlot-egress-proxy-role",
        "RoleBinding sandlot-egress-proxy-address-role-binding",
        "RoleBinding sandlot-egress-proxy-role-binding",
        "Service sandlot-egress-proxy-service",
        "ServiceAccount sandlot-egress-proxy-service-account",
      ],
    );
  });

  it("may see pods and write Events in the sandboxes' namespace, and nothing else", () => {
    const { metadata, rules } = graph.get("sandlot-egress-proxy-role").inputs as unknown as {
      metadata: { namespace: string };
      rules: object[];
    };
    assert.equal(metadata.namespace, "sandlot");
    assert.deepEqual(rules, [
      { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create"] },
    ]);
    assert.deepEqual(graph.get("sandlot-egress-proxy-role-binding").inputs["subjects"], [
      { kind: "ServiceAccount", name: "egress-proxy", namespace: "sandlot-system" },
    ]);
  });

  it("runs the proxy of the provisioner's image, as hardened as that", () => {
    const container = containerOf(graph, "sandlot-egress-proxy-deployment");
    assert.deepEqual(container?.args, ["/app/egress.mjs"]);
    assert.deepEqual(
      container.securityContext,
      containerOf(graph, "sandlot-provisioner-deployment")?.securityContext,
    );
    assert.equal(variablesOf(graph, "sandlot-egress-proxy-deployment")["K8S_NAMESPACE"], "sandlot");
  });

  it("is kept off one node, as the provisioner is, also where nodes know no zone: constraints over zones count for nothing there", () => {
    for (const name of ["sandlot-egress-proxy-deployment", "sandlot-provisioner-deployment"]) {
      const { selector, template } = graph.get(name).inputs["spec"] as unknown as Deployed;
      const keys = template.spec.topologySpreadConstraints.map(({ topologyKey }) => topologyKey);
      assert.deepEqual(keys, ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
      const podAffinityTerm = { topologyKey: "kubernetes.io/hostname", labelSelector: selector };
      assert.deepEqual(template.spec.affinity, {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }],
        },
      });
    }
  });

  it("may reach private ranges that are named, opens them at the proxy, and leaves shut what else is", async () => {
    assert.ok(!graph.names().includes("sandlot-egress-proxy-private"));
    const more = await platform(
      {
        privateCidrs: ["10.20.0.0/16", "172.16.0.0/12"],
        deniedCidrs: ["10.20.7.0/24"],
      },
      { network: { clusterCidrs: ["172.20.0.0/16"] } },
    );
    assert.deepEqual(policyOf(more, "private").spec.egress, [
      {
        to: [
          { ipBlock: { cidr: "10.20.0.0/16", except: ["10.20.7.0/24"] } },
          { ipBlock: { cidr: "172.16.0.0/12", except: ["172.20.0.0/16"] } },
        ],
      },
    ]);
    const denied = variablesOf(more, "sandlot-egress-proxy-deployment")["DENIED_CIDRS"]?.split(",") ?? [];
    const isDenied = (address: string): boolean =>
      denied.some((text) => {
        const [range, one] = [parseCidr(text), parseAddress(address)];
        return range !== undefined && one !== undefined && contains(range, one);
      });
    for (const open of ["10.20.0.1", "10.20.255.255", "172.31.0.1"]) assert.ok(!isDenied(open), open);
    for (const shut of [
      "10.19.255.255",
      "10.21.0.0",
      "10.20.7.1",
      "192.168.0.1",
      "100.100.100.200",
      "fd20:ce::254",
    ])
      assert.ok(isDenied(shut), shut);
  });

  it("lets in no pod but sandboxes of the profile that the provisioner made, and those out to nothing else", () => {
    const { metadata, spec } = policyOf(graph, "sandboxes");
    assert.equal(metadata.namespace, "sandlot-system");
    assert.deepEqual(spec.podSelector.matchLabels, proxyLabels);
    const ports = [{ protocol: "TCP", port: 3128 }];
    const home = { matchLabels: { "kubernetes.io/metadata.name": "sandlot" } };
    assert.deepEqual(spec.ingress, [
      { from: [{ namespaceSelector: home, podSelector: { matchLabels: userLabels } }], ports },
    ]);
    const out = policyOf(graph, "egress");
    assert.equal(out.metadata.namespace, "sandlot");
    assert.deepEqual(out.spec.podSelector.matchLabels, userLabels);
    const system = { matchLabels: { "kubernetes.io/metadata.name": "sandlot-system" } };
    assert.deepEqual(out.spec.egress, [
      { to: [{ namespaceSelector: system, podSelector: { matchLabels: proxyLabels } }], ports },
    ]);
  });

  it("reaches nothing private itself, and is told to refuse it as well", async () => {
    const more = await platform({ deniedCidrs: ["45.90.0.0/16"] });
    const [rule] = policyOf(more, "internet").spec.egress ?? [];
    const shut = rule?.to.flatMap(({ ipBlock }) => ipBlock?.except ?? []) ?? [];
    const denied = variablesOf(more, "sandlot-egress-proxy-deployment")["DENIED_CIDRS"]?.split(",") ?? [];
    for (const range of ["10.0.0.0/8", "169.254.0.0/16", "fc00::/7", "45.80.0.0/16", "45.90.0.0/16"]) {
      assert.ok(shut.includes(range), range);
      assert.ok(denied.includes(range), range);
    }
  });

  it("is the only way out of the profile for those sandboxes, whatever list shared ones have", async () => {
    const more = await platform({}, { network: { allowlist: [{ cidr: "140.82.112.0/20" }] } });
    const selecting = more
      .ofType("kubernetes:networking.k8s.io/v1:NetworkPolicy")
      .filter(({ inputs }) => {
        const { metadata, spec } = inputs as unknown as Policy;
        const labels = Object.entries(spec.podSelector.matchLabels ?? {});
        return (
          metadata.namespace === "sandlot" &&
          (spec.egress ?? []).length > 0 &&
          labels.every(([name, value]) => (userLabels as Record<string, string>)[name] === value)
        );
      })
      .map(({ name }) => name);
    assert.deepEqual(selecting, ["sandlot-egress-proxy-egress"]);
  });

  it("has to be there for an environment of the profile: nothing else would open anything", async () => {
    const { error, graph: registered } = await recordFailure(() => {
      new SandboxPlatform("sandlot", {
        image: "sandlot/sandbox:1.0.0",
        provisioner: { image: "sandlot/provisioner:1.0.0", generateKeys: true },
        environments: [{ name: "tools", egress: EgressProfile.Allowlist }],
      });
    });
    assert.match(String(error), /environments "tools": egress is "allowlist", but egressProxy is not given/);
    assert.deepEqual(registered.names(), []);
  });

  it("is made known to the provisioner, which may then read Events", async () => {
    const url = "http://egress-proxy.sandlot-system.svc.cluster.local:3128";
    assert.equal(variablesOf(graph, "sandlot-provisioner-deployment")["EGRESS_PROXY_URL"], url);
    const rules = (of: Graph) => JSON.stringify(of.get("sandlot-provisioner-role").inputs["rules"]);
    assert.match(rules(graph), /"events"\],"verbs":\["list","watch"\]/);
    const without = await record(() => {
      const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
      const provisioner = { image: "sandlot/provisioner:1.0.0", generateKeys: true };
      new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", provisioner }, { provider });
    });
    assert.equal(variablesOf(without, "sandlot-provisioner-deployment")["EGRESS_PROXY_URL"], undefined);
    assert.doesNotMatch(rules(without), /events/);
  });

  it("lets the provisioner find the address of its Service, and see no other", () => {
    const { metadata, rules } = graph.get("sandlot-egress-proxy-address-role").inputs as unknown as {
      metadata: { namespace: string };
      rules: object[];
    };
    assert.equal(metadata.namespace, "sandlot-system");
    assert.deepEqual(rules, [
      { apiGroups: [""], resources: ["services"], resourceNames: ["egress-proxy"], verbs: ["get"] },
    ]);
    assert.deepEqual(graph.get("sandlot-egress-proxy-address-role-binding").inputs["subjects"], [
      { kind: "ServiceAccount", name: "provisioner", namespace: "sandlot-system" },
    ]);
  });

  it("has no budget where there is one pod alone", async () => {
    const single = await platform({ replicas: 1 });
    assert.deepEqual(
      single
        .childrenOf(single.get("sandlot-egress-proxy"))
        .filter(({ type }) => type.endsWith("PodDisruptionBudget")),
      [],
    );
  });

  for (const [what, options, message] of [
    ["too many replicas", { replicas: 21 }, /replicas is 21/],
    ["a range that is none", { deniedCidrs: ["10.0.0.0"] }, /deniedCidrs\[0\] is "10\.0\.0\.0"/],
    [
      "a private range that is none",
      { privateCidrs: ["10.1.0.0/16", "8.8.8.0/24"] },
      /privateCidrs\[1\] is "8\.8\.8\.0\/24", but must be a range within 10\.0\.0\.0\/8/,
    ],
    [
      "a private range with metadata in it",
      { privateCidrs: ["100.64.0.0/10"] },
      /privateCidrs\[0\] .* a range without 100\.100\.100\.200, which is for instance metadata of Alibaba/,
    ],
    [
      "a private range that is denied as a whole",
      { privateCidrs: ["10.1.2.0/24"], deniedCidrs: ["10.1.0.0/16"] },
      /privateCidrs\[0\] is "10\.1\.2\.0\/24", but deniedCidrs or clusterCidrs has 10\.1\.0\.0\/16/,
    ],
    [
      "a private range where the cluster's own are not known",
      { privateCidrs: ["10.0.0.0/8"] },
      /privateCidrs is given, but clusterCidrs has no private range; give those of the cluster's pods/,
    ],
    ["a level that there is not", { logLevel: "loud" }, /logLevel is "loud".*fatal/],
    [
      "more promised than allowed",
      { resources: { requests: { cpu: "2" } } },
      /resources\.requests\.cpu is "2"/,
    ],
  ] as const) {
    it(`is refused with ${what}, and nothing is registered`, async () => {
      const { error, graph: registered } = await recordFailure(program(options as EgressProxyOptions, {}));
      assert.ok(error instanceof ArgumentError, error.message);
      assert.match(error.message, message);
      assert.deepEqual(registered.names(), ["cluster"]);
    });
  }

  it("is refused without a provisioner", async () => {
    const { error } = await recordFailure(() => {
      new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", egressProxy: {} });
    });
    assert.match(String(error), /egressProxy is given, but provisioner is not/);
  });
});
