// An installation of DeerFlow's old manifests is taken over as docs/migration.md says: the same namespace, volume, claim and Service
// go on under the engine, the Deployment is exchanged, and what was open is shut.
import assert from "node:assert/strict";
import { resolve } from "node:path";

import { read } from "../../unit/docs/documents.js";
import { eventually, kubectl, namespace as stackNamespace, stackDir } from "../support/cluster.js";
import { ComponentProject } from "../support/component-project.js";
import { applyAll } from "../support/manifests.js";
import { oldManifests, oldNames } from "../support/old-installation.js";

const place = "sandlot-test-adoption";
/** The environment variable that takes fields over from who has set them before, as docs/migration.md has it. */
const takeOver = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" };

const kept = [
  ["namespace", place],
  ["persistentvolume", oldNames.volume(place)],
  ["persistentvolumeclaim", oldNames.claim],
  ["service", oldNames.service],
] as const;

async function field(kind: string, name: string, path: string): Promise<string> {
  const { ok, output } = await kubectl("get", kind, name, "-n", place, "-o", `jsonpath={${path}}`);
  assert.ok(ok, output);
  return output;
}

describe("taking over an old installation", () => {
  let project: ComponentProject;
  let image: string;
  let uids: string[];

  const uidsNow = () => Promise.all(kept.map(([kind, name]) => field(kind, name, ".metadata.uid")));

  before(async function () {
    this.timeout(300_000);
    const path = "jsonpath={.spec.template.spec.containers[0].image}";
    ({ output: image } = await kubectl("get", "deployment", "sandbox", "-n", stackNamespace, "-o", path));
    const old = oldManifests({ namespace: place, image, skillsPath: "/mnt/skills" });
    await applyAll(old.filter(({ kind }) => kind !== "Deployment"));
    // A claim that is bound in the moment in which the scheduler looks at its pod was not seen by it for minutes.
    const bound = "--for=jsonpath={.status.phase}=Bound";
    const claim = await kubectl("wait", bound, `pvc/${oldNames.claim}`, "-n", place, "--timeout=60s");
    assert.ok(claim.ok, claim.output);
    await applyAll(old.filter(({ kind }) => kind === "Deployment"));
    const waited = ["rollout", "status", "-n", place, `deployment/${oldNames.deployment}`, "--timeout=90s"];
    const { ok, output } = await kubectl(...waited);
    assert.ok(ok, output);
    uids = await uidsNow();
    project = await ComponentProject.make("adoption", resolve(stackDir, "kubeconfig"));
    project.program(`
new components.SandboxPlatform("sandlot", {
  image: ${JSON.stringify(image)},
  gvisor: false,
  namespace: { name: ${JSON.stringify(place)} },
  skills: {
    hostPath: "/mnt/skills",
    retain: true,
    names: {
      claim: ${JSON.stringify(oldNames.claim)},
      volume: ${JSON.stringify(oldNames.volume(place))},
      storageClass: ${JSON.stringify(oldNames.storageClass)},
    },
  },
  deployment: { name: ${JSON.stringify(oldNames.deployment)}, replicas: 1 },
}, { provider });`);
  });

  after(async function () {
    this.timeout(120_000);
    project.remove();
    await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=true", "--timeout=90s");
    await kubectl("delete", "pv", oldNames.volume(place), "--ignore-not-found");
  });

  it("is documented with the commands that this test runs", () => {
    const guide = read("docs/migration.md");
    assert.ok(guide.includes("PULUMI_K8S_ENABLE_PATCH_FORCE=true make up"));
    assert.ok(guide.includes("delete deployment deer-flow-sandbox --cascade=orphan"));
    assert.ok(guide.includes("delete replicasets,pods -l app=deer-flow-sandbox"));
  });

  it("is refused while nobody says to take fields over, and nothing is taken", async function () {
    this.timeout(180_000);
    const { exitCode, output } = await project.pulumi("up", "--yes", "--skip-preview", "--suppress-progress");
    assert.notEqual(exitCode, 0);
    assert.match(output, /conflict with "kubectl-client-side-apply"/);
    assert.equal(await field("namespace", place, ".metadata.labels.app\\.kubernetes\\.io/name"), "deer-flow");
  });

  it("keeps namespace, volume, claim and Service, with their names and identities", async function () {
    this.timeout(240_000);
    await kubectl("delete", "deployment", oldNames.deployment, "-n", place, "--cascade=orphan");
    await project.with(takeOver).must("up", "--yes", "--skip-preview", "--suppress-progress");
    assert.deepEqual(await uidsNow(), uids);
    assert.equal(await field("persistentvolumeclaim", oldNames.claim, ".status.phase"), "Bound");
    for (const [kind, name] of kept) {
      const owner = await field(kind, name, ".metadata.labels.app\\.kubernetes\\.io/managed-by");
      assert.equal(owner, "pulumi", kind);
    }
  });

  it("is in the engine's state, so that a second run changes nothing", async function () {
    this.timeout(120_000);
    const { changeSummary } = await project.preview();
    assert.deepEqual(Object.keys(changeSummary), ["same"]);
    const taken = project.state().map(({ id }) => id);
    for (const id of [
      place,
      oldNames.volume(place),
      `${place}/${oldNames.claim}`,
      `${place}/${oldNames.service}`,
    ])
      assert.ok(taken.includes(id), id);
  });

  it("answers by its old Service from a hardened pod, and no longer from the old one", async () => {
    assert.match(
      await field("service", oldNames.service, ".spec.selector"),
      /"app.kubernetes.io\/name":"sandlot"/,
    );
    await kubectl("delete", "replicasets,pods", "-l", "app=deer-flow-sandbox", "-n", place, "--wait=true");
    const { output: pods } = await kubectl(
      "get",
      "pods",
      "-n",
      place,
      "-o",
      "jsonpath={.items[*].metadata.name}",
    );
    assert.equal(pods.split(" ").length, 1, pods);
    const pod = pods.trim();
    await eventually("the Service's address", async () => {
      const { output } = await kubectl("get", "endpoints", oldNames.service, "-n", place, "-o", "json");
      return output.includes(`"${pod}"`);
    });
    const { output: reply } = await kubectl(
      "get",
      "--raw",
      `/api/v1/namespaces/${place}/pods/${pod}:8080/proxy/v1/sandbox`,
    );
    assert.match(reply, /"success":\s*true/);
    assert.equal(
      await field("pod", pod, ".spec.containers[0].securityContext.allowPrivilegeEscalation"),
      "false",
    );
    assert.equal(
      await field("pod", pod, ".spec.containers[0].securityContext.readOnlyRootFilesystem"),
      "true",
    );
  });

  it("has walls: the namespace lets in restricted pods only, and denies all traffic by default", async () => {
    const enforced = await field(
      "namespace",
      place,
      ".metadata.labels.pod-security\\.kubernetes\\.io/enforce",
    );
    assert.equal(enforced, "restricted");
    assert.equal(await field("networkpolicy", "sandbox-deny-all", ".spec.podSelector"), "{}");
  });

  it("leaves the skills in the cluster when the stack is destroyed", async function () {
    this.timeout(240_000);
    await project.must("destroy", "--yes", "--skip-preview", "--suppress-progress");
    assert.deepEqual(project.state(), []);
    const { output } = await kubectl("get", "pv", oldNames.volume(place), "-o", "jsonpath={.metadata.uid}");
    assert.equal(output, uids[1]);
  });
});
