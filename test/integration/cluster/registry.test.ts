// An environment's image in a registry that asks for a password: pushed, pulled by nodes with the Secret of it alone, and the
// passwords nowhere in clear.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { cluster, eventually, kubectl, namespace, node, outputs, stackDir } from "../support/cluster.js";
import { ComponentProject } from "../support/component-project.js";
import { startRegistry } from "../support/registry.js";
import { attempt, output } from "../support/shell.js";
import { ask, Deployed } from "../provisioner/deployed.js";

/** The port of the mirror in stacks/Pulumi.test.yaml: nodes reach the registry by its container's name. */
const port = 15_000;
const repository = `127.0.0.1:${port}/team/sandboxes`;

/** Neither is the beginning of a hash or a name of anything else. */
const passwords = { pusher: randomBytes(24).toString("hex"), puller: randomBytes(24).toString("hex") };

/** What must be found nowhere: the passwords, and what they are in the header of a request. */
const secrets = Object.entries(passwords).flatMap(([user, word]) => [
  word,
  Buffer.from(`${user}:${word}`).toString("base64"),
]);

function assertNoSecret(places: Readonly<Record<string, string>>): void {
  for (const [where, text] of Object.entries(places)) {
    assert.notEqual(text, "", where);
    for (const secret of secrets) assert.ok(!text.includes(secret), `a password is in ${where}`);
  }
}

const program = (sandboxImage: string): string => `
const password = (user: string): string => process.env[user + "_PASSWORD"] ?? "";
export const image = new components.SandboxEnvironment("private", {
  name: "private",
  namespace: ${JSON.stringify(namespace)},
  sandboxImage: ${JSON.stringify(sandboxImage)},
  build: { commands: ["echo private > /opt/private"] },
  runtimeClassName: "gvisor",
  registry: {
    repository: ${JSON.stringify(repository)},
    pushCredentials: { username: "pusher", password: password("pusher") },
    pullCredentials: { username: "puller", password: password("puller") },
  },
}, { provider }).image;`;

/** A docker that writes down what it is called with, in front of the real one. */
function wrapDocker(folder: string, real: string): void {
  const script = `#!/bin/sh\necho "$*" >> ${folder}/docker-calls\nexec ${real} "$@"\n`;
  writeFileSync(join(folder, "docker"), script);
  chmodSync(join(folder, "docker"), 0o755);
}

describe("an environment's image in a registry with a password", function () {
  this.timeout(300_000);
  let project: ComponentProject;
  let removeRegistry = (): Promise<void> => Promise.resolve();
  let image = "";
  let said = "";

  before("a registry that the nodes reach, and a program with its passwords", async function () {
    this.timeout(300_000);
    const accounts = { pusher: passwords.pusher, puller: passwords.puller };
    removeRegistry = await startRegistry({ name: `${node}-registry`, network: node, port, accounts });
    const own = await ComponentProject.make("registry", resolve(stackDir, "kubeconfig"));
    const { stdout: docker } = await attempt("sh", ["-c", "command -v docker"]);
    wrapDocker(own.dir, docker);
    project = own
      .withPrograms(own.dir)
      .with({ pusher_PASSWORD: passwords.pusher, puller_PASSWORD: passwords.puller });
    project.program(program(outputs()["sandboxImage"] ?? ""));
  });

  after(async () => {
    await project.pulumi("destroy", "--yes", "--skip-preview", "--suppress-progress");
    await kubectl("delete", "pod", "thief", "-n", namespace, "--ignore-not-found", "--now");
    await removeRegistry();
    // By name: by its id, the sandbox image would go with them.
    const names = `docker images --format '{{.Repository}}:{{.Tag}}' '${repository}' | xargs -r docker rmi`;
    await attempt("sh", ["-c", names]);
    const inNode = `ctr -n k8s.io images ls -q | grep -F '${repository}' | xargs -r ctr -n k8s.io images rm`;
    await attempt("docker", ["exec", node, "sh", "-c", inNode]);
    project.remove();
  });

  /** How the kubelet fares with a pod that has the image and no Secret: its last word on why it waits. */
  async function pulledByThief(imagePullPolicy: string): Promise<string> {
    await kubectl("delete", "pod", "thief", "-n", namespace, "--ignore-not-found", "--now");
    const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
    await cluster().core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: "thief", labels: { "sandlot.dev/test": "true" } },
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1000,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [{ name: "c", image, imagePullPolicy, command: ["sleep", "60"], securityContext }],
        },
      },
    });
    return eventually("the kubelet's word", async () => {
      const { status } = await cluster().core.readNamespacedPod({ name: "thief", namespace });
      const [container] = status?.containerStatuses ?? [];
      assert.equal(container?.state?.running, undefined, "it runs");
      return /^(ErrImagePull|ImagePullBackOff)$/.test(container?.state?.waiting?.reason ?? "") &&
        (container?.state?.waiting?.message ?? "") !== ""
        ? container?.state?.waiting?.message
        : undefined;
    });
  }

  it("is built and pushed as the user that may, and is named by its digest", async () => {
    const name = `${repository}:anybody`;
    await output("docker", ["tag", outputs()["sandboxImage"] ?? "", name]);
    const { code, stderr } = await attempt("docker", ["push", "--quiet", name]);
    assert.ok(code !== 0 && /basic auth credentials|unauthorized/.test(stderr), stderr);
    said = await project.must("up", "--yes", "--suppress-progress", "--diff");
    image = (await project.must("stack", "output", "image", "--show-secrets")).trim();
    assert.match(image, new RegExp(`^${repository}:private-[0-9a-f]{16}@sha256:[0-9a-f]{64}$`));
  });

  it("leaves its passwords in no state, preview, output, process list or file in clear", async () => {
    const calls = readFileSync(join(project.dir, "docker-calls"), "utf8");
    assert.match(calls, /^login --username pusher --password-stdin /m);
    assert.match(calls, /^push /m);
    const folder = join(project.dir, "state/.pulumi");
    const state = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".json"))
      .map((path) => readFileSync(join(folder, path), "utf8"))
      .join("\n");
    assert.ok(state.includes("ciphertext"));
    const settings = join(process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json");
    const record = await kubectl(
      "get",
      "configmap",
      "sandbox-environment-private",
      "-n",
      namespace,
      "-o",
      "yaml",
    );
    assertNoSecret({
      "docker's arguments": calls,
      "the engine's state": state,
      "the output of an update": said,
      "a preview": await project.must("preview", "--diff"),
      "a preview for programs": JSON.stringify(await project.preview()),
      "docker's settings": existsSync(settings) ? readFileSync(settings, "utf8") : "none",
      "the environment's record": record.output,
    });
  });

  it("is not pulled for a pod without the Secret", async () => {
    assert.match(
      await pulledByThief("IfNotPresent"),
      /401 Unauthorized|authorization failed|basic auth credentials/,
    );
  });

  it("is pulled for a sandbox of the environment, which runs", async () => {
    const provisioner = await Deployed.find();
    const { status, body } = await provisioner.call<{ id: string; url: string; token: string }>(
      "POST",
      "/v1/sandboxes",
      { environment: "private" },
    );
    assert.equal(status, 201, JSON.stringify(body));
    const { body: reply } = await ask<{ data: { stdout: string } }>(
      "POST",
      `${body.url}/v1/bash/exec`,
      { "x-sandbox-token": body.token },
      { command: "cat /opt/private" },
    );
    assert.equal(reply.data.stdout.trim(), "private");
    await provisioner.call("DELETE", `/v1/sandboxes/${body.id}`);
  });

  it("is not given to a pod without the Secret that has it pulled, though the node has it now", async () => {
    assert.match(
      await pulledByThief("Always"),
      /401 Unauthorized|authorization failed|basic auth credentials/,
    );
  });
});
