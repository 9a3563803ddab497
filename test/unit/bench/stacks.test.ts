// The rows of what each stack comes to.
import assert from "node:assert/strict";

import { stackRows } from "../../../bench/stacks.js";

describe("the figures of stacks", () => {
  it("are medians against the empty program, objects against the plain deployment, a comment against the engine's text", () => {
    const taken = {
      objects: 30,
      commentLength: 2_000,
      previewLength: 90_000,
      preview: [5, 3, 4],
      up: [2, 9, 1],
    };
    const rows = stackRows(new Map([["dev", taken]]), { preview: [1, 1, 7], up: [3, 2, 2] }, 3);
    assert.deepEqual(
      rows.map(({ unit, ours, reference }) => [unit, ours, reference]),
      [
        ["count", 30, 3],
        ["ms", 4, 1],
        ["ms", 2, 2],
        ["count", 2_000, 90_000],
      ],
    );
    assert.match(rows[0]?.figure ?? "", /^stack dev: /);
  });
});
