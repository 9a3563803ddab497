// The three egress profiles side by side, with an allow list and a DNS cache on the node, tried from inside pods in a namespace of
// the test's own. The policies are those that the component makes. Each target is first shown to answer somebody else.
import assert from "node:assert/strict";

import { SandboxNetworkPolicies } from "@sandlot/components";
import { execa } from "execa";

import { eventually, kubectl, node } from "../support/cluster.js";
import { applyAll, manifestsOf, namespaceManifest } from "../support/manifests.js";
import {
  apply,
  internet,
  makeTargets,
  removeTargets,
  standInPort,
  standIns,
  targetNamespace,
  testPod,
} from "../support/targets.js";

const place = "sandlot-test-egress";
/** A second public address on the node's loopback device, which is not on the list. */
const unlisted = "45.90.202.1";
const dnsCache = "169.254.20.10";
const unlistedPort = 8098;
const page = /hello/;

const provisionedPrefix = "provisioned-";
const profiles = ["blocked", "allowlist", "open"] as const;
type Profile = (typeof profiles)[number];

/** A pod in the node's own network that serves the page at an address and port of the node. */
function nodeServer(name: string, listen: string) {
  const pod = testPod(name, targetNamespace, { app: name }, 1, true);
  const container = pod.spec.containers[0];
  assert.ok(container);
  // Port 53 is for root alone, and the test's own namespace lets it.
  const root = { runAsUser: 0, runAsNonRoot: false, readOnlyRootFilesystem: true };
  const command = ["httpd", "-f", "-p", listen, "-h", "/www"];
  return { ...pod, spec: { ...pod.spec, containers: [{ ...container, command, securityContext: root }] } };
}

describe("egress profiles", () => {
  /** Whether a pod gets the page from there. */
  async function gets(pod: string, namespace: string, host: string, port: number): Promise<boolean> {
    const command = ["timeout", "3", "wget", "-q", "-O", "-", `http://${host}:${port}/`];
    const { ok, output } = await kubectl("exec", "-n", namespace, pod, "--", ...command);
    return ok && page.test(output);
  }

  /** Which of the profiles reach a place: of shared sandboxes, or of those that the provisioner makes. */
  async function reachedBy(host: string, port: number, prefix = ""): Promise<Profile[]> {
    const reached = await Promise.all(profiles.map((profile) => gets(prefix + profile, place, host, port)));
    return profiles.filter((_, i) => reached[i]);
  }

  before(async function () {
    this.timeout(240_000);
    await makeTargets();
    for (const address of [unlisted, dnsCache])
      await execa("docker", ["exec", node, "ip", "address", "replace", `${address}/32`, "dev", "lo"]);
    await apply([
      nodeServer("other-server", `0.0.0.0:${unlistedPort}`),
      nodeServer("dns-cache", `${dnsCache}:53`),
    ]);
    await applyAll([namespaceManifest(place)]);
    await applyAll(
      await manifestsOf(
        () =>
          new SandboxNetworkPolicies("network", {
            namespace: place,
            allowlist: [
              { cidr: `${internet}/32`, ports: [{ port: standInPort }] },
              {
                cidr: `${standIns["private 10.0.0.0/8"]}/32`,
                ports: [{ port: standInPort }],
                allowPrivate: true,
              },
            ],
            dns: { nodeLocalAddresses: [dnsCache] },
            ingressPeers: [{ podLabels: { role: "gateway" } }],
          }),
      ),
    );
    const common = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "sandbox" };
    const sandbox = { ...common, "app.kubernetes.io/managed-by": "pulumi" };
    const provisioned = { ...common, "app.kubernetes.io/managed-by": "sandlot-provisioner" };
    const served = testPod("served", place, sandbox, 8080);
    Object.assign(served.spec.containers[0] ?? {}, { ports: [{ name: "http", containerPort: 8080 }] });
    await apply([
      ...profiles.map((profile) => testPod(profile, place, { ...sandbox, "sandlot.dev/egress": profile })),
      ...profiles.map((profile) =>
        testPod(provisionedPrefix + profile, place, { ...provisioned, "sandlot.dev/egress": profile }),
      ),
      testPod("misspelt", place, { ...sandbox, "sandlot.dev/egress": "opne" }),
      testPod("gateway", place, { role: "gateway" }),
      served,
    ]);
  });

  after(async function () {
    this.timeout(120_000);
    await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=true", "--timeout=60s");
    await removeTargets();
    for (const address of [unlisted, dnsCache])
      await execa("docker", ["exec", node, "ip", "address", "del", `${address}/32`, "dev", "lo"], {
        reject: false,
      });
  });

  it("the targets answer those who are not walled in", async () => {
    for (const [host, port] of [
      ...[internet, unlisted, ...Object.values(standIns)].map((address) => [address, standInPort] as const),
      [internet, unlistedPort],
      [dnsCache, 53],
      [dnsCache, standInPort],
    ] as const) {
      assert.ok(await gets("anybody", targetNamespace, host, port), `${host}:${port}`);
    }
  });

  it("a listed range is reached by allowlist and open, at its port", async () => {
    assert.deepEqual(await reachedBy(internet, standInPort), ["allowlist", "open"]);
  });

  it("a listed range opens nothing to the provisioner's sandboxes, whose own rules it would lead around", async () => {
    assert.deepEqual(await reachedBy(internet, standInPort, provisionedPrefix), ["open"]);
    assert.deepEqual(await reachedBy(standIns["private 10.0.0.0/8"], standInPort, provisionedPrefix), []);
  });

  it("another port of a listed range is reached by open alone", async () => {
    assert.deepEqual(await reachedBy(internet, unlistedPort), ["open"]);
  });

  it("the rest of the internet is reached by open alone", async () => {
    assert.deepEqual(await reachedBy(unlisted, standInPort), ["open"]);
  });

  it("a private address is reached by allowlist where the list says allowPrivate, and by no other profile", async () => {
    assert.deepEqual(await reachedBy(standIns["private 10.0.0.0/8"], standInPort), ["allowlist"]);
    assert.deepEqual(await reachedBy(standIns["private 10.0.0.0/8"], unlistedPort), []);
  });

  for (const [what, address] of Object.entries(standIns).filter(([name]) => name !== "private 10.0.0.0/8")) {
    it(`${what} (${address}) is reached by no profile`, async () => {
      assert.deepEqual(await reachedBy(address, standInPort), []);
    });
  }

  it("the node's DNS cache is reached at port 53, by every profile of shared sandboxes and by none but open of others", async () => {
    assert.deepEqual(await reachedBy(dnsCache, 53), ["blocked", "allowlist", "open"]);
    assert.deepEqual(await reachedBy(dnsCache, 53, provisionedPrefix), ["open"]);
    assert.deepEqual(await reachedBy(dnsCache, standInPort, provisionedPrefix), []);
    assert.deepEqual(await reachedBy(dnsCache, standInPort), []);
  });

  it("a profile that is misspelt reaches nothing", async () => {
    assert.equal(await gets("misspelt", place, internet, standInPort), false);
    assert.ok(await gets("misspelt", place, dnsCache, 53), "it is alive, and asks its DNS");
  });

  it("names are looked up by every profile of shared sandboxes, and by none but open of the provisioner's", async () => {
    const looksUp = async (pod: string): Promise<boolean> => {
      const command = ["timeout", "5", "nslookup", "kubernetes.default.svc.cluster.local."];
      return (await kubectl("exec", "-n", place, pod, "--", ...command)).ok;
    };
    for (const [prefix, expected] of [
      ["", ["blocked", "allowlist", "open"]],
      [provisionedPrefix, ["open"]],
    ] as const) {
      const found = await Promise.all(profiles.map((profile) => looksUp(prefix + profile)));
      assert.deepEqual(
        profiles.filter((_, i) => found[i]),
        expected,
        prefix,
      );
    }
  });

  it("a peer by labels calls a sandbox, and a pod without them does not", async () => {
    const { output: address } = await kubectl(
      "get",
      "pod",
      "-n",
      place,
      "served",
      "-o",
      "jsonpath={.status.podIP}",
    );
    assert.equal(await gets("blocked", place, address, 8080), false);
    // The gateway's own way out is shut by the namespace's default, so that it is opened as its owner would.
    const egress = {
      podSelector: { matchLabels: { role: "gateway" } },
      policyTypes: ["Egress"],
      egress: [{}],
    };
    const policy = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "gateway-out", namespace: place },
      spec: egress,
    };
    await applyAll([policy]);
    await eventually("the gateway's call", () => gets("gateway", place, address, 8080), 20);
  });

  it("a pod moves between the profiles by its label", async () => {
    const relabel = (profile: Profile) =>
      kubectl("label", "pod", "-n", place, "blocked", `sandlot.dev/egress=${profile}`, "--overwrite");
    await relabel("allowlist");
    await eventually("the list", () => gets("blocked", place, internet, standInPort), 20);
    assert.equal(await gets("blocked", place, unlisted, standInPort), false);
    await relabel("blocked");
    await eventually("the wall", async () => !(await gets("blocked", place, internet, standInPort)), 20);
  });
});
