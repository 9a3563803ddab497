// Where sandboxes are reached: their clients are given one address, and we take the one that leads there from where we are.
import assert from "node:assert/strict";

import type { V1Service } from "@kubernetes/client-node";

import { Endpoints, type Way } from "../../../provisioner/src/core/endpoints.js";
import type { Sandbox } from "../../../provisioner/src/model/sandbox.js";

const pod = { podName: "warm-1", podUid: "uid-1", podIP: "10.42.0.7", hostIP: "172.20.0.2", port: 8080 };
const service: V1Service = { spec: { clusterIP: "10.43.0.9", ports: [{ port: 8080, nodePort: 30_123 }] } };

interface Case {
  readonly type: "NodePort" | "ClusterIP" | "Router";
  readonly inCluster: boolean;
  readonly nodeHost?: string;
  readonly served?: V1Service | undefined;
  readonly hostIP?: string;
}

/** Where we go, and where clients are sent. */
function endpoints({ type, inCluster, nodeHost, hostIP = pod.hostIP, ...given }: Case): {
  direct: string | undefined;
  url: string | undefined;
  /** Of the router: to the sandbox's own API, and to another port. */
  ways: [Way | "none" | undefined, Way | "none" | undefined];
} {
  const made = new Endpoints({
    settings: {
      ...{ SANDBOX_SERVICE_TYPE: type, NODE_HOST: nodeHost, K8S_NAMESPACE: "sandlot" },
      ...{ ROUTER_URL: "http://router", ROUTER_HOST_SUFFIX: undefined },
    },
    tokens: undefined as never,
    serviceOf: () => ("served" in given ? given.served : service),
    inCluster,
  });
  const sandbox = { ...pod, hostIP, id: "a" } as Sandbox;
  return {
    direct: made.direct(sandbox),
    url: made.url(sandbox, false),
    ways: [made.way(sandbox, sandbox.port), made.way(sandbox, 3000)],
  };
}

describe("the way to a sandbox", () => {
  it("is a port of its node from outside the cluster, once it has one", () => {
    const asked = { type: "NodePort", inCluster: false, nodeHost: "nodes.example" } as const;
    const onNode = "http://nodes.example:30123";
    const way = { address: "nodes.example", port: 30_123 };
    assert.deepEqual(endpoints(asked), { direct: onNode, url: onNode, ways: [way, "none"] });
    assert.deepEqual(endpoints({ ...asked, served: undefined }), {
      ...{ direct: undefined, url: undefined },
      ways: [undefined, "none"],
    });
  });

  it("is its Service from inside, once it has one, where clients are led to that", () => {
    for (const type of ["NodePort", "ClusterIP"] as const) {
      assert.equal(endpoints({ type, inCluster: true }).direct, "http://10.43.0.9:8080");
      assert.equal(endpoints({ type, inCluster: true, served: undefined }).direct, undefined);
    }
  });

  it("is its pod where the router leads to it", () => {
    for (const inCluster of [true, false])
      assert.deepEqual(endpoints({ type: "Router", inCluster, served: undefined }), {
        direct: "http://10.42.0.7:8080",
        url: "http://router/sandboxes/a",
        ways: [
          { address: "10.42.0.7", port: 8080 },
          { address: "10.42.0.7", port: 3000 },
        ],
      });
  });

  it("is its pod for the router inside the cluster, whatever clients are told", () => {
    for (const type of ["NodePort", "ClusterIP"] as const)
      assert.deepEqual(endpoints({ type, inCluster: true, served: undefined }).ways, [
        { address: "10.42.0.7", port: 8080 },
        { address: "10.42.0.7", port: 3000 },
      ]);
  });

  it("may lead to an address of IPv6, in brackets or without", () => {
    for (const nodeHost of ["fd00::2", "[fd00::2]"]) {
      const { url, ways } = endpoints({ type: "NodePort", inCluster: false, nodeHost });
      assert.equal(url, "http://[fd00::2]:30123");
      assert.deepEqual(ways[0], { address: "fd00::2", port: 30_123 });
    }
  });

  it("is told with the address of the sandbox's own node, which alone answers, unless one is given", () => {
    const asked = { type: "NodePort", inCluster: true } as const;
    assert.equal(endpoints(asked).url, "http://172.20.0.2:30123");
    assert.equal(endpoints({ ...asked, hostIP: "fd00::2" }).url, "http://[fd00::2]:30123");
    assert.equal(endpoints({ ...asked, nodeHost: "nodes.example" }).url, "http://nodes.example:30123");
  });

  it("is told with Docker's name of its host by a provisioner that is outside the cluster, as DeerFlow's", () => {
    assert.equal(endpoints({ type: "NodePort", inCluster: false }).url, "http://host.docker.internal:30123");
  });
});
