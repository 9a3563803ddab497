// Skills and lasting data: whose folder a request leads to, attacked; and both APIs, which lead to the same ones.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";

import {
  deerflowVolumes,
  type MountSettings,
  type Owner,
} from "../../../provisioner/src/model/deerflow-mounts.js";
import { askedVolumes, readUserData } from "../../../provisioner/src/model/mounts.js";
import { documented, type Documented } from "./documented.js";
import { apiKey, environment, eventually, house, type House, type Replica } from "./house.js";
import { writeKeysFile } from "./keys-file.js";

/** Names that are also names of folders on the way, among any others. */
const named = (pattern: RegExp) =>
  fc.oneof(
    fc.constantFrom("users", "threads", "user-data", "default", "tenants", "a"),
    fc.stringMatching(pattern),
  );
const owners: fc.Arbitrary<Owner> = fc.record({
  tenant: named(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
  userId: fc.oneof(named(/^[A-Za-z0-9_-]{1,128}$/), fc.constantFrom("__proto__", "-rf", "A")),
  threadId: named(/^[A-Za-z0-9_-]{1,64}$/),
});

const folderOf = (settings: MountSettings, owner: Owner): string => {
  const [place, ...others] = deerflowVolumes(settings, owner, []).filter(
    ({ mountPath }) => mountPath === "/mnt/user-data",
  );
  assert.deepEqual(others, []);
  return place?.subPath ?? place?.volume.hostPath?.path ?? assert.fail("it has no folder");
};

/** Fails if a sandbox with one folder would see the other's. */
const areApart = (one: string, other: string): void => {
  assert.notEqual(one, other);
  assert.ok(!`${one}/`.startsWith(`${other}/`) && !`${other}/`.startsWith(`${one}/`), `${one}, ${other}`);
};

describe("folders of lasting data", () => {
  for (const settings of [{ userDataClaim: "data" }, { baseDir: "/state" }])
    it(`are apart by tenant, user and thread, whatever they are called: ${Object.keys(settings).join()}`, () => {
      fc.assert(
        fc.property(owners, owners, (one, other) => {
          fc.pre(JSON.stringify(one) !== JSON.stringify(other));
          areApart(folderOf(settings, one), folderOf(settings, other));
        }),
        { numRuns: 2_000 },
      );
    });

  it("are apart by tenant where the node keeps them by thread alone", () => {
    const settings = { threadsHostPath: "/threads" };
    fc.assert(
      fc.property(owners, owners, (one, other) => {
        fc.pre(one.tenant !== other.tenant || one.threadId !== other.threadId);
        areApart(folderOf(settings, one), folderOf(settings, other));
      }),
      { numRuns: 2_000 },
    );
  });

  it("of different tenants are apart even on a volume that takes upper and lower case for the same", () => {
    fc.assert(
      fc.property(owners, owners, (one, other) => {
        fc.pre(one.tenant !== other.tenant);
        const [first, second] = [one, other].map((each) =>
          folderOf({ userDataClaim: "d" }, each).toLowerCase(),
        );
        areApart(first ?? "", second ?? "");
      }),
      { numRuns: 2_000 },
    );
  });

  it("are where DeerFlow's gateway keeps them: those of the tenant `default` under the user's name, others beside them", () => {
    const owner = { userId: "u", threadId: "t" };
    assert.equal(
      folderOf({ userDataClaim: "d" }, { tenant: "default", ...owner }),
      "deer-flow/users/u/threads/t/user-data",
    );
    assert.equal(
      folderOf({ baseDir: "/state" }, { tenant: "acme", ...owner }),
      "/state/users/acme.u/threads/t/user-data",
    );
  });

  it("have skills by user or thread apart as well", () => {
    const part = (tenant: string, skillsSubPath: string) =>
      askedVolumes({ skillsClaim: "s", userDataClaim: "d", skillsSubPath }, tenant, {
        skills: true,
        userData: { userId: "u", threadId: "t" },
      }).volumes.find(({ mountPath }) => mountPath === "/mnt/skills")?.subPath;
    for (const [template, ...parts] of [
      ["{user_id}/skills", "u/skills", "acme.u/skills", "other.u/skills"],
      ["{user_id}/{thread_id}", "u/t", "acme.u/t", "other.u/t"],
      ["of/{thread_id}", "of/t", "of/acme.t", "of/other.t"],
    ] as const)
      assert.deepEqual(
        ["default", "acme", "other"].map((tenant) => part(tenant, template)),
        parts,
      );
  });

  it("are read from an annotation, in which nothing else counts", () => {
    assert.deepEqual(readUserData('{"userId":"u","threadId":"t"}'), { userId: "u", threadId: "t" });
    for (const text of ["", "u", "null", "[]", '{"userId":"../u","threadId":"t"}', '{"userId":"u"}'])
      assert.equal(readUserData(text), undefined, text);
  });
});

describe("sandboxes with skills and lasting data", () => {
  let home: House;
  let replica: Replica;
  let api: Documented;
  let folder: string;
  const keys = { one: `${"1".repeat(20)}-one`, two: `${"2".repeat(20)}-two` };
  const [one, two] = [{ "x-api-key": keys.one }, { "x-api-key": keys.two }];
  const volumes = { SKILLS_PVC_NAME: "skills", USERDATA_PVC_NAME: "data" };

  interface Shown {
    id: string;
    skills: boolean;
    userData?: object;
  }
  interface Wrong {
    errors: { field: string; message: string }[];
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-keys-"));
    writeKeysFile(folder, keys);
    home = await house();
  });

  afterEach(async () => {
    await home.end();
    rmSync(folder, { recursive: true });
  });

  const start = async (variables: Record<string, string> = volumes): Promise<void> => {
    replica = await home.start({ API_KEYS_FILE: join(folder, "keys.json"), ...variables });
    api = await documented(replica);
  };
  const create = (body: object, headers: Record<string, string> = { "x-api-key": apiKey }) =>
    api.call("POST", "/v1/sandboxes", body, headers);
  const wrong = async (body: object): Promise<string[]> => {
    const answer = await create(body);
    assert.equal(answer.statusCode, 422, JSON.stringify(body));
    return answer.json<Wrong>().errors.map(({ field, message }) => `${field} ${message}`);
  };
  const podOf = (id: string, tenant = "default") =>
    home.cluster
      .livePods()
      .find(
        ({ metadata: { labels } }) =>
          labels?.["sandlot.dev/sandbox-id"] === id && labels["sandlot.dev/tenant"] === tenant,
      );
  const mountOf = (path: string, id: string, tenant?: string) =>
    podOf(id, tenant)?.spec?.containers[0]?.volumeMounts?.find(({ mountPath }) => mountPath === path);

  it("see both, and are shown with them, to the tenant alone", async () => {
    await start();
    const body = { id: "a", skills: true, userData: { userId: "u", threadId: "t" } };
    const made = await create(body, one);
    assert.equal(made.statusCode, 201, made.body);
    assert.deepEqual(mountOf("/mnt/skills", "a", "one"), {
      ...{ name: "skills", mountPath: "/mnt/skills", readOnly: true },
    });
    const volume = podOf("a", "one")?.spec?.volumes?.find(({ name }) => name === "skills");
    assert.equal(volume?.persistentVolumeClaim?.readOnly, true);
    assert.equal(mountOf("/mnt/user-data", "a", "one")?.subPath, "deer-flow/users/one.u/threads/t/user-data");
    const shown = (await api.call("GET", "/v1/sandboxes/a", undefined, one)).json<Shown>();
    assert.deepEqual([shown.skills, shown.userData], [true, body.userData]);
    const list = await api.call("GET", "/v1/sandboxes", undefined, one);
    assert.deepEqual(list.json<{ items: Shown[] }>().items[0]?.userData, body.userData);
    assert.equal((await api.call("GET", "/v1/sandboxes/a", undefined, two)).statusCode, 404);
  });

  it("have neither unless they ask, and then an idle pod does", async () => {
    home.cluster.put("configmaps", environment("default", 1));
    await start();
    await eventually("the pool is full", async () => {
      const answer = await api.call("GET", "/v1/environments");
      return answer.json<{ items: { pool: { ready: number } }[] }>().items[0]?.pool.ready === 1;
    });
    const cold = (await create({ id: "cold", userData: { userId: "u" } })).json<Shown>();
    assert.deepEqual([cold.skills, cold.userData], [false, { userId: "u", threadId: "default" }]);
    assert.equal(podOf("cold")?.metadata.name, "sandbox-cold");
    const warm = (await create({ id: "warm", skills: false })).json<Shown>();
    assert.deepEqual([warm.skills, warm.userData], [false, undefined]);
    assert.match(podOf("warm")?.metadata.name ?? "", /^warm-/);
    assert.equal(mountOf("/mnt/skills", "warm"), undefined);
    assert.equal(mountOf("/mnt/user-data", "warm")?.subPath, undefined);
  });

  it("of two tenants with the same user have different data, by either API", async () => {
    await start();
    const userData = { userId: "alice", threadId: "t" };
    const seen = [];
    for (const [tenant, headers] of [
      ["default", { "x-api-key": apiKey }],
      ["one", one],
      ["two", two],
    ] as const) {
      assert.equal((await create({ id: "v1", userData }, headers)).statusCode, 201);
      const deerflow = { sandbox_id: "gateway", user_id: "alice", thread_id: "t" };
      assert.equal((await replica.call("POST", "/api/sandboxes", deerflow, headers)).statusCode, 200);
      const data = mountOf("/mnt/user-data", "v1", tenant)?.subPath;
      assert.ok(data);
      // The gateway of a tenant and its own calls of /v1 see the same.
      assert.equal(mountOf("/mnt/user-data", "gateway", tenant)?.subPath, data);
      const shown = (await api.call("GET", "/v1/sandboxes/gateway", undefined, headers)).json<Shown>();
      assert.deepEqual([shown.skills, shown.userData], [true, userData]);
      seen.push(data);
    }
    assert.equal(new Set(seen).size, 3);
  });

  it("may be two of one user at once, with the same folder", async () => {
    await start();
    const userData = { userId: "u", threadId: "t" };
    const made = await Promise.all([
      create({ id: "a", userData }),
      create({ id: "b", userData }),
      create({ id: "c", userData: { userId: "U", threadId: "t" } }),
    ]);
    assert.deepEqual(
      made.map(({ statusCode }) => statusCode),
      [201, 201, 201],
    );
    const [a, b, c] = ["a", "b", "c"].map((id) => mountOf("/mnt/user-data", id)?.subPath);
    assert.equal(a, b);
    assert.notEqual(a, c);
  });

  it("are the same request only with the same skills and user", async () => {
    await start();
    const body = { id: "a", skills: true, userData: { userId: "u" } };
    assert.equal((await create(body)).statusCode, 201);
    assert.equal((await create({ ...body, userData: { userId: "u", threadId: "default" } })).statusCode, 200);
    for (const other of [
      { id: "a" },
      { ...body, skills: false },
      { id: "a", skills: true },
      { ...body, userData: { userId: "v" } },
      { ...body, userData: { userId: "u", threadId: "t" } },
    ])
      assert.equal((await create(other)).statusCode, 409, JSON.stringify(other));
    const key = { "idempotency-key": "k" };
    assert.equal(
      (await create({ userData: { userId: "u" } }, { "x-api-key": apiKey, ...key })).statusCode,
      201,
    );
    assert.equal(
      (await create({ userData: { userId: "v" } }, { "x-api-key": apiKey, ...key })).statusCode,
      409,
    );
    // Without either, nothing and false are the same request.
    assert.equal((await create({ id: "plain" })).statusCode, 201);
    assert.equal((await create({ id: "plain", skills: false })).statusCode, 200);
  });

  it("are not made for ids that could be paths, or names of something else", async () => {
    await start();
    const bad = [
      ...["", ".", "..", "../u", "u/..", "/etc", "a/b", "a\\b", ".tenants", "one.u", "%2e%2e", "u\n", "u\0"],
      ...[" u", "ü", "ｕ", "u\u0301", "{user_id}", "$(id)", "a".repeat(200)],
    ];
    for (const id of bad) {
      const [user = ""] = await wrong({ userData: { userId: id } });
      assert.match(user, /^userData\.userId is ".*", but must be 1 to 128 letters, digits, _ and -$/s);
      const [thread = ""] = await wrong({ userData: { userId: "u", threadId: id } });
      assert.match(thread, /^userData\.threadId is ".*", but must be 1 to 64 letters, digits, _ and -$/s);
    }
    assert.equal((await wrong({ userData: { userId: "a".repeat(1_000_000) } })).join().length < 300, true);
    for (const other of [null, "u", {}, { userId: 1 }, { userId: ["u"] }, { userId: "u", tenant: "two" }])
      assert.match((await wrong({ userData: other })).join(), /^userData/);
    for (const other of ["yes", 1, null, {}])
      assert.match((await wrong({ skills: other })).join(), /^skills/);
    assert.deepEqual(home.cluster.pods(), []);
  });

  it("are refused where there is nothing to mount, by the field's name", async () => {
    await start({});
    assert.match(
      (await wrong({ skills: true })).join(),
      /^skills is true, but must be false or absent: this provisioner has no skills .*SKILLS_PVC_NAME/,
    );
    const [skills, data] = await wrong({ skills: true, userData: { userId: "u" } });
    assert.match(skills ?? "", /^skills is true/);
    assert.match(
      data ?? "",
      /^userData is given, but must be absent: .* keeps no users' data .*USERDATA_PVC_NAME/,
    );
    assert.deepEqual(home.cluster.pods(), []);
  });

  it("are refused where users would not be apart", async () => {
    await start({ THREADS_HOST_PATH: "/threads" });
    assert.match(
      (await wrong({ userData: { userId: "u" } })).join(),
      /^userData .*THREADS_HOST_PATH.*not be apart/,
    );
  });

  it("need a user where skills are by user", async () => {
    await start({ ...volumes, SKILLS_PVC_SUBPATH_TEMPLATE: "of/{user_id}" });
    assert.match(
      (await wrong({ skills: true })).join(),
      /^skills .*without userData.*SKILLS_PVC_SUBPATH_TEMPLATE/,
    );
    assert.equal((await create({ id: "a", skills: true, userData: { userId: "u" } })).statusCode, 201);
    assert.equal(mountOf("/mnt/skills", "a")?.subPath, "of/u");
  });

  it("have skills for everybody from the claim that holds the gateway's state, where there is no other", async () => {
    await start({
      ...{ HOST_PATH_MOUNTS: "false", USERDATA_PVC_NAME: "data" },
      DEER_FLOW_HOST_BASE_DIR: "/state",
    });
    assert.equal((await create({ id: "a", skills: true }, one)).statusCode, 201);
    assert.deepEqual(mountOf("/mnt/skills/public", "a", "one"), {
      ...{ name: "state", mountPath: "/mnt/skills/public", readOnly: true },
      subPath: "deer-flow/skills_view/public",
    });
  });

  it("have folders of the node where those are configured, handed to the sandbox's user, and nobody's own skills", async () => {
    await start({ DEER_FLOW_HOST_BASE_DIR: "/state" });
    assert.equal((await create({ id: "a", skills: true, userData: { userId: "u" } }, one)).statusCode, 201);
    const spec = podOf("a", "one")?.spec;
    const path = (name: string) => spec?.volumes?.find((each) => each.name === name)?.hostPath?.path;
    assert.equal(path("user-data"), "/state/users/one.u/threads/default/user-data");
    assert.equal(path("skills-public"), "/state/skills_view/public");
    assert.equal(mountOf("/mnt/skills/public", "a", "one")?.readOnly, true);
    const [init] = spec?.initContainers ?? [];
    assert.deepEqual(init?.command, ["chown", "1000:1000", "/mnt/user-data"]);
  });
});
