// What each account can do, by the API server's own word: SubjectAccessReview for every verb on every resource that it serves, in
// the namespace and cluster-wide, and the rules and answers that the account gets with a real token of its own.
import assert from "node:assert/strict";
import { get, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";

import { AuthenticationV1Api, AuthorizationV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { SandboxRbac } from "@sandlot/components";

import { cluster, kubectl, namespace } from "../support/cluster.js";
import { applyAll, manifestsOf, namespaceManifest } from "../support/manifests.js";

const place = "sandlot-test-access";
const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

interface Resource {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

interface Access extends Resource {
  readonly verb: string;
  /** Undefined for the whole cluster. */
  readonly namespace?: string;
}

/** What the API server answers at a path. */
async function raw(path: string): Promise<unknown> {
  const { config } = cluster();
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    get(new URL(path, config.getCurrentCluster()?.server), options, (reply) => {
      text(reply).then((body) => {
        resolve(JSON.parse(body));
      }, reject);
    }).on("error", reject);
  });
}

/** Every resource that the API server serves, subresources too. */
async function servedResources(): Promise<Resource[]> {
  const { groups } = (await raw("/apis")) as { groups: { preferredVersion: { groupVersion: string } }[] };
  const versions = ["", ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)];
  const lists = await Promise.all(
    versions.map(async (version) => {
      const list = (await raw(version === "" ? "/api/v1" : `/apis/${version}`)) as {
        resources: { name: string }[];
      };
      return list.resources.map(({ name }) => {
        const [resource = "", subresource] = name.split("/");
        return { group: version.split("/")[0] ?? "", resource, ...(subresource ? { subresource } : {}) };
      });
    }),
  );
  return lists.flat();
}

/** What an account is allowed, of all that is asked, as `verb group/resource[/subresource] (where)`. */
async function allowed(
  account: { name: string; namespace: string },
  asked: readonly Access[],
): Promise<string[]> {
  const api = cluster().config.makeApiClient(AuthorizationV1Api);
  const granted: string[] = [];
  const waiting = [...asked];
  const groups = ["serviceaccounts", `serviceaccounts:${account.namespace}`, "authenticated"];
  const worker = async (): Promise<void> => {
    for (let access = waiting.pop(); access !== undefined; access = waiting.pop()) {
      const { status } = await api.createSubjectAccessReview({
        body: {
          spec: {
            user: `system:serviceaccount:${account.namespace}:${account.name}`,
            groups: groups.map((group) => `system:${group}`),
            resourceAttributes: access,
          },
        },
      });
      if (status?.allowed !== true) continue;
      const { verb, group, resource, subresource, namespace: where } = access;
      const what = [group, resource, subresource]
        .filter((part) => part !== undefined && part !== "")
        .join("/");
      granted.push(`${verb} ${what} (${where === undefined ? "cluster" : "namespace"})`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return granted.sort();
}

/** A configuration that calls as a service account, by a token that the API server gave for it. */
async function as(name: string, where: string): Promise<KubeConfig> {
  const admin = cluster().config;
  const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    name,
    namespace: where,
    body: { spec: { audiences: [], expirationSeconds: 600 } },
  });
  assert.ok(status?.token);
  const server = admin.getCurrentCluster();
  assert.ok(server);
  const config = new KubeConfig();
  config.loadFromClusterAndUser(server, { name, token: status.token });
  return config;
}

describe("access", () => {
  let resources: Resource[];
  const everywhere = (where: string): Access[] =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => [
        { ...resource, verb },
        { ...resource, verb, namespace: where },
      ]),
    );

  before(async function () {
    this.timeout(120_000);
    resources = await servedResources();
    assert.ok(resources.length > 50, `${resources.length} resources`);
    const accounts = [
      {
        name: "log-reader",
        rules: [
          { resources: ["pods", "pods/log"], verbs: ["get", "list"] },
          { apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["sandbox"], verbs: ["get"] },
        ],
      },
    ];
    await applyAll([namespaceManifest(place)]);
    await applyAll(await manifestsOf(() => new SandboxRbac("rbac", { namespace: place, accounts })));
  });

  after(async () => {
    await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=false");
  });

  /** What every account that is known to the API server may ask: what it is allowed itself (system:basic-user). */
  const aboutItself = /^create (authorization|authentication)\.k8s\.io\/self\w+ /;

  it("the sandboxes' account is allowed no verb on any resource, in its namespace or cluster-wide", async function () {
    this.timeout(300_000);
    const granted = await allowed({ name: "sandbox", namespace }, everywhere(namespace));
    assert.deepEqual(
      granted.filter((each) => !aboutItself.test(each)),
      [],
    );
  });

  it("nor by a wildcard, nor by the ways to more rights", async () => {
    const ways: Access[] = [
      { group: "*", resource: "*", verb: "*" },
      { group: "", resource: "serviceaccounts", subresource: "token", verb: "create", namespace },
      { group: "", resource: "users", verb: "impersonate" },
      { group: "", resource: "serviceaccounts", verb: "impersonate", namespace },
      { group: "rbac.authorization.k8s.io", resource: "clusterroles", verb: "escalate" },
      { group: "rbac.authorization.k8s.io", resource: "clusterroles", verb: "bind" },
      { group: "rbac.authorization.k8s.io", resource: "roles", verb: "bind", namespace },
      { group: "certificates.k8s.io", resource: "signers", verb: "approve" },
    ];
    assert.deepEqual(await allowed({ name: "sandbox", namespace }, ways), []);
  });

  it("an account with rules is allowed exactly these, in its namespace alone", async function () {
    this.timeout(300_000);
    const granted = await allowed({ name: "log-reader", namespace: place }, everywhere(place));
    assert.deepEqual(
      granted.filter((each) => !aboutItself.test(each)),
      [
        "get pods (namespace)",
        "get pods/log (namespace)",
        "list pods (namespace)",
        "list pods/log (namespace)",
      ],
    );
    const named = { group: "apps", resource: "deployments", verb: "get", namespace: place };
    const review = (name: string) =>
      allowed({ name: "log-reader", namespace: place }, [{ ...named, name } as Access]);
    assert.deepEqual(await review("sandbox"), ["get apps/deployments (namespace)"]);
    assert.deepEqual(await review("another"), []);
    const elsewhere = { group: "", resource: "pods", verb: "get", namespace };
    assert.deepEqual(await allowed({ name: "log-reader", namespace: place }, [elsewhere]), []);
  });

  it("the sandboxes' account, with a token of its own, is told that it has no rules, and is refused", async () => {
    const config = await as("sandbox", namespace);
    const who = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
    assert.equal(
      who.status?.userInfo?.username,
      `system:serviceaccount:${namespace}:sandbox`,
      "the token counts",
    );
    const { status } = await config
      .makeApiClient(AuthorizationV1Api)
      .createSelfSubjectRulesReview({ body: { spec: { namespace } } });
    const rules = (status?.resourceRules ?? []).flatMap(({ verbs: granted, resources: on = [] }) =>
      on.flatMap((resource) => granted.map((verb) => `${verb} ${resource}`)),
    );
    assert.deepEqual(
      rules.filter((rule) => !/^create self\w+$/.test(rule)),
      [],
    );
    const core = config.makeApiClient(CoreV1Api);
    const forbidden = (error: unknown): boolean => (error as { code?: number }).code === 403;
    await assert.rejects(core.listNamespacedPod({ namespace }), forbidden);
    await assert.rejects(core.listNamespacedSecret({ namespace }), forbidden);
    await assert.rejects(core.listNode(), forbidden);
  });
});
