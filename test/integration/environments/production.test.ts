// The production stack on an existing cluster: deployed, run again, upgraded under load, drifted, repaired, taken down.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { cluster, eventually, kubectl, node, outputs, projectRoot } from "../support/cluster.js";
import {
  apiKey,
  cleanUp,
  namespace,
  prepare,
  run,
  signingKey,
  stack,
  up,
  type Overlay,
} from "../support/existing.js";
import { collected, startCollector, tracing } from "../support/collector-pod.js";
import { startClient } from "../support/steady-client.js";
import { apply, testPod } from "../support/targets.js";
import { ensureTestbox, loadImage } from "../support/testbox.js";

/** The sandbox image that is in the node. */
let image: string;

/** A second name of it, to upgrade to. */
const nextImage = "sandlot/sandbox:next";

const settings = (sandbox: Readonly<Record<string, unknown>> = {}): Overlay => ({
  sandbox: { image, ...sandbox },
  observability: { tracing },
});

async function mustUp(overlay: Overlay, variables: Record<string, string> = {}): Promise<string> {
  const { exitCode, output } = await up(overlay, variables);
  assert.equal(exitCode, 0, output);
  return output;
}

async function deployment() {
  return cluster().apps.readNamespacedDeployment({ name: "sandbox", namespace });
}

describe("production on an existing cluster", function () {
  this.timeout(600_000);
  let removeCollector = (): Promise<unknown> => Promise.resolve();

  before(async () => {
    image = outputs()["sandboxImage"] ?? "";
    removeCollector = await startCollector(image);
    await prepare();
  });
  after(async () => {
    await removeCollector();
    await cleanUp();
  });

  it("deploys what production's file says, without asking Docker, and makes no cluster", async () => {
    await mustUp(settings());
    const { spec, status } = await deployment();
    assert.equal(spec?.replicas, 3);
    assert.equal(status?.readyReplicas, 3);
    assert.equal(spec.template.spec?.containers[0]?.image, image);
    const budget = await cluster().policy.readNamespacedPodDisruptionBudget({ name: "sandbox", namespace });
    assert.equal(budget.spec?.minAvailable, 2);
    const own = { name: "provisioner", namespace: `${namespace}-system` };
    const provisioner = await cluster().apps.readNamespacedDeployment(own);
    assert.equal(provisioner.status?.readyReplicas, 3);
    const label = `label=sandlot.dev/stack=${stack}`;
    assert.equal((await execa("docker", ["ps", "--all", "--quiet", "--filter", label])).stdout, "");
  });

  it("changes nothing the second time", async () => {
    const output = await mustUp(settings());
    assert.match(output, /\d+ unchanged/);
    assert.doesNotMatch(output, /\d+ (created|updated|deleted|replaced)/);
  });

  it("tells what runs there, with kubectl", async () => {
    const { exitCode, output } = await run("status");
    assert.equal(exitCode, 0, output);
    assert.match(output, new RegExp(`Stack ${stack}: up`));
    assert.equal(output.match(/sandbox-\S+ {2}Running, Ready/g)?.length, 3, output);
  });

  it("keeps the cluster's credentials out of the state and of previews", async () => {
    const path = join(projectRoot, ".sandlot/state/.pulumi/stacks/sandlot", `${stack}.json`);
    const state = readFileSync(path, "utf8");
    const preview = (await run("preview")).output;
    for (const text of [state, preview]) assert.doesNotMatch(text, /client-key-data|PRIVATE KEY/);
    assert.ok(state.includes("ciphertext"));
    const file = readFileSync(join(projectRoot, "stacks", `Pulumi.${stack}.yaml`), "utf8");
    for (const text of [state, preview, file])
      for (const key of [signingKey, apiKey, Buffer.from(signingKey).toString("base64")])
        assert.ok(!text.includes(key), "a key of the provisioner's is there in clear");
  });

  it("sends traces to a collector of the cluster, through the provisioner's walls", async () => {
    await loadImage(node, await ensureTestbox());
    await apply([testPod("caller", namespace, { "sandlot.dev/sandbox-client": "true" })]);
    const url = `http://provisioner.${namespace}-system.svc.cluster.local:8002/v1/sandboxes`;
    const { output } = await kubectl("exec", "-n", namespace, "caller", "--", "wget", "-qO-", url);
    assert.match(output, /401/, "a caller without a key");
    const text = await eventually("the span of the call", async () => {
      const sent = await collected();
      return sent.includes("GET /v1/sandboxes") && sent;
    });
    assert.match(text, /sandlot-provisioner/);
    await kubectl("delete", "pod", "caller", "-n", namespace, "--now");
  });

  it("upgrades image and configuration without a request that is not answered", async () => {
    const names = [`docker.io/${image}`, `docker.io/${nextImage}`];
    await execa("docker", ["exec", node, "ctr", "-n", "k8s.io", "images", "tag", "--force", ...names]);
    const client = await startClient(
      namespace,
      `http://sandbox.${namespace}.svc.cluster.local:8080/v1/sandbox`,
    );
    const upgrade = settings({ image: nextImage, environment: { RELEASE: "next" } });
    const { answered: before } = client.calls();
    await mustUp(upgrade);
    await eventually("only new pods", async () => (await deployment()).status?.replicas === 3);
    const { answered, failed } = client.calls();
    await client.stop();
    console.log(`      ${answered - before} requests answered during the upgrade, ${failed} not`);
    assert.equal(failed, 0);
    assert.ok(answered - before > 100, `${answered - before} requests prove little`);
    const { spec } = await deployment();
    assert.equal(spec?.template.spec?.containers[0]?.image, nextImage);
    await mustUp(settings());
  });

  it("sees nothing amiss where nothing is, by make drift", async () => {
    const { exitCode, output } = await run("drift");
    assert.equal(exitCode, 0, output);
    assert.match(output, /is as it was deployed/);
  });

  it("detects what was edited, added and deleted by hand, and repairs it", async () => {
    const on = ["-n", namespace];
    await kubectl("scale", ...on, "deployment/sandbox", "--replicas=1");
    await kubectl("set", "env", ...on, "deployment/sandbox", "ADDED=1");
    await kubectl("delete", ...on, "networkpolicy", "sandbox-deny-all");
    const rule = {
      op: "add",
      path: "/spec/ingress/-",
      value: { from: [{ ipBlock: { cidr: "10.99.0.0/16" } }] },
    };
    await kubectl(
      "patch",
      ...on,
      "networkpolicy",
      "sandbox-clients",
      "--type=json",
      `--patch=${JSON.stringify([rule])}`,
    );
    const { exitCode, output } = await run("drift");
    assert.notEqual(exitCode, 0);
    for (const text of [
      `- NetworkPolicy ${namespace}/sandbox-deny-all: deleted`,
      `~ NetworkPolicy ${namespace}/sandbox-clients`,
      "10.99.0.0/16",
      `~ Deployment ${namespace}/sandbox`,
      "spec.replicas: 3 → 1",
      "ADDED",
      `make up STACK=${stack} REPAIR=1`,
    ])
      assert.ok(output.includes(text), `${output}\nlacks: ${text}`);
    await mustUp(settings(), { REPAIR: "1" });
    const after = await run("drift");
    assert.equal(after.exitCode, 0, after.output);
    const { spec, status } = await deployment();
    assert.equal(spec?.replicas, 3);
    assert.equal(status?.readyReplicas, 3);
    assert.ok(!JSON.stringify(spec).includes("ADDED"));
    const { output: clients } = await kubectl("get", ...on, "networkpolicy", "sandbox-clients", "-o", "json");
    assert.ok(!clients.includes("10.99.0.0"));
    // Fields are the stack's own again: an ordinary update may change them.
    await mustUp(settings({ replicas: 4 }));
    await mustUp(settings());
  });

  it("refuses to take a protected namespace down, says the way out, and deletes nothing", async () => {
    const { exitCode, output } = await run("down");
    assert.notEqual(exitCode, 0);
    assert.match(output, new RegExp(`protects what .* would delete: Namespace ${namespace}`));
    assert.match(output, /set namespace\.protect to false/);
    assert.equal((await deployment()).status?.readyReplicas, 3);
  });

  it("takes everything down when it is no longer protected, but for what is to be kept", async () => {
    const { items } = await cluster().core.listPersistentVolume();
    const volume = items.find(({ spec }) => spec?.claimRef?.namespace === namespace)?.metadata?.name ?? "";
    assert.notEqual(volume, "");
    await mustUp({ ...settings(), namespace: { name: namespace, protect: false } });
    const { exitCode, output } = await run("down");
    assert.equal(exitCode, 0, output);
    assert.ok(output.includes(`Kept in the cluster: PersistentVolume ${volume}`), output);
    await assert.rejects(cluster().core.readNamespace({ name: namespace }), /not found/i);
    assert.equal((await cluster().core.readPersistentVolume({ name: volume })).metadata?.name, volume);
    assert.equal((await kubectl("get", "runtimeclass", "gvisor")).ok, true, "an existing RuntimeClass stays");
    await kubectl("delete", "persistentvolume", volume);
  });
});
