// The walls around sandboxes, tried from both sides with pods and addresses that the test made. Each address that a
// sandbox must not reach is first shown to answer somebody else, so that a dead target cannot pass for a wall.
import assert from "node:assert/strict";

import {
  cluster,
  eventually,
  execIn,
  kubectl,
  nameOf,
  namespace,
  outputOf,
  outputs,
  readySandboxes,
} from "../support/cluster.js";
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

const page = /hello/;

describe("NetworkPolicy", () => {
  let sandbox: string;
  let sandboxIp: string;
  let other: string;
  let targetIp: string;
  let nodeIp: string;

  /** What a pod of the test gets from a URL: the page, or undefined. */
  async function get(pod: string, place: string, url: string): Promise<string | undefined> {
    const { ok, output } = await kubectl(
      "exec",
      "-n",
      place,
      pod,
      "--",
      "timeout",
      "3",
      "wget",
      "-q",
      "-O",
      "-",
      url,
    );
    return ok ? output : undefined;
  }

  /** Whether a TCP connection from the sandbox `pod` to this address comes about. */
  async function connects(pod: string, host: string, port: number): Promise<boolean> {
    const program = `import socket; socket.create_connection(("${host}", ${port}), 2).close()`;
    return (await execIn(pod, `python3 -c '${program}'`)).exit_code === 0;
  }

  before(async function () {
    this.timeout(240_000);
    await makeTargets();
    const [first, second] = await readySandboxes(2);
    assert.ok(first?.status?.podIP && second);
    [sandbox, sandboxIp, other] = [nameOf(first), first.status.podIP, nameOf(second)];
    await apply([
      testPod("stranger", namespace, { app: "stranger" }),
      testPod("friend", namespace, { "sandlot.dev/sandbox-client": "true" }),
      testPod("impostor", targetNamespace, { "sandlot.dev/sandbox-client": "true" }),
      testPod("opened", namespace, {
        "app.kubernetes.io/name": "sandlot",
        "app.kubernetes.io/component": "sandbox",
        "sandlot.dev/egress": "open",
      }),
    ]);
    const { status } = await cluster().core.readNamespacedPod({ name: "target", namespace: targetNamespace });
    targetIp = status?.podIP ?? "";
    const { items } = await cluster().core.listNode();
    nodeIp = items[0]?.status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
  });

  after(async function () {
    this.timeout(120_000);
    await kubectl(
      "delete",
      "pod",
      "-n",
      namespace,
      "-l",
      "sandlot.dev/test=true",
      "--ignore-not-found",
      "--wait=true",
    );
    await removeTargets();
  });

  it("the targets answer those who are not walled in", async () => {
    assert.match((await get("anybody", targetNamespace, `http://${targetIp}:8080/`)) ?? "", page);
    assert.match((await get("anybody", targetNamespace, "http://target/")) ?? "", page);
    for (const address of [...Object.values(standIns), internet, nodeIp]) {
      assert.match(
        (await get("anybody", targetNamespace, `http://${address}:${standInPort}/`)) ?? "",
        page,
        address,
      );
    }
  });

  it("a sandbox reaches no other pod, by address or through a Service", async () => {
    assert.equal(await connects(sandbox, targetIp, 8080), false);
    const { spec } = await cluster().core.readNamespacedService({
      name: "target",
      namespace: targetNamespace,
    });
    assert.equal(await connects(sandbox, spec?.clusterIP ?? "", 80), false);
  });

  it("a sandbox reaches no other sandbox", async () => {
    const { status } = await cluster().core.readNamespacedPod({ name: other, namespace });
    assert.equal(await connects(sandbox, status?.podIP ?? "", 8080), false);
  });

  it("a sandbox does not reach the API server", async () => {
    const { spec } = await cluster().core.readNamespacedService({ name: "kubernetes", namespace: "default" });
    assert.equal(await connects(sandbox, spec?.clusterIP ?? "", 443), false);
    assert.equal(await connects(sandbox, nodeIp, 6443), false);
  });

  it("a sandbox does not reach the node: neither the kubelet nor a server on it", async () => {
    assert.equal(await connects(sandbox, nodeIp, 10250), false);
    assert.equal(await connects(sandbox, nodeIp, standInPort), false);
  });

  for (const [what, address] of Object.entries({ ...standIns, internet })) {
    it(`a sandbox does not reach ${what} (${address})`, async () => {
      assert.equal(await connects(sandbox, address, standInPort), false);
    });
  }

  it("a sandbox cannot get out by UDP or ping either", async () => {
    const probe = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.sendto(b"x", ("${nodeIp}", 53)); s.recv(1)`;
    assert.notEqual((await execIn(sandbox, `python3 -c '${probe}'`)).exit_code, 0);
  });

  it("DNS works in a sandbox", async () => {
    const lookup = `python3 -c 'import socket; print(socket.gethostbyname("kubernetes.default.svc.cluster.local"))'`;
    const { spec } = await cluster().core.readNamespacedService({ name: "kubernetes", namespace: "default" });
    assert.equal(await outputOf(sandbox, lookup), spec?.clusterIP);
  });

  it("a pod that is not a client does not reach a sandbox, from inside or outside the namespace", async () => {
    const url = `http://${sandboxIp}:8080/v1/sandbox`;
    assert.equal(await get("stranger", namespace, url), undefined);
    assert.equal(await get("anybody", targetNamespace, url), undefined);
    assert.equal(
      await get("impostor", targetNamespace, url),
      undefined,
      "the client label counts only in the namespace",
    );
  });

  it("a client pod reaches a sandbox", async () => {
    assert.match(
      (await get("friend", namespace, `http://${sandboxIp}:8080/v1/sandbox`)) ?? "",
      /"success":\s*true/,
    );
  });

  it("a client pod reaches nothing else", async () => {
    assert.equal(await get("friend", namespace, `http://${targetIp}:8080/`), undefined);
    assert.equal(await get("friend", namespace, `http://${internet}:${standInPort}/`), undefined);
  });

  it("this machine reaches a sandbox through the published port", async () => {
    const reply = await fetch(`${outputs()["endpoint"] ?? ""}/v1/sandbox`);
    assert.equal(reply.status, 200);
    assert.equal(((await reply.json()) as { success: boolean }).success, true);
  });

  it("a client reaches only the sandboxes' API port", async () => {
    await execIn(sandbox, "cd /tmp && setsid python3 -m http.server 8090 >/dev/null 2>&1 & sleep 1");
    await eventually(
      "the second server",
      async () =>
        (await outputOf(
          sandbox,
          "python3 -c 'import urllib.request; print(urllib.request.urlopen(\"http://127.0.0.1:8090\").status)'",
        )) === "200",
      20,
    );
    assert.equal(await get("friend", namespace, `http://${sandboxIp}:8090/`), undefined);
  });

  it("egress profile open reaches the internet, and still nothing private", async () => {
    const url = (address: string): string => `http://${address}:${standInPort}/`;
    assert.match((await get("opened", namespace, url(internet))) ?? "", page);
    for (const address of [...Object.values(standIns), nodeIp]) {
      assert.equal(await get("opened", namespace, url(address)), undefined, address);
    }
    assert.equal(await get("opened", namespace, `http://${targetIp}:8080/`), undefined);
  });

  it("egress profile is flipped by the pod's label, without a new object", async () => {
    await kubectl("label", "pod", "-n", namespace, "opened", "sandlot.dev/egress=blocked", "--overwrite");
    await eventually(
      "the wall",
      async () => (await get("opened", namespace, `http://${internet}:${standInPort}/`)) === undefined,
      20,
    );
  });
});
