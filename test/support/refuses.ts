// Tables of bad arguments: one clear line each, that names component, field, value and what is allowed.
import assert from "node:assert/strict";

import { ArgumentError } from "../../components/shared/checks";

/** A table for one component: `good` arguments with one change that is wrong, and what the error says. */
export function refuses<A extends object>(
  component: string,
  resolve: (name: string, args: A) => unknown,
  good: A,
  table: readonly (readonly [change: Partial<A>, message: RegExp])[],
): void {
  describe(`${component}'s arguments`, () => {
    it("are fine as they are", () => {
      assert.doesNotThrow(() => resolve("it", good));
    });
    for (const [change, message] of table) {
      it(`are refused with ${JSON.stringify(change)}`, () => {
        let error: unknown;
        try {
          resolve("it", { ...good, ...change });
        } catch (thrown) {
          error = thrown;
        }
        assert.ok(error instanceof ArgumentError, "it is refused");
        assert.equal(error.problems.length, 1, error.message);
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`${component} "it": `));
      });
    }
  });
}
