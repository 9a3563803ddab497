// How large a sandbox may be and what it runs in: the bounds, attacked; and both APIs with pools, quotas and repeated requests.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";

import { parseKeys } from "../../../provisioner/src/config/keys.js";
import { environmentOfImage, type Environment } from "../../../provisioner/src/model/environment.js";
import { parseQuantity } from "../../../provisioner/src/model/quantity.js";
import { isAmount, sized, type AskedSize, type TenantBounds } from "../../../provisioner/src/model/size.js";
import { documented, type Documented } from "./documented.js";
import { environment, eventually, house, type House } from "./house.js";

const plain: Environment = { ...environmentOfImage("e", "i:1"), runtimeClassName: "gvisor" };
const amounts = (cpu: string, memory: string, disk: string) => ({ cpu, memory, "ephemeral-storage": disk });

const problems = (asked: AskedSize, own: Environment = plain, tenant: TenantBounds = {}): string[] =>
  sized(own, asked, tenant).problems.map(({ field, message }) => `${field} ${message}`);

describe("the size of a sandbox", () => {
  it("is the environment's own where nothing, or the same, is asked for", () => {
    const same = { limits: { cpu: "1000m", memory: "1024Mi" }, requests: { cpu: "0.1" } };
    for (const asked of [{}, { resources: {} }, { resources: same }, { runtime: "gvisor" }]) {
      const { own, environment: made } = sized(plain, asked);
      assert.ok(own);
      assert.equal(made, plain);
    }
  });

  it("may be less, and requests follow limits down", () => {
    const {
      own,
      environment: made,
      problems: none,
    } = sized(plain, {
      resources: { limits: { memory: "64Mi" } },
    });
    assert.deepEqual([own, none], [false, []]);
    assert.deepEqual(made.resources.limits, amounts("1", "64Mi", "1Gi"));
    assert.deepEqual(made.resources.requests, amounts("100m", "64Mi", "256Mi"));
  });

  it("is no more than the environment's own, unless its record says so", () => {
    const asked = { resources: { limits: { cpu: "4.1", memory: "2Gi" }, requests: { cpu: "2" } } };
    assert.deepEqual(problems(asked), [
      'resources.limits.cpu is "4.1", but must be at most "1" in "e"',
      'resources.requests.cpu is "2", but must be at most "100m" in "e"',
      'resources.limits.memory is "2Gi", but must be at most "1Gi" in "e"',
    ]);
    const large = { ...plain, maxResources: { cpu: "4100m", memory: "2Gi" } };
    assert.deepEqual(problems(asked, large), []);
    assert.deepEqual(problems({ resources: { limits: { ephemeralStorage: "2Gi" } } }, large), [
      'resources.limits.ephemeralStorage is "2Gi", but must be at most "1Gi" in "e"',
    ]);
    assert.deepEqual(problems({ resources: { limits: { cpu: "500m" }, requests: { cpu: "1" } } }, large), [
      'resources.requests.cpu is "1", but must be at most the limit, which is "500m"',
    ]);
  });

  it("runs in no other runtime than the environment's, unless its record allows that by name", () => {
    for (const runtime of ["runc", "", "gvisor2", "GVISOR"])
      assert.deepEqual(problems({ runtime }), [
        `runtime is ${JSON.stringify(runtime)}, but must be "gvisor" in "e"`,
      ]);
    const more = { ...plain, runtimes: ["kata"] };
    assert.deepEqual(problems({ runtime: "kata" }, more), []);
    assert.equal(sized(more, { runtime: "kata" }).environment.runtimeClassName, "kata");
    assert.equal(sized(more, { runtime: "kata" }).own, false);
    assert.equal(sized(more, {}).environment.runtimeClassName, "gvisor");
    assert.deepEqual(problems({ runtime: "runc" }, more), [
      'runtime is "runc", but must be one of "gvisor", "kata" in "e"',
    ]);
    // The nodes' ordinary runtime has no name to ask for.
    const ordinary = environmentOfImage("e", "i:1");
    assert.deepEqual(problems({ runtime: "gvisor" }, ordinary), [
      `runtime is "gvisor", but must be absent: "e" has the nodes' ordinary runtime alone`,
    ]);
    // A tenant that must have another one has nothing to leave out.
    assert.deepEqual(problems({}, ordinary, { runtimes: ["kata", "gvisor"] }), [
      `runtime is not given, and that of "e" is the nodes' ordinary one, but must be one of "kata", "gvisor" for you, ` +
        'which "e" does not have: take another environment',
    ]);
  });

  it("keeps to a tenant's bounds, also where the environment is larger by itself", () => {
    const tenant = { maxResources: { cpu: "500m" }, runtimes: ["gvisor"] };
    assert.deepEqual(problems({}, plain, tenant), [
      `resources.limits.cpu is not given, and the environment's own is "1", but must be at most "500m" for you`,
    ]);
    assert.deepEqual(problems({ resources: { limits: { cpu: "500m" } } }, plain, tenant), []);
    assert.match(
      problems({}, environmentOfImage("e", "i:1"), { runtimes: ["gvisor"] }).join(),
      /runtime is not given, and that of "e" is the nodes' ordinary one/,
    );
    const weak = { ...plain, runtimeClassName: "runc", runtimes: ["gvisor", "kata"] };
    assert.match(
      problems({}, weak, tenant).join(),
      /runtime is not given, and that of "e" is "runc", but must be "gvisor"/,
    );
    assert.match(problems({ runtime: "kata" }, weak, tenant).join(), /must be "gvisor" in "e"/);
  });

  it("takes no amount that Kubernetes would read as no limit, or not at all", () => {
    for (const bad of [
      "0",
      "0.0",
      "0Mi",
      "0m",
      "-1",
      "+1",
      "1e3",
      "1e400",
      "NaN",
      "Infinity",
      "",
      " 1",
      "1 ",
      "1mi",
      "0x10",
      "٣",
      `1${"0".repeat(30)}`,
    ])
      assert.ok(!isAmount(bad), bad);
    for (const good of ["1", "0.5", "100m", "64Mi", "1Ei", "2k"]) assert.ok(isAmount(good), good);
  });

  it("is never more than what was allowed, whatever is asked for", () => {
    const quantity = fc
      .tuple(fc.integer({ min: 1, max: 9999 }), fc.constantFrom("", "m", "k", "M", "Mi", "G", "Gi", "T"))
      .map(([number, unit]) => `${number}${unit}`);
    const some = fc.record(
      { cpu: quantity, memory: quantity, ephemeralStorage: quantity },
      { requiredKeys: [] },
    );
    const name = fc.constantFrom("gvisor", "kata", "runc");
    const asks = fc.record(
      { resources: fc.record({ limits: some, requests: some }, { requiredKeys: [] }), runtime: name },
      { requiredKeys: [] },
    );
    const tenants = fc.record(
      { maxResources: some, runtimes: fc.uniqueArray(name, { minLength: 1 }) },
      { requiredKeys: [] },
    );
    const mosts = fc.record({ cpu: quantity, memory: quantity }, { requiredKeys: [] });
    const least = (text: string | undefined): number => parseQuantity(text ?? "") ?? Infinity;
    fc.assert(
      fc.property(asks, tenants, mosts, (asked, tenant, maxResources) => {
        const own = { ...plain, maxResources, runtimes: ["kata"] };
        const result = sized(own, asked, tenant);
        if (result.problems.length > 0) return;
        const { resources, runtimeClassName } = result.environment;
        assert.ok(["gvisor", "kata"].includes(runtimeClassName ?? ""));
        assert.ok(tenant.runtimes?.includes(runtimeClassName as never) !== false);
        for (const [key, bound] of [
          ["cpu", tenant.maxResources?.cpu],
          ["memory", tenant.maxResources?.memory],
          ["ephemeral-storage", tenant.maxResources?.ephemeralStorage],
        ] as const) {
          const most = Math.max(
            least(plain.resources.limits[key]),
            least((maxResources as Record<string, string>)[key] ?? "0"),
          );
          assert.ok(least(resources.limits[key]) <= Math.min(most, least(bound)), key);
          assert.ok(least(resources.requests[key]) <= least(resources.limits[key]), key);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("has bounds in the file of keys, which are refused when they say nothing", () => {
    const key = { name: "k", sha256: "0".repeat(64) };
    const file = (more: object) =>
      parseKeys(JSON.stringify({ version: 1, tenants: { t: { keys: [key], ...more } } }));
    const [caller] = file({ maxResources: { memory: "2Gi" }, runtimes: ["gvisor"] }).values();
    assert.deepEqual(caller?.bounds, { maxResources: { memory: "2Gi" }, runtimes: ["gvisor"] });
    assert.throws(
      () => file({ maxResources: { cpu: "0" } }),
      /tenants\.t\.maxResources\.cpu: is "0", but must be a quantity above zero/,
    );
    assert.throws(() => file({ runtimes: [] }), /tenants\.t\.runtimes/);
    assert.throws(() => file({ maxResources: { disk: "1Gi" } }), /maxResources/);
  });
});

describe("asking for another size", () => {
  let home: House;
  let api: Documented;
  let folder: string;
  const small = { "x-api-key": "the key of a small tenant" };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-sizes-"));
    const hash = createHash("sha256").update(small["x-api-key"]).digest("hex");
    const tenant = {
      keys: [{ name: "k", sha256: hash }],
      quota: { memory: "3Gi" },
      maxResources: { cpu: "2" },
      runtimes: ["gvisor"],
    };
    writeFileSync(join(folder, "keys.json"), JSON.stringify({ version: 1, tenants: { small: tenant } }));
    home = await house();
    const more = { maxResources: amounts("4", "4Gi", "2Gi"), runtimes: ["kata"], runtimeClassName: "gvisor" };
    home.cluster.put("configmaps", environment("pooled", 2, { ...more, priorityClassName: "low" }));
    const replica = await home.start({
      ...{ API_KEYS_FILE: join(folder, "keys.json"), DEFAULT_ENVIRONMENT: "pooled", SANDBOX_IMAGE: "" },
    });
    api = await documented(replica);
    await eventually("the pool is full", () => readyIn(home) === 2);
  });

  after(async () => {
    await home.end();
    rmSync(folder, { recursive: true });
  });

  const readyIn = ({ cluster }: House): number =>
    cluster
      .livePods()
      .filter(
        ({ metadata, status }) =>
          metadata.labels?.["sandlot.dev/state"] === "idle" &&
          status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true,
      ).length;
  const podOf = (id: string) =>
    home.cluster.livePods().find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id);
  const create = (body: object, headers = {}) => api.call("POST", "/v1/sandboxes", body, headers);

  it("claims an idle pod by one write where the size is the environment's, also if it is asked for", async () => {
    const before = home.cluster.count("PATCH", "/pods/");
    const answer = await create({
      id: "own",
      resources: { limits: { cpu: "1000m" }, requests: { memory: "1Gi" } },
      runtime: "gvisor",
    });
    assert.equal(answer.statusCode, 201);
    assert.match(podOf("own")?.metadata.name ?? "", /^warm-pooled-/);
    assert.equal(home.cluster.count("PATCH", "/pods/") - before, 1);
  });

  it("starts cold in the asked size and runtime, and shows both", async () => {
    const answer = await create({
      id: "large",
      resources: { limits: { cpu: "2", memory: "2Gi" }, requests: { memory: "512Mi" } },
      runtime: "kata",
    });
    assert.equal(answer.statusCode, 201);
    const pod = podOf("large");
    assert.equal(pod?.metadata.name, "sandbox-large");
    assert.equal(pod.spec?.runtimeClassName, "kata");
    assert.equal(pod.spec.priorityClassName, "low");
    assert.deepEqual(pod.spec.containers[0]?.resources, {
      limits: amounts("2", "2Gi", "1Gi"),
      requests: amounts("1", "512Mi", "1Gi"),
    });
    const shown = {
      limits: { cpu: "2", memory: "2Gi", ephemeralStorage: "1Gi" },
      requests: { cpu: "1", memory: "512Mi", ephemeralStorage: "1Gi" },
    };
    const one = (await api.call("GET", "/v1/sandboxes/large")).json<{ resources: object; runtime: string }>();
    assert.deepEqual([one.resources, one.runtime], [shown, "kata"]);
    const { items } = (await api.call("GET", "/v1/sandboxes")).json<{
      items: (typeof one & { id: string })[];
    }>();
    assert.deepEqual(items.find(({ id }) => id === "large")?.resources, shown);
  });

  it("means the same size when it is repeated, and conflicts with any other", async () => {
    const body = { id: "again", resources: { limits: { memory: "2Gi" } } };
    assert.equal((await create(body)).statusCode, 201);
    assert.equal((await create(body)).statusCode, 200);
    for (const other of [
      { id: "again" },
      { ...body, resources: { limits: { memory: "3Gi" } } },
      { ...body, resources: { ...body.resources, requests: { memory: "64Mi" } } },
      { ...body, runtime: "kata" },
    ])
      assert.equal((await create(other)).statusCode, 409);
  });

  it("refuses what is more than allowed, and names field, value and bound", async () => {
    // The pool may be filled meanwhile.
    const made = () =>
      home.cluster.pods().flatMap(({ metadata }) => metadata.name.match(/^sandbox-.*/) ?? []);
    const before = made();
    const answer = await create({
      resources: { limits: { cpu: "64", ephemeralStorage: "3Gi" }, requests: { memory: "2Gi" } },
      runtime: "runc",
    });
    assert.equal(answer.statusCode, 422);
    assert.deepEqual(answer.json<{ errors: object[] }>().errors, [
      { field: "resources.limits.cpu", message: 'is "64", but must be at most "4" in "pooled"' },
      {
        field: "resources.requests.memory",
        message: 'is "2Gi", but must be at most the limit, which is "1Gi"',
      },
      {
        field: "resources.limits.ephemeralStorage",
        message: 'is "3Gi", but must be at most "2Gi" in "pooled"',
      },
      { field: "runtime", message: 'is "runc", but must be one of "gvisor", "kata" in "pooled"' },
    ]);
    for (const [body, field] of [
      [{ resources: { limits: { cpu: "0" } } }, "resources.limits.cpu"],
      [{ resources: { limits: { gpu: "1" } } }, "resources.limits.gpu"],
      [{ resources: { cpu: "1" } }, "resources.cpu"],
      [{ runtime: "" }, "runtime"],
    ] as const) {
      const refused = await create(body);
      assert.equal(refused.statusCode, 422, JSON.stringify(body));
      assert.deepEqual(
        refused.json<{ errors: { field: string }[] }>().errors.map((one) => one.field),
        [field],
      );
    }
    assert.deepEqual(made(), before, "no pod was asked for");
  });

  it("counts what is asked for in a tenant's quota, and keeps to its bounds", async () => {
    const ask = (id: string, memory: string, more = {}) =>
      create({ id, resources: { limits: { memory, ...more } } }, small);
    assert.equal((await ask("t1", "2Gi")).statusCode, 201);
    assert.equal((await ask("t2", "1100Mi")).statusCode, 429);
    assert.equal((await ask("t3", "1Gi")).statusCode, 201);
    assert.equal((await ask("t4", "64Mi", { cpu: "3" })).statusCode, 422);
    assert.equal((await create({ id: "t5", runtime: "kata" }, small)).statusCode, 422);
    const { items } = (await api.call("GET", "/v1/environments", undefined, small)).json<{
      items: { maxResources: object; runtimes: string[]; runtime: string }[];
    }>();
    assert.deepEqual(items[0]?.maxResources, { cpu: "2", memory: "4Gi", ephemeralStorage: "2Gi" });
    assert.deepEqual([items[0].runtime, items[0].runtimes], ["gvisor", ["gvisor"]]);
  });

  it("shows an environment's own amounts under the names that a create gives them", async () => {
    const { items } = (await api.call("GET", "/v1/environments")).json<{
      items: { limits: object; requests: object }[];
    }>();
    const own = { cpu: "1", memory: "1Gi", ephemeralStorage: "1Gi" };
    assert.deepEqual(items[0]?.limits, own);
    assert.deepEqual(items[0].requests, own);
    // What is shown can be asked for as it is.
    const { limits, requests } = items[0];
    const asked = await create({ resources: { limits, requests } });
    assert.deepEqual(asked.json<{ resources: object }>().resources, { limits, requests }, asked.body);
  });

  it("keeps a tenant to its bounds in DeerFlow's API too, which can ask for nothing", async () => {
    home.cluster.put("configmaps", environment("pooled", 0, { runtimeClassName: "runc" }));
    const replica = await home.start({
      ...{ API_KEYS_FILE: join(folder, "keys.json"), DEFAULT_ENVIRONMENT: "pooled", SANDBOX_IMAGE: "" },
    });
    const answer = await replica.call("POST", "/api/sandboxes", { sandbox_id: "weak" }, small);
    assert.equal(answer.statusCode, 500);
    assert.match(
      answer.json<{ detail: string }>().detail,
      /runtime is not given, and that of "pooled" is "runc"/,
    );
    assert.equal(podOf("weak"), undefined);
  });
});
