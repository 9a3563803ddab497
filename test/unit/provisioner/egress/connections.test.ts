// How many connections may be open through the proxy that all sandboxes share.
import assert from "node:assert/strict";

import { EgressConnections, mostOpen, mostShared } from "../../../../provisioner/src/egress/connections.js";

describe("egress: open connections", () => {
  let connections: EgressConnections;
  const destination = { host: { kind: "name", name: "a.example" }, port: 443 } as const;

  beforeEach(() => {
    connections = new EgressConnections();
  });

  /** Opens up to `most`; what closes those that were let in. */
  function open(podUid: string, tenant: string, most: number): (() => void)[] {
    return Array.from({ length: most }, () =>
      connections.add({ podUid, tenant }, { destination, cut: () => undefined }),
    ).filter((close) => close !== undefined);
  }

  it("are so many of one sandbox, of all sandboxes of a tenant, and of all tenants", () => {
    const { inAll, ofTenant } = mostShared;
    const counts = ["a", "b", "c", "d"].map((podUid) => open(podUid, "one", 2 * mostOpen).length);
    assert.deepEqual(counts, [mostOpen, mostOpen, ofTenant - 2 * mostOpen, 0]);
    assert.equal(open("e", "two", 2 * mostOpen).length, inAll - ofTenant);
    assert.equal(open("f", "three", 1).length, 0);
  });

  it("leave their places, once, when they are closed", () => {
    const closes = ["a", "b", "c"].flatMap((podUid) => open(podUid, "one", mostOpen));
    for (const close of [...closes, ...closes]) close();
    assert.equal(
      ["a", "b", "c"].flatMap((podUid) => open(podUid, "one", mostOpen)).length,
      mostShared.ofTenant,
    );
  });
});
