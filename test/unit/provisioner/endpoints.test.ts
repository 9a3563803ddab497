// Where sandboxes are reached: their clients are given one address, and we take the one that leads there from where we are.
import assert from "node:assert/strict";

import type { V1Service } from "@kubernetes/client-node";

import { Endpoints } from "../../../provisioner/src/core/endpoints.js";
import type { PodFacts } from "../../../provisioner/src/model/sandbox.js";

const pod = { podName: "warm-1", podUid: "uid-1", podIP: "10.42.0.7", port: 8080 } as PodFacts;

const service = { spec: { clusterIP: "10.43.0.9", ports: [{ port: 8080, nodePort: 30_123 }] } };

const direct = (
  type: "NodePort" | "ClusterIP" | "Router",
  inCluster: boolean,
  served: V1Service | undefined,
): string | undefined =>
  new Endpoints({
    settings: {
      ...{ SANDBOX_SERVICE_TYPE: type, NODE_HOST: "nodes.example", K8S_NAMESPACE: "sandlot" },
      ...{ ROUTER_URL: undefined, ROUTER_HOST_SUFFIX: undefined },
    },
    tokens: undefined as never,
    serviceOf: () => served,
    inCluster,
  }).direct(pod);

describe("the way to a sandbox", () => {
  it("is a port of its node from outside the cluster, once it has one", () => {
    assert.equal(direct("NodePort", false, service), "http://nodes.example:30123");
    assert.equal(direct("NodePort", false, undefined), undefined);
  });

  it("is its Service from inside, once it has one, where clients are led to that", () => {
    for (const type of ["NodePort", "ClusterIP"] as const) {
      assert.equal(direct(type, true, service), "http://10.43.0.9:8080");
      assert.equal(direct(type, true, undefined), undefined);
    }
  });

  it("is its pod where the router leads to it", () => {
    assert.equal(direct("Router", true, undefined), "http://10.42.0.7:8080");
    assert.equal(direct("Router", false, undefined), "http://10.42.0.7:8080");
  });
});
