// When pools are looked at, and that nobody looks at them any more who has been stopped.
import assert from "node:assert/strict";
import { mock } from "node:test";

import type { IdleListener } from "../../../provisioner/src/core/directory.js";
import { PoolKeeper, type PoolParts } from "../../../provisioner/src/core/pool-keeper.js";

describe("the keeper of pools", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  /** A keeper, and how often it looked at a pool. */
  function keeper() {
    const listeners: IdleListener[] = [];
    const looked: string[] = [];
    const pools = new PoolKeeper({
      directory: { onIdleChange: (listener: IdleListener) => listeners.push(listener) },
      environments: { onChange: () => undefined },
      sizes: { size: (name: string) => looked.push(name) },
      leads: () => false,
      claiming: () => false,
    } as unknown as PoolParts);
    const change = (environment: string): void => {
      for (const listener of listeners) listener(environment, false);
    };
    return { pools, looked, change };
  }

  it("looks at a pool that changes, and at none from when it is stopped", () => {
    const { pools, looked, change } = keeper();
    change("one");
    mock.timers.tick(1_000);
    assert.deepEqual(looked, ["one"]);
    change("before");
    pools.stop();
    change("after");
    mock.timers.tick(1_000);
    assert.deepEqual(looked, ["one"]);
  });
});
