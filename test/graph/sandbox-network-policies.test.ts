// What SandboxNetworkPolicies registers: which policies there are, their names, parents, providers and rules.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import { SandboxNetworkPolicies, type SandboxNetworkOptions } from "@sandlot/components";

import { record, recordFailure, type Graph, type Plain } from "../support/graph";

function policies(options: SandboxNetworkOptions = {}): Promise<Graph> {
  return record(() => {
    const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
    new SandboxNetworkPolicies("network", { ...options, namespace: "sandlot" }, { provider });
  });
}

const kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
const specOf = (graph: Graph, name: string) => graph.get(name).inputs["spec"] as Record<string, Plain>;
const sandboxes = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "sandbox" };
const shared = { ...sandboxes, "app.kubernetes.io/managed-by": "pulumi" };

describe("SandboxNetworkPolicies' graph", () => {
  it("is a policy for each wall and each profile that opens something, and none for those that do not", async () => {
    assert.deepEqual(
      (await policies())
        .ofType(kind)
        .map(({ name }) => name)
        .sort(),
      ["network-client-egress", "network-clients", "network-deny-all", "network-dns", "network-egress-open"],
    );
    const more = await policies({ allowlist: [{ cidr: "140.82.112.0/20" }] });
    assert.deepEqual(
      more
        .ofType(kind)
        .flatMap(({ urn }) => (urn.includes("egress-") ? [urn] : []))
        .sort(),
      ["allowlist", "open"].map(
        (profile) =>
          `urn:pulumi:test::sandlot::sandlot:index:SandboxNetworkPolicies$${kind}::network-egress-${profile}`,
      ),
    );
  });

  it("is made with the component's provider, under the component, in the namespace", async () => {
    const graph = await policies({ allowlist: [{ cidr: "140.82.112.0/20" }] });
    const component = graph.get("network");
    const provider = `${graph.get("cluster").urn}::cluster-id`;
    for (const policy of graph.ofType(kind)) {
      assert.equal(policy.parent, component.urn, policy.name);
      assert.equal(policy.provider, provider, policy.name);
      assert.equal((policy.inputs["metadata"] as { namespace: string }).namespace, "sandlot");
    }
    assert.deepEqual(component.registered, [{ egressProfiles: ["blocked", "allowlist", "open"] }]);
  });

  it("opens the allow list, by ranges and ports, to the shared pods of its profile", async () => {
    const graph = await policies({
      allowlist: [
        { cidr: "140.82.112.0/20", ports: [{ port: 22 }, { port: 443 }] },
        { cidr: "2606:50c0::/32" },
      ],
    });
    assert.deepEqual(specOf(graph, "network-egress-allowlist"), {
      podSelector: { matchLabels: { ...shared, "sandlot.dev/egress": "allowlist" } },
      policyTypes: ["Egress"],
      egress: [
        {
          to: [{ ipBlock: { cidr: "140.82.112.0/20" } }],
          ports: [
            { protocol: "TCP", port: 22 },
            { protocol: "TCP", port: 443 },
          ],
        },
        { to: [{ ipBlock: { cidr: "2606:50c0::/32" } }], ports: [{ protocol: "TCP", port: 443 }] },
      ],
    });
  });

  it("lets to the DNS the shared sandboxes, of the provisioner's those of profile open, and no other", async () => {
    const graph = await policies();
    const dns = JSON.stringify({ "k8s-app": "kube-dns" });
    const selected = graph
      .ofType(kind)
      .filter(({ inputs }) => JSON.stringify(inputs).includes(dns))
      .map(({ name }) => [name, specOf(graph, name)["podSelector"]]);
    assert.deepEqual(Object.fromEntries(selected), {
      "network-dns": { matchLabels: shared },
      "network-egress-open": { matchLabels: { ...sandboxes, "sandlot.dev/egress": "open" } },
      "network-client-egress": { matchLabels: { "sandlot.dev/sandbox-client": "true" } },
    });
  });

  it("opens a node's DNS cache at port 53 to sandboxes and clients, if one is configured", async () => {
    const addressed = /"cidr":"169\.254/;
    const plain = await policies();
    for (const { name, inputs } of plain.ofType(kind)) {
      const rules = JSON.stringify(inputs).replace(/"except":\[.*?\]/g, "");
      assert.doesNotMatch(rules, addressed, name);
    }
    const graph = await policies({ dns: { nodeLocalAddresses: ["169.254.20.10"] } });
    for (const name of ["network-dns", "network-egress-open", "network-client-egress"]) {
      const rules = specOf(graph, name)["egress"] as { to: unknown[]; ports: unknown[] }[];
      assert.deepEqual(
        rules.filter(({ to }) => addressed.test(JSON.stringify(to).replace(/"except":\[.*?\]/g, ""))),
        [
          {
            to: [{ ipBlock: { cidr: "169.254.20.10/32" } }],
            ports: [
              { protocol: "UDP", port: 53 },
              { protocol: "TCP", port: 53 },
            ],
          },
        ],
        name,
      );
    }
  });

  it("lets in every kind of peer at the sandboxes' port, and nowhere else", async () => {
    const graph = await policies({
      ingressPeers: [
        { podLabels: { role: "gateway" } },
        { namespaceLabels: { team: "agents" } },
        { namespaceLabels: { team: "agents" }, podLabels: { role: "runner" } },
        { cidr: "10.1.2.3/32" },
        { cidr: "fd00::7/128" },
      ],
    });
    assert.deepEqual(specOf(graph, "network-clients")["ingress"], [
      {
        from: [
          { podSelector: { matchLabels: { "sandlot.dev/sandbox-client": "true" } } },
          { podSelector: { matchLabels: { role: "gateway" } } },
          { namespaceSelector: { matchLabels: { team: "agents" } } },
          {
            namespaceSelector: { matchLabels: { team: "agents" } },
            podSelector: { matchLabels: { role: "runner" } },
          },
          { ipBlock: { cidr: "10.1.2.3/32" } },
          { ipBlock: { cidr: "fd00::7/128" } },
        ],
        ports: [{ protocol: "TCP", port: "http" }],
      },
    ]);
  });

  it("shuts cluster ranges that are only known later", async () => {
    const graph = await policies({
      clusterCidrs: [pulumi.output("45.90.28.0/24"), pulumi.output("2a00:1::/32")],
    });
    const [open] = specOf(graph, "network-egress-open")["egress"] as {
      to: { ipBlock: { except: string[] } }[];
    }[];
    const [four = [], six = []] = open?.to.map(({ ipBlock }) => ipBlock.except) ?? [];
    assert.ok(four.includes("45.90.28.0/24"));
    assert.ok(six.includes("2a00:1::/32"));
    assert.ok(!four.includes("2a00:1::/32"), "a family keeps to itself");
  });

  it("registers nothing when an argument is bad", async () => {
    const { error, graph } = await recordFailure(
      () =>
        new SandboxNetworkPolicies("network", {
          namespace: "sandlot",
          allowlist: [{ cidr: "169.254.169.254/32" }, { cidr: "1.1.1.1" }],
          dns: { nodeLocalAddresses: ["169.254.169.254"] },
        }),
    );
    assert.deepEqual(graph.names(), []);
    assert.equal(error.message.split("\n").length, 3, error.message);
  });
});
