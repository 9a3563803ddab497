// What code in a sandbox cannot do, tried by code in a sandbox.
import assert from "node:assert/strict";

import { execa } from "execa";

import {
  cluster,
  eventually,
  execIn,
  nameOf,
  namespace,
  node,
  outputOf,
  readySandboxes,
} from "../support/cluster.js";

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
    assert.equal(
      await outputOf(pod, "find / -xdev -perm /6000 -type f 2>/dev/null | wc -l"),
      "0",
      "setuid programs",
    );
  });

  it("has no capability, and can gain none", async () => {
    const status = await outputOf(pod, "grep '^Cap' /proc/self/status");
    assert.ok(status.split("\n").length >= 4, status);
    for (const line of status.split("\n")) assert.match(line, /^Cap\w+:\s*0+$/, line);
    // prctl(PR_GET_NO_NEW_PRIVS): gVisor's /proc does not show it.
    assert.equal(
      await outputOf(pod, "python3 -c 'import ctypes; print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))'"),
      "1",
    );
  });

  it("writes only where it may", async () => {
    for (const folder of [
      "/",
      "/etc",
      "/usr/bin",
      "/usr/local/bin",
      "/opt",
      "/var",
      "/root",
      "/mnt",
      "/mnt/skills",
      "/home",
    ]) {
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

  it("ends only its own sandbox when it ends the server that runs it", async () => {
    const restarts = async (name: string): Promise<number> =>
      (await cluster().core.readNamespacedPod({ name, namespace })).status?.containerStatuses?.[0]
        ?.restartCount ?? 0;
    const [own, neighbours] = [await restarts(pod), await restarts(neighbour)];
    // gVisor lets a process end process 1 of its own container; Linux does not.
    await execIn(pod, "kill -KILL 1").catch(() => undefined);
    assert.equal(await outputOf(neighbour, "echo alive"), "alive");
    // The pod is said to be Ready until the kubelet has noticed.
    await eventually("the sandbox again", async () => (await outputOf(pod, "echo alive")) === "alive", 90);
    await readySandboxes(2);
    assert.ok((await restarts(pod)) <= own + 1);
    assert.equal(await restarts(neighbour), neighbours);
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
    const [hungry = ""] = (await readySandboxes(2)).map(nameOf);
    await execIn(hungry, "python3 -c 'x = bytearray(3 << 30)'", 10).catch(() => undefined);
    await readySandboxes(2, 120);
    const { items } = await cluster().core.listNode();
    const pressure = items[0]?.status?.conditions?.find(({ type }) => type === "MemoryPressure");
    assert.equal(pressure?.status, "False");
  });

  it("cannot fill the node's disk: a sandbox that writes too much is evicted", async function () {
    this.timeout(240_000);
    const [greedy = ""] = (await readySandboxes(2)).map(nameOf);
    await execIn(greedy, "head -c 1500M /dev/zero > /tmp/big; sync", 120).catch(() => undefined);
    await eventually(
      "the sandbox's eviction",
      async () => {
        const { items } = await cluster().core.listNamespacedEvent({ namespace });
        return items.some(
          ({ reason, involvedObject }) => reason === "Evicted" && involvedObject.name === greedy,
        );
      },
      150,
    );
    await eventually("another sandbox in its place", async () =>
      (await readySandboxes(2, 120)).every((each) => nameOf(each) !== greedy),
    );
  });
});
