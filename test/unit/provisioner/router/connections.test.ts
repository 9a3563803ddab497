// How much may be open to sandboxes at once.
import assert from "node:assert/strict";

import { Connections, mostOpen, mostShared } from "../../../../provisioner/src/core/connections.js";

describe("router: what is open to sandboxes", () => {
  let connections: Connections;

  beforeEach(() => {
    connections = new Connections();
  });
  afterEach(() => {
    connections.endAll();
  });

  /** Opens as much as is let in of so much at each of so many sandboxes; it takes itself off the books when it is cut. */
  function open(tenant: string, sandboxes: number, each = mostOpen): number {
    let count = 0;
    for (let index = 0; index < sandboxes * each; index += 1) {
      const podUid = `${tenant}-${index % sandboxes}`;
      const opened = connections.open({ podUid, tenant }, () => opened?.release());
      if (opened !== undefined) count += 1;
    }
    return count;
  }

  it("is so much of one sandbox, of all sandboxes of a tenant, and of all tenants", () => {
    const { inAll, ofTenant } = mostShared;
    assert.equal(open("one", 1, 2 * mostOpen), mostOpen);
    assert.equal(open("one", 20) + mostOpen, ofTenant);
    assert.equal(open("two", 20), inAll - ofTenant);
    assert.equal(open("three", 1), 0);
  });

  it("leaves its places when its sandbox goes", () => {
    open("one", 20);
    for (let index = 0; index < 20; index += 1) connections.end(`one-${index}`);
    assert.equal(open("one", 20), mostShared.ofTenant);
  });
});
