// Skills and lasting data of sandboxes on a real cluster: what outlives a sandbox, who sees it again, and who never does.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SkillsStorage, UserDataStorage, VolumeAccessMode } from "@sandlot/components";
import { execa } from "execa";

import { gatewayBaseDir, gatewayBody } from "../../support/gateway-body.js";
import { SandboxClient } from "../../support/sandbox-client.js";
import { eventually, kubectl, node } from "../support/cluster.js";
import { applyAll, manifestsOf, type Manifest } from "../support/manifests.js";
import { writeKeysFile } from "../../unit/provisioner/keys-file.js";
import { apiKey, Stage } from "./stage.js";

interface Sandbox {
  readonly id: string;
  readonly url: string;
  readonly token: string;
}
type Tenant = "default" | "acme" | "other";

const keys: Readonly<Record<Tenant, string>> = {
  ...{ default: apiKey, acme: "a".repeat(40), other: "o".repeat(40) },
};
const skillsFolder = `/var/lib/sandlot-test-mounts-${process.pid}`;

describe("skills and lasting data", function () {
  this.timeout(300_000);
  let stage: Stage;
  let folder: string;
  let skills: Manifest[];
  let dataClaim: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-mounts-"));
    const keysFile = writeKeysFile(folder, { acme: keys.acme, other: keys.other });
    const prepare = `mkdir -p ${skillsFolder} && echo shown > ${skillsFolder}/skill.md && chmod 0777 ${skillsFolder}`;
    await execa("docker", ["exec", node, "sh", "-c", prepare]);
    stage = new Stage(`sandlot-mounts-${process.pid}`);
    await stage.set(0);
    const { namespace } = stage;
    skills = await manifestsOf(() => new SkillsStorage("skills", { namespace, hostPath: skillsFolder }));
    const users = await manifestsOf(() => {
      const accessMode = VolumeAccessMode.ReadWriteOnce;
      new UserDataStorage("users", { namespace, storageClass: "local-path", accessMode, size: "64Mi" });
    });
    await applyAll([...skills, ...users]);
    const claim = (manifests: Manifest[]): string =>
      manifests.find(({ kind }) => kind === "PersistentVolumeClaim")?.metadata.name ??
      assert.fail("no claim");
    dataClaim = claim(users);
    await stage.start({
      ...{ API_KEYS_FILE: keysFile, READY_TIMEOUT_SECONDS: "110" },
      ...{ SKILLS_PVC_NAME: claim(skills), USERDATA_PVC_NAME: dataClaim },
    });
  });

  after(async () => {
    await stage.strike();
    for (const { kind, metadata } of skills)
      if (kind === "PersistentVolume") await kubectl("delete", "pv", metadata.name, "--ignore-not-found");
    await execa("docker", ["exec", node, "rm", "-rf", skillsFolder]);
    rmSync(folder, { recursive: true });
  });

  const create = async (body: object, tenant: Tenant = "default"): Promise<Sandbox> => {
    const { status, body: made } = await stage.call<Sandbox>("POST", "/v1/sandboxes", body, {
      "x-api-key": keys[tenant],
    });
    assert.equal(status, 201, JSON.stringify(made));
    return made;
  };
  const run = async ({ url, token }: Sandbox, command: string) => {
    const response = await fetch(`${url}/v1/bash/exec`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-sandbox-token": token },
      body: JSON.stringify({ command, hard_timeout: 20 }),
    });
    assert.equal(response.status, 200);
    const { data } = (await response.json()) as { data: { stdout: string; exit_code: number | null } };
    return { ...data, stdout: data.stdout.trim() };
  };
  const destroy = async ({ id }: { id: string }, tenant: Tenant = "default"): Promise<void> => {
    const headers = { "x-api-key": keys[tenant] };
    const { status } = await stage.call("DELETE", `/v1/sandboxes/${id}`, undefined, headers);
    assert.equal(status, 204);
    await eventually("its pod is gone", async () =>
      (await stage.pods()).every(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] !== id),
    );
  };

  it("skills are read by a sandbox of /v1, and written by none", async () => {
    const made = await create({ id: "skilled", skills: true });
    assert.equal((await run(made, "cat /mnt/skills/skill.md")).stdout, "shown");
    assert.notEqual((await run(made, "echo changed > /mnt/skills/skill.md")).exit_code, 0);
    assert.notEqual((await run(made, "touch /mnt/skills/more.md")).exit_code, 0);
    await destroy(made);
    const plain = await create({ id: "plain" });
    assert.equal((await run(plain, "ls /mnt/skills")).stdout, "");
    await destroy(plain);
  });

  it("a user's data is there for the user's next sandbox, of either API, and for no other user, thread or tenant", async () => {
    const alice = { userId: "alice", threadId: "t1" };
    const first = await create({ id: "first", userData: alice }, "acme");
    await run(
      first,
      "mkdir /mnt/user-data/notes && echo of-acme-alice > /mnt/user-data/notes/secret-note.txt",
    );
    assert.equal((await run(first, "id -u && stat -c %g /mnt/user-data/notes")).stdout, "1000\n1000");
    await destroy(first, "acme");

    const next = await create({ id: "next", userData: alice }, "acme");
    const read = "cat /mnt/user-data/notes/secret-note.txt";
    assert.equal((await run(next, read)).stdout, "of-acme-alice");
    // Two at once have one folder.
    const beside = await create({ id: "beside", userData: alice }, "acme");
    await run(beside, "echo too > /mnt/user-data/from-beside");
    assert.equal((await run(next, "cat /mnt/user-data/from-beside")).stdout, "too");
    await destroy(beside, "acme");

    // DeerFlow's API leads the same tenant to the same folder.
    const body = { sandbox_id: "gateway", user_id: "alice", thread_id: "t1" };
    const gateway = await stage.call<{ sandbox_url: string }>("POST", "/api/sandboxes", body, {
      "x-api-key": keys.acme,
    });
    assert.equal(gateway.status, 200, JSON.stringify(gateway.body));
    const client = new SandboxClient(gateway.body.sandbox_url);
    assert.equal((await client.shell(read)).body.data.output, "of-acme-alice");
    await destroy({ id: "gateway" }, "acme");

    const nowhere = "ls -A /mnt/user-data | grep -vx .last-used; find / -name 'secret-note*' 2>/dev/null";
    for (const [tenant, userData] of [
      ["other", alice],
      ["default", alice],
      ["default", { userId: "acme", threadId: "t1" }],
      ["other", { userId: "acme", threadId: "t1" }],
      ["acme", { userId: "bob", threadId: "t1" }],
      ["acme", { userId: "Alice", threadId: "t1" }],
      ["acme", { userId: "alice", threadId: "t2" }],
      ["acme", undefined],
    ] as const) {
      const made = await create({ id: "curious", ...(userData === undefined ? {} : { userData }) }, tenant);
      assert.equal((await run(made, nowhere)).stdout, "", `${tenant} ${JSON.stringify(userData)}`);
      await destroy(made, tenant);
    }
    await destroy(next, "acme");
  });

  it("the gateway's mounts are in the claim that holds its state: what is written to one is there for the thread's next sandbox", async () => {
    const replica = await stage.replica({
      ...{ READY_TIMEOUT_SECONDS: "110", USERDATA_PVC_NAME: dataClaim },
      DEER_FLOW_HOST_BASE_DIR: gatewayBaseDir,
    });
    const user = { userId: "gateway-user", threadId: "t1" };
    const made = async (id: string): Promise<SandboxClient> => {
      const answer = await replica.call<{ sandbox_url: string }>(
        "POST",
        "/api/sandboxes",
        gatewayBody(id, user),
      );
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return new SandboxClient(answer.body.sandbox_url);
    };
    try {
      const first = await made("state-1");
      const written = "echo kept > /mnt/acp-workspace/note && cat /mnt/acp-workspace/note";
      assert.equal((await first.shell(written)).body.data.output, "kept");
      const denied = await first.bash("touch /mnt/skills/custom/mine", { hard_timeout: 10 });
      assert.notEqual(denied.body.data.exit_code, 0);
      const views = await first.shell("ls /mnt/skills");
      assert.equal(views.body.data.output.split(/\s+/).sort().join(), "custom,legacy,public");
      await destroy({ id: "state-1" });
      const next = await made("state-2");
      assert.equal((await next.shell("cat /mnt/acp-workspace/note")).body.data.output, "kept");
      await destroy({ id: "state-2" });
    } finally {
      await replica.kill("SIGTERM");
    }
  });

  it("links that code leaves in its data lead no later sandbox out of it", async () => {
    const userData = { userId: "mallory", threadId: "t" };
    const before = await create({ id: "plants", userData }, "other");
    const planted = [
      "ln -s ../../../../../.. /mnt/user-data/up",
      "ln -s / /mnt/user-data/root",
      "ln -s /mnt/user-data/../../acme /mnt/user-data/acme",
    ];
    assert.equal((await run(before, planted.join(" && "))).exit_code, 0);
    // Neither may the folder itself be swapped for a link.
    assert.notEqual((await run(before, "mv /mnt/user-data /mnt/moved || rmdir /mnt/user-data")).exit_code, 0);
    await destroy(before, "other");
    const after = await create({ id: "follows", userData }, "other");
    const found = await run(after, "find -L /mnt/user-data -maxdepth 4 -name 'secret-note*' 2>/dev/null");
    assert.equal(found.stdout, "");
    assert.equal((await run(after, "ls /mnt/user-data/acme/ 2>/dev/null")).stdout, "");
    await destroy(after, "other");
  });
});
