// The comment is never too long, is made in no time, and what it keeps is what matters most; counts stay exact.
import assert from "node:assert/strict";

import fc from "fast-check";

import { longestComment } from "../../../previews/comment.js";
import type { EngineResult } from "../../../previews/report.js";
import {
  changed,
  commentOn,
  created,
  deleted,
  deploymentType,
  run,
  violation,
  type FixtureStep,
} from "./preview-fixture.js";

/** As many as asked of each operation, each with values that are `size` characters long. */
function steps(
  counts: { replace?: number; delete?: number; update?: number; create?: number },
  size: number,
): FixtureStep[] {
  const { replace = 0, delete: gone = 0, update = 0, create = 0 } = counts;
  const value = (text: string): object => ({
    spec: { x: text.repeat(size), y: text, z: [{ deep: text.repeat(size) }] },
  });
  const paths = { "spec.x": "update", "spec.y": "update", "spec.z": "update" };
  const many = (count: number, make: (name: string) => FixtureStep): FixtureStep[] =>
    Array.from({ length: count }, (_, index) => make(`resource-${index}`));
  return [
    ...many(create, (name) => created("kubernetes:core/v1:ConfigMap", `create-${name}`, value("n"))),
    ...many(update, (name) =>
      changed("update", deploymentType, `update-${name}`, value("a"), value("b"), paths),
    ),
    ...many(gone, (name) => deleted("kubernetes:core/v1:ConfigMap", `delete-${name}`, value("o"))),
    ...many(replace, (name) =>
      changed("replace", deploymentType, `replace-${name}`, value("a"), value("b"), {
        ...paths,
        "spec.y": "update-replace",
      }),
    ),
  ];
}

const lines = (text: string, pattern: RegExp): number => text.match(new RegExp(pattern, "gm"))?.length ?? 0;

describe("the length of the preview comment", () => {
  it("keeps 5,000 changed resources with huge values in bounds, in seconds, with exact counts", function () {
    this.timeout(60_000);
    const result = run(steps({ replace: 30, delete: 20, update: 2_450, create: 2_500 }, 4_000), {
      same: 123,
    });
    const started = performance.now();
    const text = commentOn(result);
    const took = performance.now() - started;
    assert.ok(text.length <= longestComment, `${text.length} characters`);
    assert.ok(text.length > 0.9 * longestComment, `only ${text.length} characters`);
    // 100 MB of JSON: seconds, also where the machine is busy with other things.
    assert.ok(took < 20_000, `took ${took} ms`);
    assert.match(
      text,
      /30 to replace, 20 to delete, 2450 to update, 2500 to create, 123 unchanged<\/summary>/,
    );
    assert.equal(lines(text, /^- ⚠️ \*\*replace\*\* /), 30);
    assert.equal(lines(text, /^- ⚠️ \*\*delete\*\* /), 20);
    assert.equal(lines(text, /forces the replacement/), 30);
    const shown = lines(text, /^- \*\*update\*\* /);
    assert.ok(shown > 0);
    assert.match(
      text,
      new RegExp(`_Left out for length: ${2_450 - shown} to update, 2500 to create\\. The counts`),
    );
  });

  it("leaves deletions out only after everything else, and says how many", () => {
    const text = commentOn(run(steps({ delete: 4_000, update: 1_000 }, 10)));
    const shown = lines(text, /^- ⚠️ \*\*delete\*\* /);
    assert.ok(shown > 500 && shown < 4_000);
    assert.equal(lines(text, /^- \*\*update\*\* /), 0);
    assert.match(text, new RegExp(`_Left out for length: ${4_000 - shown} to delete, 1000 to update\\.`));
  });

  it("keeps the header of each stack, and the replacement of one beside the flood of another", () => {
    const flood = { ...run(steps({ delete: 5_000 }, 10)), stack: "flood" };
    const small = { ...run(steps({ replace: 1 }, 10), { same: 7 }), stack: "small" };
    const calm = { ...run([], { same: 9 }), stack: "calm" };
    const text = commentOn(flood, small, calm);
    assert.match(text, /<b>flood<\/b>: 5000 to delete/);
    assert.match(text, /<b>small<\/b>: 1 to replace, 7 unchanged/);
    assert.match(text, /`replace-resource-0`/);
    assert.match(text, /<b>calm<\/b>: no changes; 9 unchanged/);
    assert.ok(text.length <= longestComment);
  });

  it("shows 20 fields of a resource and counts the others", () => {
    const names = Array.from({ length: 50 }, (_, index) => `field${index}`);
    const all = (value: string): object => Object.fromEntries(names.map((name) => [name, value]));
    const paths = Object.fromEntries(names.map((name) => [name, "update"]));
    const text = commentOn(run([changed("update", deploymentType, "x", all("a"), all("b"), paths)]));
    assert.equal(lines(text, /^ {2}- `field\d+`: `a` → `b`$/), 20);
    assert.match(text, /^ {2}- … and 30 more fields$/m);
  });

  it("lets thousands of violations crowd out no replacement", () => {
    const violations = Array.from({ length: 3_000 }, (_, index) =>
      violation("rule", `message ${index} ${"x".repeat(300)}`),
    );
    const text = commentOn(run(steps({ replace: 5, update: 5 }, 10), { events: violations.join("\n") }));
    assert.ok(text.length <= longestComment);
    assert.equal(lines(text, /^- ⚠️ \*\*replace\*\* /), 5);
    assert.equal(lines(text, /^- \*\*update\*\* /), 5);
    const shown = lines(text, /^- ❌ `rule`/);
    assert.ok(shown > 10);
    assert.match(text, new RegExp(`${3_000 - shown} policy violations`));
    assert.match(text, /policies broken: 3000 mandatory, 0 advisory/);
  });

  it("stays in bounds with more stacks than fit, and says how many are missing", () => {
    const stacks = Array.from(
      { length: 1_000 },
      (_, index): EngineResult => ({
        ...run(steps({ update: 1 }, 10), {
          exitCode: 1,
          diagnostics: [{ severity: "error", message: "x".repeat(5_000) }],
        }),
        stack: `stack-${index}`,
      }),
    );
    const text = commentOn(...stacks);
    assert.ok(text.length <= longestComment);
    const shown = lines(text, /<details>/);
    assert.ok(shown > 30);
    assert.match(text, new RegExp(`^${1_000 - shown} more stacks; failed: ${1_000 - shown}\\.$`, "m"));
  });

  it("stays in bounds and balanced, whatever the numbers and lengths", () => {
    const count = fc.nat({ max: 300 });
    const counts = fc.record({ replace: count, delete: count, update: count, create: count });
    const stack = fc.record({
      counts,
      size: fc.nat({ max: 200 }),
      error: fc.string({ maxLength: 3_000, unit: "binary" }),
    });
    const property = fc.property(fc.array(stack, { maxLength: 4 }), (stacks) => {
      const results = stacks.map(({ counts: each, size, error }, index) => ({
        ...run(steps(each, size), { exitCode: 1, diagnostics: [{ severity: "error", message: error }] }),
        stack: `s${index}`,
      }));
      const text = commentOn(...results);
      assert.ok(text.length <= longestComment);
      assert.equal(lines(text, /^<details>/), lines(text, /^<\/details>$/));
      for (const { stack: name } of results) assert.ok(text.includes(`<b>${name}</b>: `));
    });
    fc.assert(property, { numRuns: 20 });
  }).timeout(60_000);
});
