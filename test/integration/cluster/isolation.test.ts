// What code in a sandbox cannot do, tried by code in a sandbox.
import assert from "node:assert/strict";

import { execa } from "execa";

import { cluster, eventually, execIn, nameOf, namespace, node, outputOf, readySandboxes, sandboxPods } from "../support/cluster.js";

describe("sandbox isolation", () => {
  let pod: string;
  let neighbour: string;

  before(async () => {
    const [first, second] = (await readySandboxes(2)).map(nameOf);
    assert.ok(first && second);
    pod = first;
    neighbour = second;
  });

  it("runs as a user without privileges, and cannot become root", async () => {
    assert.equal(await outputOf(pod, "id -u"), "1000");
    for (const attempt of [
      "setpriv --reuid=0 true",
      "python3 -c 'import os; os.setuid(0)'",
      "su -c true",
      "sudo -n true",
      "unshare --user --map-root-user chown 0 /tmp",
    ]) {
      assert.notEqual((await execIn(pod, attempt)).exit_code, 0, attempt);
    }
    assert.equal(await outputOf(pod, "find / -xdev -perm /6000 -type f 2>/dev/null | wc -l"), "0", "setuid programs");
  });

  it("has no capability, and can gain none", async () => {
    const status = await outputOf(pod, "grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status");
    for (const line of status.split("\n").filter((each) => each.startsWith("Cap"))) assert.match(line, /:\s*0+$/, line);
    assert.match(status, /NoNewPrivs:\s*1/);
  });

  it("writes only where it may", async () => {
    for (const folder of ["/", "/etc", "/usr/bin", "/usr/local/bin", "/opt", "/var", "/root", "/mnt", "/mnt/skills", "/home"]) {
      assert.notEqual((await execIn(pod, `touch ${folder}/x`)).exit_code, 0, `${folder} is writable`);
    }
    for (const folder of ["/home/sandbox", "/tmp", "/mnt/user-data"]) {
      await outputOf(pod, `echo kept > ${folder}/x && grep -q kept ${folder}/x && rm ${folder}/x`);
    }
  });

  it("sees no service-account token, no Docker socket, no container runtime's socket", async () => {
    for (const path of [
      "/var/run/secrets/kubernetes.io",
      "/run/secrets/kubernetes.io",
      "/var/run/docker.sock",
      "/run/docker.sock",
      "/run/containerd/containerd.sock",
      "/run/k3s/containerd/containerd.sock",
    ]) {
      assert.notEqual((await execIn(pod, `test -e ${path}`)).exit_code, 0, `${path} is there`);
    }
    const { spec } = await cluster().core.readNamespacedPod({ name: pod, namespace });
    assert.equal(spec?.automountServiceAccountToken, false);
    assert.doesNotMatch(await outputOf(pod, "env"), /KUBERNETES_|TOKEN|SECRET|PASSWORD/);
  });

  it("cannot mount, load modules, trace other processes' memory or reach devices", async () => {
    for (const attempt of [
      "mount -t tmpfs none /tmp",
      "mknod /tmp/sda b 8 0",
      "cat /dev/sda",
      "cat /dev/mem",
      "cat /proc/kcore | head -c 1 | grep -q .",
      "echo b > /proc/sysrq-trigger",
      "echo 1 > /proc/sys/kernel/panic",
    ]) {
      assert.notEqual((await execIn(pod, attempt)).exit_code, 0, attempt);
    }
  });

  it("cannot end the server that it is run by", async () => {
    const before = (await cluster().core.readNamespacedPod({ name: pod, namespace })).status?.containerStatuses?.[0]?.restartCount;
    await execIn(pod, "kill -9 1; kill -STOP 1; true");
    assert.equal(await outputOf(pod, "echo alive"), "alive");
    const after = (await cluster().core.readNamespacedPod({ name: pod, namespace })).status?.containerStatuses?.[0]?.restartCount;
    assert.equal(after, before);
  });

  it("cannot fork-bomb its neighbours: a sandbox's processes are limited", async function () {
    this.timeout(180_000);
    const processes = async (): Promise<number> => {
      const { stdout } = await execa("docker", ["exec", node, "sh", "-c", "ls -d /proc/[0-9]* | wc -l"]);
      return Number(stdout);
    };
    const idle = await processes();
    // Each copy starts two more and waits; nothing limits it but the walls.
    const bomb = execIn(pod, "bomb() { bomb | bomb & sleep 20; }; bomb", 15).catch(() => undefined);
    let most = 0;
    const end = Date.now() + 15_000;
    while (Date.now() < end) {
      most = Math.max(most, await processes());
      assert.equal(await outputOf(neighbour, "echo alive"), "alive");
    }
    await bomb;
    // A pod may have 1024 processes and threads; gVisor and the node's own doings are a few more.
    assert.ok(most - idle < 1024 + 300, `${most - idle} more processes in the node`);
    await readySandboxes(2, 120);
    await eventually("as many processes as before", async () => (await processes()) < idle + 150, 60);
  });

  it("cannot eat its neighbours' memory: a sandbox that takes too much is ended", async () => {
    const hungry = nameOf((await readySandboxes(2))[0]!);
    await execIn(hungry, "python3 -c 'x = bytearray(3 << 30)'", 60).catch(() => undefined);
    await readySandboxes(2, 120);
    const { items } = await cluster().core.listNode();
    const pressure = items[0]?.status?.conditions?.find(({ type }) => type === "MemoryPressure");
    assert.equal(pressure?.status, "False");
  });

  it("cannot fill the node's disk: a sandbox that writes too much is evicted", async function () {
    this.timeout(240_000);
    const greedy = nameOf((await readySandboxes(2))[0]!);
    await execIn(greedy, "head -c 1500M /dev/zero > /tmp/big; sync", 120).catch(() => undefined);
    await eventually(
      "the sandbox's eviction",
      async () => {
        const pods = await sandboxPods();
        const evicted = pods.find((each) => nameOf(each) === greedy);
        return evicted === undefined || evicted.status?.reason === "Evicted";
      },
      150,
    );
    const failed = (await sandboxPods()).filter(({ status }) => status?.phase === "Failed");
    for (const each of failed) await cluster().core.deleteNamespacedPod({ name: nameOf(each), namespace });
    await readySandboxes(2, 120);
  });
});
