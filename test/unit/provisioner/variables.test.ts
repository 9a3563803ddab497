// What is handed over is what a sandbox's server takes: nothing else costs an idle pod.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import {
  longestJson,
  longestVariable,
  mostBytes,
  mostVariables,
  variableProblems,
} from "../../../provisioner/src/model/variables.js";
import { environment, eventually, house, type House, type Replica } from "./house.js";

const many = (prefix: string, count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, ""]));
const fieldsOf = (env: Record<string, string>, secrets: Record<string, string> = {}): string[] =>
  variableProblems(env, secrets).map(({ path }) => path.join("."));

describe("variables of a hand-over", () => {
  it("are held to what the server takes, without what the provisioner adds to them", () => {
    const source = readFileSync(new URL("../../../sandboxd/internal/api/claim.go", import.meta.url), "utf8");
    const limit = (name: string): number => {
      const [, value = "", shift = "0", less = "0"] =
        new RegExp(`\\b${name}\\s*= (\\d+)(?:\\s*<<\\s*(\\d+))?(?:\\s*-\\s*(\\d+))?`).exec(source) ?? [];
      return Number(value) * 2 ** Number(shift) - Number(less);
    };
    assert.equal(mostVariables, limit("maxVariables") - 6);
    assert.equal(longestVariable, limit("maxVariableBytes"));
    assert.equal(mostBytes, limit("maxVariablesBytes") - 8 * 1024);
    assert.equal(longestJson, limit("maxClaimBody") - 16 * 1024);
  });

  it("are taken up to the limits, and are named beyond them", () => {
    assert.deepEqual(fieldsOf({ A: "1" }, { B: "2" }), []);
    assert.deepEqual(fieldsOf(many("E", 125), many("S", 125)), []);
    assert.deepEqual(fieldsOf(many("E", 125), many("S", 126)), ["env"]);
    assert.deepEqual(fieldsOf({}, many("S", 251)), ["secrets"]);
    // Bytes, and not characters, are what counts.
    const longest = "é".repeat((longestVariable - 3) / 2);
    assert.deepEqual(fieldsOf({ AB: longest }), []);
    assert.deepEqual(fieldsOf({ ABC: longest }), ["env.ABC"]);
    const half = "x".repeat(mostBytes / 2 - 3);
    assert.deepEqual(fieldsOf({ A: half }, { B: half }), []);
    assert.deepEqual(fieldsOf({ A: half }, { BC: half }), ["env"]);
    assert.deepEqual(fieldsOf({ A: "\u0001".repeat(100_000) }, { B: "\u0001".repeat(100_000) }), ["env"]);
    assert.deepEqual(fieldsOf({ A: "a\0b" }, { B: "\0" }), ["env.A", "secrets.B"]);
    assert.deepEqual(fieldsOf({ A: "1" }, { A: "2" }), ["secrets.A"]);
  });

  it("are told without a value", () => {
    const problems = variableProblems({}, { A: `hush${"x".repeat(140_000)}`, B: "hush\0" });
    assert.equal(problems.length, 2);
    assert.ok(!JSON.stringify(problems).includes("hush"));
  });

  describe("that would be refused", () => {
    let home: House;

    beforeEach(async () => {
      home = await house();
      home.cluster.put("configmaps", environment("default", 1));
    });
    afterEach(() => home.end());

    const withPool = async (more: Record<string, string>): Promise<Replica> => {
      const replica = await home.start(more);
      await eventually("the pool is full", async () => {
        const { items } = (await replica.call("GET", "/v1/environments")).json<{
          items: { pool: { ready: number } }[];
        }>();
        return items[0]?.pool.ready === 1;
      });
      return replica;
    };

    it("cost no pod, and are named", async () => {
      const replica = await withPool({});
      for (const [given, fields] of [
        [{ env: many("E", 128), secrets: many("S", 128) }, ["env"]],
        [
          { env: Object.fromEntries(["A", "B", "C", "D", "E"].map((name) => [name, "x".repeat(60_000)])) },
          ["env"],
        ],
        [{ env: { A: "\0" }, secrets: { B: "é".repeat(65_536) } }, ["env.A", "secrets.B"]],
      ] as const) {
        const answer = await replica.call("POST", "/v1/sandboxes", given);
        assert.equal(answer.statusCode, 422);
        const { errors } = answer.json<{ errors: { field: string }[] }>();
        assert.deepEqual(
          errors.map(({ field }) => field),
          fields,
        );
      }
      assert.deepEqual(home.sandbox.claims, []);
      assert.equal(home.cluster.count("DELETE", "/pods/"), 0);
    });

    it("because the image's server takes none, cost no pod", async () => {
      const replica = await withPool({ SANDBOX_SERVER: "aio" });
      home.sandbox.status = 404;
      const answer = await replica.call("POST", "/v1/sandboxes", { env: { A: "1" } });
      assert.equal(answer.statusCode, 422);
      assert.match(answer.json<{ detail: string }>().detail, /takes no env, secrets or token/);
      assert.equal(home.cluster.count("PATCH", "/pods/"), 0);
      assert.equal(home.cluster.count("DELETE", "/pods/"), 0);
      // DeerFlow's sandboxes need nothing of the kind.
      const deerflow = await replica.call("POST", "/api/sandboxes", { sandbox_id: "a" });
      assert.equal(deerflow.statusCode, 200, deerflow.body);
    });
  });
});
