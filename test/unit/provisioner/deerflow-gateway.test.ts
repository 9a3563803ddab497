// What gateways of DeerFlow ask for since its API grew: a number of shell sessions, a place for skills, which pod it is, and whether
// one is still there. Those that ask for none of it get what they always did.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { deerflowVolumes, servedMounts } from "../../../provisioner/src/model/deerflow-mounts.js";
import { shellSessionsOf } from "../../../provisioner/src/model/shell-sessions.js";
import { isSkillsRoot } from "../../../provisioner/src/model/skills-root.js";
import { gatewayBaseDir } from "../../support/gateway-body.js";
import { environment, eventually, house, type House, type Replica } from "./house.js";
import { writeKeysFile } from "./keys-file.js";

interface Described {
  readonly status: string;
  readonly container_id: string;
  readonly max_shell_sessions: number;
  readonly lark_cli_broker: boolean;
}

const owner = { tenant: "default", userId: "u1", threadId: "t1" };
const overrides = ["public", "custom", "legacy", "integrations"].map((kind) => ({
  hostPath: `${gatewayBaseDir}/users/u1/threads/t1/skills_view/${kind}`,
  containerPath: `/mnt/skills/${kind}`,
  readOnly: true,
}));

describe("DeerFlow's current gateways", () => {
  let home: House;
  let replica: Replica;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  const create = (id: string, more: object = {}) =>
    replica.call("POST", "/api/sandboxes", { sandbox_id: id, thread_id: "t1", user_id: "u1", ...more });
  const described = async (id: string, more: object = {}): Promise<Described> => {
    const answer = await create(id, more);
    assert.equal(answer.statusCode, 200, answer.body);
    return answer.json<Described>();
  };
  const variables = (uid: string): Record<string, string | undefined> => {
    const pod = home.cluster.pods().find(({ metadata }) => metadata.uid === uid);
    return Object.fromEntries(pod?.spec?.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? []);
  };

  it("are told which pod it is, how many shell sessions it keeps, and that it has no broker, by every answer", async () => {
    replica = await home.start();
    const made = await described("a");
    const [pod] = home.cluster.pods();
    assert.equal(made.container_id, pod?.metadata.uid);
    assert.deepEqual([made.max_shell_sessions, made.lark_cli_broker], [32, false]);
    assert.deepEqual((await replica.call("GET", "/api/sandboxes/a")).json(), made);
    const { sandboxes } = (await replica.call("GET", "/api/sandboxes")).json<{ sandboxes: Described[] }>();
    assert.deepEqual(sandboxes, [made]);
  });

  it("get as many shell sessions as they ask for: from the pool what its sandboxes keep, else a pod of its own", async () => {
    home.cluster.put("configmaps", environment("default", 1));
    replica = await home.start();
    await eventually("the pool is full", () => home.cluster.readyPods().length === 1);
    const [idle] = home.cluster.pods();
    assert.equal((await described("a", { max_shell_sessions: 13 })).container_id, idle?.metadata.uid);
    const own = await described("b", { max_shell_sessions: 40 });
    assert.equal(own.max_shell_sessions, 40);
    assert.equal(variables(own.container_id)["SANDBOXD_MAX_SESSIONS"], "40");
  });

  it("find a sandbox again that keeps as many, and are refused one that keeps fewer", async () => {
    replica = await home.start();
    const made = await described("a", { max_shell_sessions: 4 });
    for (const enough of [undefined, null, 1, 32])
      assert.deepEqual(await described("a", { max_shell_sessions: enough }), made);
    const refused = await create("a", { max_shell_sessions: 33 });
    assert.equal(refused.statusCode, 409);
    assert.match(refused.json<{ detail: string }>().detail, /keeps 32 shell sessions at once, and 33 are/);
    assert.equal(home.cluster.pods().length, 1);
    // Of two at once, the one that is given what the other has made is told if that is too little.
    const both = await Promise.all([create("c"), create("c", { max_shell_sessions: 40 })]);
    assert.deepEqual(
      both.map(({ statusCode }) => statusCode),
      [200, 409],
    );
    for (const wrong of [0, -1, 1.5, 257, "4"]) {
      const answer = await create("b", { max_shell_sessions: wrong });
      assert.equal(answer.statusCode, 422, String(wrong));
      assert.deepEqual(answer.json<{ detail: { loc: string[] }[] }>().detail[0]?.loc, [
        "body",
        "max_shell_sessions",
      ]);
    }
  });

  it("get them of another server too, by its own variable", async () => {
    replica = await home.start({ SANDBOX_SERVER: "aio", SANDBOX_SERVICE_TYPE: "ClusterIP" });
    assert.equal((await described("a", { max_shell_sessions: 10 })).max_shell_sessions, 10);
    const own = await described("b", { max_shell_sessions: 13 });
    assert.equal(own.max_shell_sessions, 13);
    assert.equal(variables(own.container_id)["MAX_SHELL_SESSIONS"], "13");
  });

  it("count on what the server in the sandbox does by itself, or as its environment says", () => {
    const source = readFileSync("sandboxd/internal/config/config.go", "utf8");
    const [, byItself] = /MaxSessions: (\d+)/.exec(source) ?? [];
    assert.equal(shellSessionsOf({ env: {} }, "sandboxd"), Number(byItself));
    for (const [value, count] of [
      ["7", 7],
      ["none", 32],
      ["-3", 32],
    ] as const)
      assert.equal(shellSessionsOf({ env: { SANDBOXD_MAX_SESSIONS: value } }, "sandboxd"), count);
  });

  it("do not ask too much of sandboxes from before their number was noted", async () => {
    replica = await home.start();
    await described("a");
    home.cluster.update("sandbox-a", (pod) => {
      delete pod.metadata.annotations?.["sandlot.dev/shell-sessions"];
    });
    const told = async () =>
      (await replica.call("GET", "/api/sandboxes/a")).json<Described>().max_shell_sessions;
    await eventually("it is seen", async () => (await told()) === 10);
    assert.equal((await create("a", { max_shell_sessions: 10 })).statusCode, 200);
  });

  it("have skills where they say: in views of the gateway's, and in mounts over them", async () => {
    replica = await home.start({ DEER_FLOW_HOST_BASE_DIR: gatewayBaseDir });
    const custom = {
      host_path: `${gatewayBaseDir}/users/u1/skills_view/custom`,
      container_path: "/skills/custom",
      read_only: true,
    };
    await described("a", { skills_container_path: "/skills", extra_mounts: [custom] });
    const mounts = home.cluster.pods()[0]?.spec?.containers[0]?.volumeMounts ?? [];
    const paths = mounts.map(({ mountPath }) => mountPath).filter((path) => path.includes("skills"));
    assert.deepEqual(paths.sort(), ["/skills/custom", "/skills/legacy", "/skills/public"]);
    assert.equal((await create("b", { extra_mounts: [custom] })).statusCode, 400);
    // The same place named or not is the same request; another is another.
    await described("c");
    await described("c", { skills_container_path: "/mnt/skills" });
    assert.equal((await create("c", { skills_container_path: "/skills" })).statusCode, 409);
  });

  it("cannot have skills hide anything that a sandbox needs, or lie in what it writes to", async () => {
    replica = await home.start({ DEER_FLOW_HOST_BASE_DIR: gatewayBaseDir });
    const answer = await create("a", { skills_container_path: "/etc/skills" });
    assert.equal(answer.statusCode, 422);
    const [detail] = answer.json<{ detail: { loc: string[]; msg: string }[] }>().detail;
    assert.deepEqual(detail?.loc, ["body", "skills_container_path"]);
    assert.match(detail.msg, /^is "\/etc\/skills", but must be .*neither above nor below .*\/etc/);
    for (const path of [
      "",
      "/",
      "skills",
      "/mnt",
      "/mnt/user-data",
      "/mnt/user-data/skills",
      "/home",
      "/a/../etc",
    ])
      assert.equal(isSkillsRoot(path), false, path);
    for (const path of [
      "/a/",
      "//a",
      "/a//b",
      "/a/.",
      "/a b",
      "/a:b",
      "/tmp/x",
      "/proc/1",
      `/${"a".repeat(256)}`,
    ])
      assert.equal(isSkillsRoot(path), false, path);
    for (const path of [
      "/mnt/skills",
      "/skills",
      "/opt/deer-flow/skills",
      "/mnt/user-data2",
      "/..a",
      "/usrx",
    ])
      assert.equal(isSkillsRoot(path), true, path);
  });

  it("bring all skills of a thread themselves, also where there is a claim of them", () => {
    const settings = {
      skillsClaim: "skills",
      userDataClaim: "home",
      baseDir: gatewayBaseDir,
      hostPaths: false,
    };
    const { served, leftOut } = servedMounts(settings, owner, overrides);
    assert.deepEqual([served.length, leftOut.length], [4, 0]);
    const volumes = deerflowVolumes(settings, owner, served);
    assert.deepEqual(
      volumes.map(({ mountPath }) => mountPath).filter((path) => path.startsWith("/mnt/skills")),
      overrides.map(({ containerPath }) => containerPath),
    );
    // With one of them missing, the claim is what there is.
    const some = servedMounts(settings, owner, overrides.slice(1));
    assert.deepEqual([some.served.length, some.leftOut.length], [0, 3]);
    assert.ok(deerflowVolumes(settings, owner, []).some(({ mountPath }) => mountPath === "/mnt/skills"));
  });

  it("are refused a sandbox that would hold credentials which a broker was to hold", async () => {
    replica = await home.start();
    const answer = await create("a", { provision_lark_cli_broker: true });
    assert.equal(answer.statusCode, 503);
    // By this the gateway asks again what there is.
    assert.equal(answer.headers["x-deerflow-capability-refresh"], "lark-broker");
    assert.equal(home.cluster.pods().length, 0);
    const runtime = await create("a", { provision_lark_cli_runtime: true });
    assert.equal(runtime.statusCode, 200);
  });

  describe("ask whether a pod is there", () => {
    const presence = async (id: string, headers?: Record<string, string>) => {
      const answer = await replica.call("GET", `/api/sandboxes/${id}/presence`, undefined, headers);
      return {
        status: answer.statusCode,
        body: answer.json<{ exists?: boolean; container_id?: string | null }>(),
      };
    };

    it("and hear of one until it has gone, and of none before and after", async () => {
      home.cluster.stopMs = undefined;
      replica = await home.start();
      const none = { sandbox_id: "a", exists: false, container_id: null };
      assert.deepEqual(await presence("a"), { status: 200, body: none });
      const { container_id } = await described("a");
      const there = { sandbox_id: "a", exists: true, container_id };
      assert.deepEqual(await presence("a"), { status: 200, body: there });
      await replica.call("DELETE", "/api/sandboxes/a");
      assert.equal((await replica.call("GET", "/api/sandboxes/a")).statusCode, 404);
      assert.deepEqual(await presence("a"), { status: 200, body: there });
      home.cluster.lose("sandbox-a");
      assert.deepEqual(await presence("a"), { status: 200, body: none });
      for (const id of ["A", "..%2fb", "a%2Cb"]) assert.equal((await presence(id)).body.exists, false);
    });

    it("and hear of no other tenant's, and of trouble what it is", async () => {
      const acme = "a-key-of-the-tenant-acme";
      const folder = mkdtempSync(join(tmpdir(), "sandlot-keys-"));
      try {
        replica = await home.start({ API_KEYS_FILE: writeKeysFile(folder, { acme }) });
      } finally {
        rmSync(folder, { recursive: true });
      }
      await described("a");
      assert.equal((await presence("a", { "x-api-key": acme })).body.exists, false);
      const unknown = await replica.call("GET", "/api/sandboxes/a/presence", undefined, {
        "x-api-key": "none",
      });
      assert.equal(unknown.statusCode, 401);
      home.cluster.fault = ({ method, path }) =>
        method === "GET" && path.endsWith("/pods") ? { status: 500 } : undefined;
      assert.equal((await presence("a")).status, 503);
    });
  });
});
