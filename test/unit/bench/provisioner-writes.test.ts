// How writes are counted: what is made for sandboxes, and nothing that comes by the clock or stores nothing.
import assert from "node:assert/strict";

import {
  inWords,
  samples,
  since,
  total,
  writesOfProvisioner,
  writesToServer,
} from "../../../bench/provisioner/writes.js";

const request = (verb: string, resource: string, value: number, more = ""): string =>
  `apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="${resource}",scope="resource",subresource="",verb="${verb}",version="v1"${more}} ${value}`;

describe("writes to the API server", () => {
  it("are summed over codes and scopes, by verb and resource", () => {
    const metrics = [
      "# TYPE apiserver_request_total counter",
      request("PATCH", "pods", 3),
      request("PATCH", "pods", 2).replace("200", "422"),
      request("PATCH", "pods", 4).replace('subresource=""', 'subresource="status"'),
      request("POST", "events", 1),
    ].join("\n");
    assert.deepEqual(
      writesToServer(metrics),
      new Map([
        ["PATCH pods", 5],
        ["PATCH pods/status", 4],
        ["POST events", 1],
      ]),
    );
  });

  it("are neither reads, nor heartbeats, nor questions, nor dry runs", () => {
    const metrics = [
      request("GET", "pods", 1),
      request("WATCH", "pods", 1),
      request("PUT", "leases", 1),
      request("PATCH", "nodes", 1).replace('subresource=""', 'subresource="status"'),
      request("POST", "subjectaccessreviews", 1),
      request("POST", "serviceaccounts", 1).replace('subresource=""', 'subresource="token"'),
      request("POST", "pods", 1).replace('dry_run=""', 'dry_run="All"'),
      request("POST", "pods", 7).replace("apiserver_request_total", "apiserver_request_total_old"),
    ].join("\n");
    assert.deepEqual(writesToServer(metrics), new Map());
  });
});

describe("writes of the provisioner", () => {
  it("are its own requests that change something, but for its Lease", () => {
    const name = "sandlot_provisioner_kubernetes_request_seconds";
    const metrics = [
      `${name}_bucket{le="0.1",method="PATCH",resource="pods",status="200"} 9`,
      `${name}_count{method="PATCH",resource="pods",status="200"} 9`,
      `${name}_count{method="PATCH",resource="pods",status="422"} 1`,
      `${name}_count{method="GET",resource="pods",status="200"} 5`,
      `${name}_count{method="PUT",resource="leases",status="200"} 5`,
    ].join("\n");
    assert.deepEqual(writesOfProvisioner(metrics), new Map([["PATCH pods", 10]]));
  });
});

describe("counts", () => {
  const before = new Map([
    ["POST pods", 2],
    ["PATCH pods", 1],
  ]);
  const after = new Map([
    ["POST pods", 2],
    ["PATCH pods", 4],
    ["POST events", 5],
  ]);

  it("are told as what came in between", () => {
    assert.deepEqual(
      since(before, after),
      new Map([
        ["PATCH pods", 3],
        ["POST events", 5],
      ]),
    );
    assert.equal(total(since(before, after)), 8);
    assert.equal(inWords(since(before, after)), "POST events 5, PATCH pods 3");
  });
});

describe("samples", () => {
  it("are read with labels and without, and with quotes in values", () => {
    const metrics = ["up 1", 'up{path="a\\"b",x=""} 2.5e+06', "upper 3"].join("\n");
    assert.deepEqual(
      [...samples(metrics, "up")],
      [
        [{}, 1],
        [{ path: 'a\\"b', x: "" }, 2_500_000],
      ],
    );
  });
});
