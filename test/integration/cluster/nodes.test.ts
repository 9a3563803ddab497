// A cluster of several nodes, on a stack of its own: what one node cannot show. Pods are spread over the nodes, reach each
// other across them where policies let them and nowhere else, move when a node is drained or lost, and nodes come and go.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import {
  eventually,
  mustMake as make,
  namespace,
  projectRoot,
  sharedSandboxSelector,
  type MakeResult,
} from "../support/cluster.js";
import { itHandsOutSandboxes } from "./sandboxes-on-nodes.js";

const stack = "nodes";
const server = `sandlot-${stack}`;
const agent = `${server}-agent-1`;
const endpoint = "http://127.0.0.1:38080";
const provisioner = "http://127.0.0.1:38081";

/** The part of a Pod that is looked at. */
interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName?: string; containers: { image: string }[] };
  status: { podIP?: string; conditions?: { type: string; status: string }[] };
}

const mustMake = (target: string, variables: Record<string, string> = {}): Promise<MakeResult> =>
  make(target, { STACK: stack, ...variables });

/** Runs kubectl on the server; its output, or undefined when it fails. */
async function tryKubectl(args: readonly string[], input = ""): Promise<string | undefined> {
  const { failed, stdout } = await execa("docker", ["exec", "-i", server, "kubectl", ...args], {
    input,
    reject: false,
  });
  return failed ? undefined : stdout;
}

/** Runs kubectl on the server; a failure fails the test with its words. */
async function kubectl(...args: string[]): Promise<string> {
  return (await execa("docker", ["exec", server, "kubectl", ...args])).stdout;
}

async function nodeNames(): Promise<string[]> {
  return (await kubectl("get", "nodes", "--output", "jsonpath={.items[*].metadata.name}")).split(" ");
}

async function isReady(node: string): Promise<boolean> {
  const path = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`;
  return (await kubectl("get", "node", node, "--output", path)) === "True";
}

/** The sandboxes that are Ready and stay. */
async function readySandboxes(): Promise<Pod[]> {
  const which = ["--namespace", namespace, "--selector", sharedSandboxSelector, "--output", "json"];
  const { items } = JSON.parse(await kubectl("get", "pods", ...which)) as { items: Pod[] };
  return items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
  );
}

/** Waits until two sandboxes are Ready, on these nodes (sorted). */
function sandboxesOn(nodes: readonly string[], seconds = 90): Promise<Pod[]> {
  return eventually(
    `sandboxes on ${nodes.join(" and ")}`,
    async () => {
      const pods = await readySandboxes();
      return JSON.stringify(pods.map(({ spec }) => spec.nodeName).sort()) === JSON.stringify(nodes) && pods;
    },
    seconds,
  );
}

/** Has a sandbox on each node again, after both were on one. */
async function spread(): Promise<void> {
  const [first] = await readySandboxes();
  await kubectl("delete", "pod", "--namespace", namespace, first?.metadata.name ?? "");
  await sandboxesOn([server, agent]);
}

/** The exit code and the output of a command in one certain sandbox. */
async function execIn(pod: Pod, command: string): Promise<{ code: number | null; stdout: string }> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}:8080/proxy/v1/bash/exec`;
  const reply = await tryKubectl(
    ["create", "--raw", path, "-f", "-"],
    JSON.stringify({ command, hard_timeout: 20 }),
  );
  assert.ok(reply, `${pod.metadata.name} does not answer`);
  const { data } = JSON.parse(reply) as { data: { exit_code: number | null; stdout: string } };
  return { code: data.exit_code, stdout: data.stdout };
}

/** Whether a TCP connection from the sandbox comes about. */
async function connects(from: Pod, host: string, port: number): Promise<boolean> {
  const program = `import socket; socket.create_connection((\\"${host}\\", ${port}), 2).close()`;
  return (await execIn(from, `python3 -c "${program}"`)).code === 0;
}

/** Whether a pod of the test, which no policy selects, gets an answer from a sandbox's API. */
async function gets(pod: string, host: string): Promise<boolean> {
  const program = `import urllib.request; urllib.request.urlopen("http://${host}:8080/v1/sandbox", timeout=2).read()`;
  const where = ["exec", "--namespace", pod === "friend" ? namespace : "default", pod, "--"];
  return (await tryKubectl([...where, "python3", "-c", program])) !== undefined;
}

/** A pod of the sandbox image on one certain node, that serves the sandbox API and is nobody's sandbox. */
function testPod(name: string, place: string, nodeName: string, image: string, labels = {}): object {
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 1000,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  const container = {
    name: "c",
    image,
    imagePullPolicy: "Never",
    securityContext,
    resources: {
      requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "16Mi" },
      limits: { cpu: "500m", memory: "256Mi", "ephemeral-storage": "64Mi" },
    },
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: place, labels },
    spec: {
      nodeName,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [container],
    },
  };
}

describe("several nodes", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "sandlot-nodes-"));
  let onServer: Pod;
  let onAgent: Pod;

  /** A file of settings for one run. */
  const agents = (count: number): string => {
    const file = join(folder, `${count}.yaml`);
    writeFileSync(file, `config:\n  sandlot:cluster:\n    agents: ${count}\n`);
    return file;
  };

  before("make up with one agent", async () => {
    await mustMake("up");
    const pods = await sandboxesOn([server, agent]);
    const on = (node: string): Pod => {
      const found = pods.find(({ spec }) => spec.nodeName === node);
      assert.ok(found);
      return found;
    };
    [onServer, onAgent] = [on(server), on(agent)];
  });

  after("make down", async () => {
    await make("down", { STACK: stack, VOLUMES: "1" });
    rmSync(folder, { recursive: true, force: true });
  });

  it("are Ready, have ranges of pods of their own, and are in make status", async () => {
    assert.deepEqual(await nodeNames(), [server, agent]);
    assert.ok((await isReady(server)) && (await isReady(agent)));
    const ranges = await kubectl("get", "nodes", "--output", "jsonpath={.items[*].spec.podCIDR}");
    assert.equal(new Set(ranges.split(" ")).size, 2, ranges);
    const { output } = await mustMake("status");
    assert.match(output, new RegExp(`Node ${server}: running, Ready`));
    assert.match(output, new RegExp(`Node ${agent}: running, Ready`));
    assert.match((await mustMake("exec", { NODE: "agent-1", CMD: "hostname" })).output, new RegExp(agent));
  });

  it("keep the token out of process lists, the container's environment and clear state", async () => {
    const token = (
      await execa("docker", ["exec", server, "cat", "/var/lib/rancher/k3s/server/node-token"])
    ).stdout.trim();
    assert.match(token, /^K10[0-9a-f]{64}::/);
    const password = token.slice(token.lastIndexOf(":") + 1);
    const { stdout: inspection } = await execa("docker", ["inspect", agent]);
    const { stdout: processes } = await execa("docker", ["exec", agent, "ps", "-o", "args"]);
    const state = readFileSync(
      join(projectRoot, ".sandlot/state/.pulumi/stacks/sandlot", `${stack}.json`),
      "utf8",
    );
    for (const text of [inspection, processes, state]) assert.ok(!text.includes(password));
  });

  it("each run sandboxes in gVisor that answer, also through the published port", async () => {
    for (const pod of [onServer, onAgent]) {
      const { code, stdout } = await execIn(pod, "dmesg 2>/dev/null || cat /proc/version");
      assert.equal(code, 0);
      assert.match(stdout, /gVisor/i, pod.metadata.name);
    }
    assert.ok((await fetch(`${endpoint}/v1/sandbox`)).ok);
  });

  describe("the walls across nodes", () => {
    let addresses: string[];

    before("pods of the test", async () => {
      const image = onAgent.spec.containers[0]?.image ?? "";
      const client = { "sandlot.dev/sandbox-client": "true" };
      const items = [
        testPod("stranger", "default", server, image),
        testPod("friend", namespace, server, image, client),
        testPod("target", "default", server, image),
      ];
      const list = { apiVersion: "v1", kind: "List", items };
      assert.ok(await tryKubectl(["apply", "-f", "-"], JSON.stringify(list)));
      for (const [place, name] of [
        ["default", "stranger"],
        [namespace, "friend"],
        ["default", "target"],
      ] as const)
        await kubectl("wait", "--namespace", place, "--for=condition=Ready", `pod/${name}`, "--timeout=60s");
      const path = `jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}`;
      addresses = (await kubectl("get", "nodes", "--output", path)).split(" ");
      assert.equal(addresses.length, 2);
    });

    after("remove them", async () => {
      await kubectl("delete", "pod", "stranger", "target", "--namespace", "default", "--now");
      await kubectl("delete", "pod", "friend", "--namespace", namespace, "--now");
    });

    it("let a client on one node reach a sandbox on the other, and no stranger", async () => {
      const address = onAgent.status.podIP ?? "";
      await eventually("the friend gets an answer", () => gets("friend", address), 20);
      assert.equal(await gets("stranger", address), false);
    });

    it("do not let a stranger in through the Service's port on the other node", async () => {
      for (const address of addresses) {
        const program = `import urllib.request; urllib.request.urlopen("http://${address}:30080/v1/sandbox", timeout=2)`;
        const where = ["exec", "--namespace", "default", "stranger", "--"];
        assert.equal(await tryKubectl([...where, "python3", "-c", program]), undefined, address);
      }
    });

    it("keep a sandbox on an agent from pods on the other node, the API server, joining and every kubelet", async () => {
      const target = await kubectl("get", "pod", "target", "--output", "jsonpath={.status.podIP}");
      await eventually("the target answers others", () => gets("stranger", target), 20);
      for (const [host, port] of [
        [target, 8080],
        [onServer.status.podIP ?? "", 8080],
        ["10.43.0.1", 443],
        ...addresses.flatMap((address) => [6443, 9345, 10250].map((port) => [address, port] as const)),
      ] as const)
        assert.equal(await connects(onAgent, host, port), false, `${host}:${port}`);
    });
  });

  describe("the provisioner on them", () => {
    const apiKey = async (): Promise<string> =>
      (await mustMake("api-key")).output.trim().split("\n").at(-1) ?? "";
    itHandsOutSandboxes({ server, agent, provisioner, kubectl, isReady, apiKey });
  });

  // A suite of its own, as mocha runs a suite's tests before the suites in it.
  describe("nodes that go", () => {
    before("a sandbox on each", spread);

    it("are drained only as far as a disruption budget allows", async () => {
      const drain = ["drain", agent, "--ignore-daemonsets", "--delete-emptydir-data", "--force"];
      const budget = (minAvailable: number): Promise<string> =>
        kubectl(
          "patch",
          "pdb",
          "--namespace",
          namespace,
          "sandbox",
          "--patch",
          JSON.stringify({ spec: { minAvailable } }),
        );
      await budget(2);
      assert.equal(await tryKubectl([...drain, "--timeout=5s"]), undefined);
      await sandboxesOn([server, agent]);
      await budget(1);
      await kubectl(...drain, "--timeout=90s");
      await sandboxesOn([server, server]);
      await kubectl("uncordon", agent);
    });

    it("take a lost node's sandboxes over, and take the node back", async () => {
      await spread();
      await execa("docker", ["stop", "--time", "0", agent]);
      await sandboxesOn([server, server], 120);
      await execa("docker", ["start", agent]);
      await eventually("the node is Ready again", () => isReady(agent), 60);
      const { output } = await mustMake("status");
      assert.match(output, new RegExp(`Node ${agent}: running, Ready`));
    });

    it("come and go as configuration says; those that go are drained and forgotten", async () => {
      await mustMake("up", { CONFIG: agents(2) });
      assert.deepEqual(await nodeNames(), [server, agent, `${server}-agent-2`]);
      assert.ok(await isReady(`${server}-agent-2`));
      await mustMake("up", { CONFIG: agents(0) });
      assert.deepEqual(await nodeNames(), [server]);
      await sandboxesOn([server, server]);
      const { stdout } = await execa("docker", [
        "ps",
        "--all",
        "--filter",
        `label=sandlot.dev/stack=${stack}`,
        "--format",
        "{{.Names}}",
      ]);
      assert.equal(stdout, server);
    });

    it("all go with make down VOLUMES=1, and nothing stays", async () => {
      await mustMake("up");
      assert.deepEqual(await nodeNames(), [server, agent]);
      await mustMake("down", { VOLUMES: "1" });
      for (const kind of ["container", "volume", "network"]) {
        const all = kind === "container" ? ["--all"] : [];
        const filter = ["--filter", `label=sandlot.dev/stack=${stack}`];
        const { stdout } = await execa("docker", [kind, "ls", ...all, ...filter, "--quiet"]);
        assert.equal(stdout, "", kind);
      }
    });
  });
});
