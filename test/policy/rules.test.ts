// Every rule of the policy pack, with what it lets through, what it refuses, and what it cannot know yet.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { rules } from "../../policies/rules";
import { unknownText, violations, type Resource } from "../support/policy";

type Fields = Record<string, unknown>;

const sandboxLabels = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "sandbox" };
const amounts = { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" };

const goodContainer: Fields = {
  name: "sandbox",
  image: "sandlot/sandbox:1.0.0",
  env: [{ name: "HOME", value: "/home/sandbox" }],
  resources: { requests: amounts, limits: amounts },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
};

const goodSpec: Fields = {
  runtimeClassName: "gvisor",
  serviceAccountName: "sandbox",
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  volumes: [{ name: "tmp", emptyDir: {} }],
};

/** A Deployment of sandboxes that every rule lets through, with changes. */
function deployment(
  changes: { spec?: Fields; container?: Fields; labels?: Fields; namespace?: string } = {},
): Resource {
  const pod = {
    metadata: { labels: changes.labels ?? sandboxLabels },
    spec: { ...goodSpec, containers: [{ ...goodContainer, ...changes.container }], ...changes.spec },
  };
  return {
    type: "kubernetes:apps/v1:Deployment",
    name: "sandbox",
    props: { metadata: { namespace: changes.namespace ?? "sandlot" }, spec: { template: pod } },
  };
}

const restricted = Object.fromEntries(
  ["enforce", "audit", "warn"].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, "v1.34"],
  ]),
) as Fields;

function namespace(labels: Fields = restricted): Resource {
  return {
    type: "kubernetes:core/v1:Namespace",
    name: "home",
    props: { metadata: { name: "sandlot", labels } },
  };
}

function networkPolicy(spec: Fields, name = "policy"): Resource {
  const metadata = { name, namespace: "sandlot" };
  return { type: "kubernetes:networking.k8s.io/v1:NetworkPolicy", name, props: { metadata, spec } };
}

const denyAll = networkPolicy({ podSelector: {}, policyTypes: ["Ingress", "Egress"] }, "deny-all");

function egressTo(...to: Fields[]): Resource {
  return networkPolicy({ podSelector: {}, policyTypes: ["Egress"], egress: [{ to }] });
}

function binding(kind: string, subject: Fields): Resource {
  const metadata = kind === "RoleBinding" ? { namespace: "sandlot" } : {};
  const props = { metadata, roleRef: { kind: "ClusterRole", name: "view" }, subjects: [subject] };
  return { type: `kubernetes:rbac.authorization.k8s.io/v1:${kind}`, name: "binding", props };
}

const secure = goodContainer["securityContext"] as Fields;
const securityContext = (changes: Fields): Fields => ({ securityContext: { ...secure, ...changes } });
const allPrivate4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
];

/** What is refused: the rule, the case, the stack, and what the message says. */
const refused: [rule: string, title: string, stack: Resource[], message: RegExp][] = [
  [
    "runtime-class-required",
    "no class",
    [deployment({ spec: { runtimeClassName: undefined } })],
    /runtimeClassName/,
  ],
  [
    "no-service-account-token",
    "token left on",
    [deployment({ spec: { automountServiceAccountToken: undefined } })],
    /automountServiceAccountToken is not false/,
  ],
  [
    "no-service-account-token",
    "token asked for",
    [deployment({ spec: { automountServiceAccountToken: true } })],
    /automountServiceAccountToken is not false/,
  ],
  [
    "no-service-account-token",
    "token projected",
    [
      deployment({
        spec: { volumes: [{ name: "t", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } }] },
      }),
    ],
    /projects a service account token/,
  ],
  ["no-host-access", "host network", [deployment({ spec: { hostNetwork: true } })], /hostNetwork is true/],
  ["no-host-access", "host processes", [deployment({ spec: { hostPID: true } })], /hostPID is true/],
  ["no-host-access", "host memory", [deployment({ spec: { hostIPC: true } })], /hostIPC is true/],
  [
    "no-host-access",
    "folder of the node",
    [deployment({ spec: { volumes: [{ name: "root", hostPath: { path: "/" } }] } })],
    /volume root is a hostPath/,
  ],
  [
    "no-host-access",
    "privileged",
    [deployment({ container: securityContext({ privileged: true }) })],
    /container sandbox is privileged/,
  ],
  [
    "no-host-access",
    "port of the node",
    [deployment({ container: { ports: [{ containerPort: 80, hostPort: 80 }] } })],
    /node's port 80/,
  ],
  [
    "no-host-access",
    "privileged while it starts",
    [deployment({ spec: { initContainers: [{ name: "init", securityContext: { privileged: true } }] } })],
    /container init is privileged/,
  ],
  [
    "resource-limits-required",
    "nothing stated",
    [deployment({ container: { resources: undefined } })],
    /requests\.cpu.*limits\.ephemeral-storage/,
  ],
  [
    "resource-limits-required",
    "no disk limit",
    [deployment({ container: { resources: { requests: amounts, limits: { cpu: "1", memory: "1Gi" } } } })],
    /states no limits\.ephemeral-storage/,
  ],
  [
    "hardened-containers",
    "may be root",
    [deployment({ spec: { securityContext: { seccompProfile: { type: "RuntimeDefault" } } } })],
    /may run as root/,
  ],
  [
    "hardened-containers",
    "is root",
    [deployment({ container: securityContext({ runAsUser: 0 }) })],
    /runAsUser is 0/,
  ],
  [
    "hardened-containers",
    "overrides the pod",
    [deployment({ container: securityContext({ runAsNonRoot: false }) })],
    /may run as root/,
  ],
  [
    "hardened-containers",
    "may gain privileges",
    [deployment({ container: securityContext({ allowPrivilegeEscalation: undefined }) })],
    /allowPrivilegeEscalation/,
  ],
  [
    "hardened-containers",
    "writable root",
    [deployment({ container: securityContext({ readOnlyRootFilesystem: false }) })],
    /root file system/,
  ],
  [
    "hardened-containers",
    "keeps capabilities",
    [deployment({ container: securityContext({ capabilities: { drop: ["NET_RAW"] } }) })],
    /keeps capabilities/,
  ],
  [
    "hardened-containers",
    "adds a capability",
    [deployment({ container: securityContext({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } }) })],
    /adds capabilities \(SYS_ADMIN\)/,
  ],
  [
    "hardened-containers",
    "unconfined",
    [deployment({ container: securityContext({ seccompProfile: { type: "Unconfined" } }) })],
    /no seccomp profile/,
  ],
  [
    "pinned-images",
    "latest",
    [deployment({ container: { image: "sandbox:latest" } })],
    /image sandbox:latest/,
  ],
  [
    "pinned-images",
    "no tag",
    [deployment({ container: { image: "registry.example.com:5000/sandbox" } })],
    /image registry/,
  ],
  [
    "no-secrets-in-environment",
    "by name",
    [deployment({ container: { env: [{ name: "OPENAI_API_KEY", value: "x" }] } })],
    /variable OPENAI_API_KEY/,
  ],
  [
    "no-secrets-in-environment",
    "by value",
    [
      deployment({
        container: { env: [{ name: "AUTH", value: "ghp_0123456789012345678901234567890123456789" }] },
      }),
    ],
    /variable AUTH/,
  ],
  ["no-private-egress", "everything", [networkPolicy({ egress: [{}] })], /every address/],
  ["no-private-egress", "everything, by an empty list", [egressTo()], /every address/],
  [
    "no-private-egress",
    "the internet with all in it",
    [egressTo({ ipBlock: { cidr: "0.0.0.0/0" } })],
    /10\.0\.0\.0\/8.*169\.254\.0\.0\/16/,
  ],
  [
    "no-private-egress",
    "one range forgotten",
    [
      egressTo({
        ipBlock: { cidr: "0.0.0.0/0", except: allPrivate4.filter((range) => range !== "169.254.0.0/16") },
      }),
    ],
    /with 169\.254\.0\.0\/16 in it/,
  ],
  [
    "no-private-egress",
    "a range shut in part",
    [egressTo({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/9"] } })],
    /10\.0\.0\.0\/8/,
  ],
  [
    "no-private-egress",
    "one private address",
    [egressTo({ ipBlock: { cidr: "192.168.1.1/32" } })],
    /192\.168\.0\.0\/16/,
  ],
  ["no-private-egress", "IPv6", [egressTo({ ipBlock: { cidr: "::/0" } })], /fc00::\/7/],
  ["restricted-namespaces", "no labels", [namespace({}), deployment()], /does not enforce restricted/],
  [
    "restricted-namespaces",
    "baseline only",
    [namespace({ ...restricted, "pod-security.kubernetes.io/enforce": "baseline" }), deployment()],
    /does not enforce restricted/,
  ],
  [
    "restricted-namespaces",
    "no version",
    [namespace({ ...restricted, "pod-security.kubernetes.io/enforce-version": undefined }), deployment()],
    /version that it means to enforce/,
  ],
  [
    "default-deny-required",
    "no policy",
    [deployment()],
    /namespace sandlot holds sandboxes and does not deny/,
  ],
  [
    "default-deny-required",
    "one way only",
    [deployment(), networkPolicy({ podSelector: {}, policyTypes: ["Ingress"] })],
    /does not deny/,
  ],
  [
    "default-deny-required",
    "some pods only",
    [
      deployment(),
      networkPolicy({ podSelector: { matchLabels: { a: "b" } }, policyTypes: ["Ingress", "Egress"] }),
    ],
    /does not deny/,
  ],
  [
    "default-deny-required",
    "with a hole",
    [deployment(), networkPolicy({ podSelector: {}, policyTypes: ["Ingress", "Egress"], egress: [{}] })],
    /does not deny/,
  ],
  [
    "default-deny-required",
    "another namespace's",
    [deployment({ namespace: "other" }), denyAll],
    /namespace other/,
  ],
  [
    "no-roles-for-sandboxes",
    "by account",
    [deployment(), binding("RoleBinding", { kind: "ServiceAccount", name: "sandbox" })],
    /view is bound to sandbox/,
  ],
  [
    "no-roles-for-sandboxes",
    "for the whole cluster",
    [
      deployment(),
      binding("ClusterRoleBinding", { kind: "ServiceAccount", name: "sandbox", namespace: "sandlot" }),
    ],
    /view is bound/,
  ],
  [
    "no-roles-for-sandboxes",
    "by group",
    [deployment(), binding("ClusterRoleBinding", { kind: "Group", name: "system:serviceaccounts:sandlot" })],
    /view is bound/,
  ],
  [
    "no-roles-for-sandboxes",
    "the default account",
    [
      deployment({ spec: { serviceAccountName: undefined } }),
      binding("RoleBinding", { kind: "ServiceAccount", name: "default" }),
    ],
    /bound to default/,
  ],
];

/** What is let through, though it looks near. */
const allowed: [rule: string, title: string, stack: Resource[]][] = [
  [
    "runtime-class-required",
    "a workload that is no sandbox",
    [deployment({ labels: {}, spec: { runtimeClassName: undefined } })],
  ],
  [
    "no-service-account-token",
    "a workload that is no sandbox",
    [deployment({ labels: {}, spec: { automountServiceAccountToken: true } })],
  ],
  [
    "no-service-account-token",
    "a projected ConfigMap",
    [
      deployment({
        spec: { volumes: [{ name: "c", projected: { sources: [{ configMap: { name: "c" } }] } }] },
      }),
    ],
  ],
  [
    "no-host-access",
    "a PersistentVolume on the node",
    [{ type: "kubernetes:core/v1:PersistentVolume", props: { spec: { hostPath: { path: "/srv" } } } }],
  ],
  [
    "hardened-containers",
    "settings on the container instead of the pod",
    [
      deployment({
        spec: { securityContext: {} },
        container: securityContext({ runAsNonRoot: true, seccompProfile: { type: "Localhost" } }),
      }),
    ],
  ],
  ["pinned-images", "a digest", [deployment({ container: { image: `sandbox@sha256:${"0".repeat(64)}` } })]],
  [
    "no-secrets-in-environment",
    "a reference to a Secret",
    [
      deployment({
        container: { env: [{ name: "API_KEY", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] },
      }),
    ],
  ],
  [
    "no-secrets-in-environment",
    "a word with a secret's name in it",
    [deployment({ container: { env: [{ name: "TOKENIZERS_PARALLELISM", value: "false" }] } })],
  ],
  [
    "no-private-egress",
    "the internet without private ranges",
    [egressTo({ ipBlock: { cidr: "0.0.0.0/0", except: allPrivate4 } })],
  ],
  ["no-private-egress", "pods by label", [egressTo({ podSelector: { matchLabels: { a: "b" } } })]],
  ["no-private-egress", "a public range", [egressTo({ ipBlock: { cidr: "203.0.114.0/24" } })]],
  [
    "no-private-egress",
    "a range shut in halves",
    [egressTo({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/9", "10.128.0.0/9"] } })],
  ],
  ["restricted-namespaces", "a namespace without sandboxes", [namespace({})]],
  [
    "no-roles-for-sandboxes",
    "another account",
    [deployment(), binding("RoleBinding", { kind: "ServiceAccount", name: "other" })],
  ],
  [
    "no-roles-for-sandboxes",
    "an account of the same name elsewhere",
    [
      deployment(),
      binding("ClusterRoleBinding", { kind: "ServiceAccount", name: "sandbox", namespace: "other" }),
    ],
  ],
];

/** What is not known in a preview: the rule waits for the update. */
const notKnownYet: [rule: string, title: string, stack: Resource[]][] = [
  ["runtime-class-required", "the class", [deployment({ spec: { runtimeClassName: unknownText } })]],
  [
    "no-service-account-token",
    "the token",
    [deployment({ spec: { automountServiceAccountToken: unknownText } })],
  ],
  ["no-host-access", "the volumes", [deployment({ spec: { volumes: unknownText } })]],
  ["resource-limits-required", "the resources", [deployment({ container: { resources: unknownText } })]],
  [
    "hardened-containers",
    "the security context",
    [deployment({ container: { securityContext: unknownText }, spec: { securityContext: unknownText } })],
  ],
  ["pinned-images", "the image", [deployment({ container: { image: unknownText } })]],
  [
    "no-secrets-in-environment",
    "the value",
    [deployment({ container: { env: [{ name: "API_KEY", value: unknownText }] } })],
  ],
  ["no-private-egress", "the range", [egressTo({ ipBlock: { cidr: unknownText } })]],
  [
    "no-private-egress",
    "what is left out",
    [egressTo({ ipBlock: { cidr: "0.0.0.0/0", except: [unknownText] } })],
  ],
  [
    "no-private-egress",
    "the policy",
    [{ type: "kubernetes:networking.k8s.io/v1:NetworkPolicy", props: { spec: unknownText } }],
  ],
  ["restricted-namespaces", "the labels", [namespace(unknownText as unknown as Fields), deployment()]],
  ["default-deny-required", "the namespace", [deployment({ namespace: unknownText })]],
  [
    "no-roles-for-sandboxes",
    "the account",
    [
      deployment({ spec: { serviceAccountName: unknownText } }),
      binding("RoleBinding", { kind: "ServiceAccount", name: "default" }),
    ],
  ],
];

function rule(name: string) {
  const found = rules.find((each) => each.name === name);
  assert.ok(found, `there is a rule ${name}`);
  return found;
}

describe("the policy pack", () => {
  const goodStack = [namespace(), denyAll, deployment()];

  it("has one file per rule, named like it", () => {
    const files = readdirSync(join(__dirname, "../../policies/rules")).map((file) =>
      file.replace(/\.ts$/, ""),
    );
    assert.deepEqual(rules.map(({ name }) => name).sort(), files.sort());
    assert.ok(existsSync(join(__dirname, "../../policies/PulumiPolicy.yaml")));
  });

  it("says of every rule what it wants, how grave it is, what to do, and can be told exceptions", () => {
    for (const each of rules) {
      assert.match(each.description, /\.$/, each.name);
      assert.ok(each.severity, each.name);
      assert.ok(each.remediationSteps, each.name);
      assert.equal(each.enforcementLevel, "mandatory", each.name);
      assert.deepEqual(Object.keys(each.configSchema?.properties ?? {}), ["exclude"], each.name);
    }
  });

  for (const each of rules) {
    it(`${each.name} lets a good stack through`, async () => {
      assert.deepEqual(await violations(each, goodStack), []);
    });
    it(`${each.name} has a case that it refuses and one that it cannot know`, () => {
      assert.ok(refused.some(([name]) => name === each.name));
      assert.ok(notKnownYet.some(([name]) => name === each.name));
    });
  }

  for (const [name, title, stack, message] of refused) {
    it(`${name} refuses: ${title}`, async () => {
      const found = await violations(rule(name), stack);
      assert.ok(found.length > 0, "there is a violation");
      assert.match(found.map((each) => each.message).join("\n"), message);
      const advice = rule(name).remediationSteps ?? "";
      for (const each of found) assert.ok(each.message.endsWith(advice), "the message says what to do");
      const excluded = await violations(rule(name), stack, {
        exclude: ["::(?:sandbox|policy|home|binding)$"],
      });
      assert.deepEqual(excluded, [], "an exception silences it");
    });
  }

  for (const [name, title, stack] of allowed) {
    it(`${name} lets through: ${title}`, async () => {
      assert.deepEqual(await violations(rule(name), stack), []);
    });
  }

  for (const [name, title, stack] of notKnownYet) {
    it(`${name} waits for the update to know: ${title}`, async () => {
      assert.deepEqual(await violations(rule(name), stack), []);
    });
  }

  for (const kind of [
    "core/v1:Pod",
    "apps/v1:StatefulSet",
    "apps/v1:DaemonSet",
    "batch/v1:Job",
    "batch/v1:CronJob",
  ]) {
    it(`sees the pods of ${kind}`, async () => {
      const pod = { spec: { hostNetwork: true, containers: [] } };
      const props: Fields =
        kind === "core/v1:Pod"
          ? pod
          : kind === "batch/v1:CronJob"
            ? { spec: { jobTemplate: { spec: { template: pod } } } }
            : { spec: { template: pod } };
      assert.equal(
        (await violations(rule("no-host-access"), [{ type: `kubernetes:${kind}`, props }])).length,
        1,
      );
    });
  }
});
