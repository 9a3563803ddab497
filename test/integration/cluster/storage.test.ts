// Claims for skills and users' data on a real cluster, in a namespace of the test's own: skills cannot be written, users' folders
// are apart, and data outlives pods and claims.
import assert from "node:assert/strict";

import {
  SkillsSource,
  SkillsStorage,
  UserDataRetention,
  UserDataSource,
  UserDataStorage,
  VolumeAccessMode,
} from "@sandlot/components";
import { execa } from "execa";

import { eventually, kubectl, node, outputs } from "../support/cluster.js";
import { applyAll, manifestsOf, namespaceManifest, type Manifest } from "../support/manifests.js";
import { apply, testPod } from "../support/targets.js";
import { ensureTestbox, loadImage } from "../support/testbox.js";

const place = "sandlot-test-storage";
const skillsFolder = "/var/lib/sandlot-test-skills";

const nameOf = (manifests: readonly Manifest[], kind: string): string => {
  const found = manifests.find((each) => each.kind === kind);
  assert.ok(found, kind);
  return found.metadata.name;
};

/** A pod with one folder of a claim at /data, mounted as sandboxes mount it. */
function podWith(name: string, claimName: string, mount: { readOnly: boolean; subPath?: string }) {
  const pod = testPod(name, place, { app: name });
  const [container] = pod.spec.containers;
  const { readOnly } = mount;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      securityContext: { fsGroup: 1000 },
      containers: [{ ...container, volumeMounts: [{ name: "data", mountPath: "/data", ...mount }] }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName, readOnly } }],
    },
  };
}

describe("storage", () => {
  let skills: Manifest[];
  let exported: Manifest[];
  let users: Manifest[];

  const inPod = (pod: string, command: string) =>
    kubectl("exec", "-n", place, pod, "--", "sh", "-c", command);
  const phase = async (kind: string, name: string): Promise<string> =>
    (await kubectl("get", kind, name, "-n", place, "-o", "jsonpath={.status.phase}")).output;

  before(async function () {
    this.timeout(240_000);
    await loadImage(node, await ensureTestbox());
    const prepare = `mkdir -p ${skillsFolder} && echo shown > ${skillsFolder}/skill.md && chmod 0777 ${skillsFolder}`;
    await execa("docker", ["exec", node, "sh", "-c", prepare]);
    skills = await manifestsOf(
      () => new SkillsStorage("skills", { namespace: place, hostPath: skillsFolder }),
    );
    exported = await manifestsOf(() => {
      const nfs = { server: "192.0.2.7", path: "/exports/skills" };
      new SkillsStorage("nfs", { namespace: place, source: SkillsSource.Nfs, nfs });
      const csi = { driver: "none.example.com", volumeHandle: "volume-1" };
      new SkillsStorage("csi", { namespace: place, source: SkillsSource.Csi, csi });
      new UserDataStorage("data", {
        namespace: place,
        source: UserDataSource.Nfs,
        nfs: { ...nfs, path: "/data" },
      });
    });
    users = await manifestsOf(
      () =>
        new UserDataStorage("users", {
          namespace: place,
          storageClass: "local-path",
          accessMode: VolumeAccessMode.ReadWriteOnce,
          size: "64Mi",
        }),
    );
    await applyAll([namespaceManifest(place), ...skills, ...exported, ...users]);
    const claim = nameOf(users, "PersistentVolumeClaim");
    await apply([
      podWith("reader", nameOf(skills, "PersistentVolumeClaim"), { readOnly: true }),
      podWith("alice", claim, { readOnly: false, subPath: "users/alice" }),
      podWith("bob", claim, { readOnly: false, subPath: "users/bob" }),
    ]);
  });

  after(async function () {
    this.timeout(120_000);
    await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=true", "--timeout=60s");
    for (const { kind, metadata } of [...skills, ...exported])
      if (kind === "PersistentVolume") await kubectl("delete", "pv", metadata.name, "--ignore-not-found");
    await execa("docker", ["exec", node, "rm", "-rf", skillsFolder]);
  });

  it("skills are read, and written by nobody, though the folder itself would let everybody", async () => {
    assert.equal((await inPod("reader", "cat /data/skill.md")).output, "shown");
    const { ok, output } = await inPod("reader", "echo changed > /data/skill.md");
    assert.equal(ok, false);
    assert.match(output, /Read-only file system/);
  });

  it("volume and claim of every kind find each other and nobody else", async () => {
    const volumes = [...skills, ...exported].filter(({ kind }) => kind === "PersistentVolume");
    assert.equal(volumes.length, 4);
    for (const { metadata } of volumes) {
      await eventually(`${metadata.name} bound`, async () => (await phase("pv", metadata.name)) === "Bound");
      const path = "jsonpath={.spec.claimRef.namespace}/{.spec.claimRef.name}";
      const { output } = await kubectl("get", "pv", metadata.name, "-o", path);
      assert.equal(output, `${place}/${metadata.name.slice(place.length + 1)}`);
    }
  });

  it("users' folders of one claim are apart", async () => {
    assert.deepEqual((await inPod("alice", "echo secret > /data/note && cat /data/note")).output, "secret");
    assert.equal((await inPod("bob", "ls -a /data")).output.split(/\s+/).sort().join(" "), ". ..");
    const climbed = await inPod("bob", "cat /data/../alice/note /data/../users/alice/note");
    assert.equal(climbed.ok, false);
    assert.doesNotMatch(climbed.output, /secret/);
  });

  it("users' data outlives its pod", async function () {
    this.timeout(120_000);
    await kubectl("delete", "pod", "-n", place, "alice", "--wait=true");
    const claim = nameOf(users, "PersistentVolumeClaim");
    await apply([podWith("alice", claim, { readOnly: false, subPath: "users/alice" })]);
    assert.equal((await inPod("alice", "cat /data/note")).output, "secret");
  });

  it("what removes stale data sees users' folders alone, may write there, and leaves what is in use", async function () {
    this.timeout(120_000);
    const claimName = nameOf(users, "PersistentVolumeClaim");
    const image = outputs()["sandboxImage"] ?? "";
    const objects = await manifestsOf(
      () => new UserDataRetention("retention", { namespace: place, claimName, image, days: 8 }),
    );
    // The folder and its marker as a sandbox and its server make them.
    const subPath = "deer-flow/users/carol/threads/one/user-data";
    await applyAll(objects);
    await apply([podWith("carol", claimName, { readOnly: false, subPath })]);
    await inPod(
      "carol",
      "echo kept > /data/note && mkdir /data/shut && touch /data/.last-used && chmod 0 /data/shut",
    );
    const from = `cronjob/${nameOf(objects, "CronJob")}`;
    await kubectl("create", "job", "-n", place, "sweep", `--from=${from}`);
    const ended = "jsonpath={.status.succeeded}/{.status.failed}";
    await eventually("the job ended", async () =>
      /\d/.test((await kubectl("get", "job", "-n", place, "sweep", "-o", ended)).output),
    );
    const { output: log } = await kubectl("logs", "-n", place, "job/sweep");
    const swept = JSON.parse(log.split("\n").at(-1) ?? "") as Record<string, unknown>;
    assert.deepEqual([swept["used"], swept["removed"], swept["failed"]], [1, 0, 0], log);
    assert.equal((await inPod("carol", "cat /data/note")).output, "kept");

    // The same user with the same mount: it is the kubelet that made these folders, and root's they are.
    const mount = { readOnly: false, subPath: "deer-flow/users" };
    const sweeper = podWith("sweeper", claimName, mount);
    await apply([{ ...sweeper, spec: { ...sweeper.spec, securityContext: {} } } as Manifest]);
    assert.equal((await inPod("sweeper", "ls /data")).output, "carol");
    const removed = await inPod(
      "sweeper",
      "cd /data/carol/threads/one/user-data && chmod 700 shut && rm -r shut note .last-used && ls -A",
    );
    assert.deepEqual([removed.ok, removed.output], [true, ""]);
  });

  it("a volume that we made stays when its claim goes", async () => {
    const volume = exported.find(({ kind }) => kind === "PersistentVolume");
    assert.ok(volume);
    const claim = volume.metadata.name.slice(place.length + 1);
    await kubectl("delete", "pvc", "-n", place, claim, "--wait=true");
    await eventually("Released", async () => (await phase("pv", volume.metadata.name)) === "Released");
  });
});
