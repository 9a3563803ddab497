// One context of a kubeconfig, without what else is in it.
import assert from "node:assert/strict";

import { parse } from "yaml";

import { KubeconfigProblem, selectContext } from "../../../infra/kubeconfig";

const kubeconfig = (extra: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "staging",
    clusters: [
      { name: "a", cluster: { server: "https://a.example.com", "certificate-authority": "a.crt" } },
      { name: "b", cluster: { server: "https://b.example.com" } },
    ],
    users: [
      { name: "alice", user: { "client-certificate": "/pki/alice.crt", "client-key": "keys/alice.key" } },
      { name: "bob", user: { token: "bob-token" } },
    ],
    contexts: [
      { name: "production", context: { cluster: "a", user: "alice", namespace: "x" } },
      { name: "staging", context: { cluster: "b", user: "bob" } },
      { name: "broken", context: { cluster: "b", user: "carol" } },
    ],
    ...extra,
  });

describe("selectContext", () => {
  it("leaves one context, its cluster and its user, and nothing of anybody else's", () => {
    const { kubeconfig: selected, server } = selectContext(kubeconfig(), "production");
    assert.equal(server, "https://a.example.com");
    assert.deepEqual(parse(selected), {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "production",
      clusters: [
        { name: "a", cluster: { server: "https://a.example.com", "certificate-authority": "a.crt" } },
      ],
      users: [
        { name: "alice", user: { "client-certificate": "/pki/alice.crt", "client-key": "keys/alice.key" } },
      ],
      contexts: [{ name: "production", context: { cluster: "a", user: "alice", namespace: "x" } }],
    });
  });

  it("makes names of files absolute, from the folder that the kubeconfig is in", () => {
    const { kubeconfig: selected } = selectContext(kubeconfig(), "production", "/home/me/.kube/config");
    const { clusters, users } = parse(selected) as {
      clusters: { cluster: unknown }[];
      users: { user: unknown }[];
    };
    assert.deepEqual(clusters[0]?.cluster, {
      server: "https://a.example.com",
      "certificate-authority": "/home/me/.kube/a.crt",
    });
    assert.deepEqual(users[0]?.user, {
      "client-certificate": "/pki/alice.crt",
      "client-key": "/home/me/.kube/keys/alice.key",
    });
  });

  for (const [title, text, context, says] of [
    ["text that is no YAML", "{", "a", "it is not a kubeconfig"],
    ["another kind of file", "replicas: 2", "a", "it is not a kubeconfig"],
    [
      "an unknown context",
      kubeconfig(),
      "prod",
      'it has no context "prod"; it has: production, staging, broken',
    ],
    [
      "a context without a user",
      kubeconfig(),
      "broken",
      'its context "broken" names a user that is not in it',
    ],
    [
      "a cluster without an address",
      kubeconfig({ clusters: [{ name: "b", cluster: {} }] }),
      "staging",
      'the cluster of its context "staging" has no server',
    ],
  ] as const) {
    it(`refuses ${title}, and repeats no secret`, () => {
      assert.throws(
        () => selectContext(text, context),
        (error) =>
          error instanceof KubeconfigProblem &&
          error.message === says &&
          !error.message.includes("bob-token"),
      );
    });
  }
});
