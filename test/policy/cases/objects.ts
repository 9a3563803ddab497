// Cases of the rules about networks, roles, namespaces, volumes and providers.
import { unknownText } from "../../support/policy";
import {
  binding,
  clusterObject,
  deployment,
  egressTo,
  namespace,
  networkPolicy,
  object,
  provider,
  role,
  service,
  volume,
  type Fields,
} from "../../support/policy-objects";
import { allows, refuses, type Spoil } from "./case";

const privateIpv4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
];
const everywhere = { podSelector: {}, policyTypes: ["Ingress", "Egress"] };

const denial =
  (spec: unknown): Spoil =>
  (home) => ({ denyAll: networkPolicy(home, "deny-all", spec) });
const out =
  (...to: unknown[]): Spoil =>
  (home) => ({ egress: egressTo(home, ...to) });
const block = (cidr: string, except?: unknown): Spoil => out({ ipBlock: { cidr, except } });
const exposed =
  (spec: unknown): Spoil =>
  (home) => ({ service: service(home, spec) });
const granted =
  (...rules: unknown[]): Spoil =>
  (home) => ({ role: role(home, ...rules) });
const bound =
  (subject: unknown, roleName?: string, kind?: string): Spoil =>
  (home) => ({ binding: binding(home, subject, roleName, kind) });
/** A role for the whole cluster, bound to `subject`. */
const boundEverywhere =
  (subject: (home: string) => Fields): Spoil =>
  (home) => ({
    everywhere: clusterObject(home, "everywhere", "rbac.authorization.k8s.io/v1:ClusterRoleBinding", {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [subject(home)],
    }),
  });
const labelled =
  (labels: Fields): Spoil =>
  (home) => ({ namespace: namespace(home, labels) });
const podSecurity = (label: string): string => `pod-security.kubernetes.io/${label}`;
const quota =
  (hard: unknown): Spoil =>
  (home) => ({
    quota:
      hard === undefined ? undefined : object(home, "quota", "core/v1:ResourceQuota", { spec: { hard } }),
  });
const limits =
  (items: unknown): Spoil =>
  (home) => ({
    limits:
      items === undefined
        ? undefined
        : object(home, "limits", "core/v1:LimitRange", { spec: { limits: items } }),
  });
const folder =
  (source: Fields): Spoil =>
  (home) => ({ volume: volume(home, source) });
const reached =
  (props: Fields): Spoil =>
  (home) => ({ provider: provider(home, props) });

export const refused = [
  ...refuses(
    "default-deny-ingress",
    ["one way only", denial({ podSelector: {}, policyTypes: ["Egress"] }), "namespace", /lets everybody in/],
    ["with a hole", denial({ ...everywhere, ingress: [{}] }), "namespace", /lets everybody in/],
    [
      "a namespace without a workload",
      (home) => ({
        deployment: undefined,
        budget: undefined,
        denyAll: networkPolicy(home, "deny-all", { podSelector: {}, policyTypes: ["Egress"] }),
      }),
      "namespace",
      /lets everybody in/,
    ],
  ),
  ...refuses(
    "default-deny-egress",
    [
      "one way only",
      denial({ podSelector: {}, policyTypes: ["Ingress"] }),
      "namespace",
      /lets everything out/,
    ],
    [
      "with a hole",
      denial({ ...everywhere, egress: [{ to: [{ podSelector: {} }] }] }),
      "namespace",
      /lets everything/,
    ],
    [
      "a namespace of another stack",
      (home) => ({
        namespace: undefined,
        denyAll: networkPolicy(home, "deny-all", { podSelector: {}, policyTypes: ["Ingress"] }),
      }),
      "deployment",
      /lets everything out/,
    ],
  ),
  ...refuses(
    "no-private-egress",
    [
      "everything",
      (home) => ({ egress: networkPolicy(home, "egress", { egress: [{}] }) }),
      "egress",
      /every address/,
    ],
    ["everything, by an empty list", out(), "egress", /every address/],
    ["the internet with all in it", block("0.0.0.0/0"), "egress", /10\.0\.0\.0\/8.*169\.254\.0\.0\/16/],
    ["an address that nobody allowed", block("169.254.20.10/32"), "egress", /169\.254\.20\.10\/32/],
    [
      "metadata forgotten",
      block(
        "0.0.0.0/0",
        privateIpv4.filter((range) => range !== "169.254.0.0/16"),
      ),
      "egress",
      /with 169\.254\.0\.0\/16 in it/,
    ],
    ["carriers' addresses", block("100.100.0.0/16"), "egress", /100\.64\.0\.0\/10/],
    ["a range shut in part", block("10.0.0.0/8", ["10.0.0.0/9"]), "egress", /10\.0\.0\.0\/8/],
    ["one private address", block("192.168.1.1/32"), "egress", /192\.168\.0\.0\/16/],
    ["all of IPv6", block("::/0"), "egress", /fc00::\/7/],
    ["link-local IPv6", block("fe80::/64"), "egress", /fe80::\/10/],
  ),
  ...refuses(
    "service-types",
    [
      "nodes' ports",
      exposed({ type: "NodePort", ports: [{ port: 80 }] }),
      "service",
      /NodePort; allowed: ClusterIP/,
    ],
    ["the internet", exposed({ type: "LoadBalancer", ports: [{ port: 80 }] }), "service", /LoadBalancer/],
  ),
  ...refuses("no-external-addresses", [
    "another's address",
    exposed({ ports: [{ port: 80 }], externalIPs: ["203.0.113.9"] }),
    "service",
    /claims 203\.0\.113\.9/,
  ]),
  ...refuses("no-external-names", [
    "an alias",
    exposed({ type: "ExternalName", externalName: "example.com" }),
    "service",
    /ExternalName, for example\.com/,
  ]),
  ...refuses(
    "no-wildcard-roles",
    [
      "all verbs",
      granted({ apiGroups: [""], resources: ["pods"], verbs: ["*"] }),
      "role",
      /rules\[0\]\.verbs has a wildcard/,
    ],
    [
      "all resources",
      granted({ apiGroups: ["apps"], resources: ["*"], verbs: ["get"] }),
      "role",
      /\.resources has a wildcard/,
    ],
    [
      "all groups",
      granted({ apiGroups: ["*"], resources: ["pods"], verbs: ["get"] }),
      "role",
      /\.apiGroups has/,
    ],
    [
      "all parts",
      granted({ apiGroups: ["apps"], resources: ["*/scale"], verbs: ["get"] }),
      "role",
      /\.resources has a wildcard/,
    ],
  ),
  ...refuses(
    "no-escalation-verbs",
    ...["escalate", "bind"].map((verb): [string, Spoil, string, RegExp] => [
      verb,
      granted({ apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"], verbs: [verb] }),
      "role",
      new RegExp(`grants the verb ${verb}`),
    ]),
    [
      "impersonate",
      granted({ apiGroups: [""], resources: ["users"], verbs: ["impersonate"] }),
      "role",
      /grants the verb impersonate/,
    ],
    [
      "tokens of others",
      granted({ apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] }),
      "role",
      /making of tokens/,
    ],
  ),
  ...refuses(
    "no-cluster-admin",
    [
      "the role",
      bound({ kind: "ServiceAccount", name: "other" }, "cluster-admin", "ClusterRole"),
      "binding",
      /The role is cluster-admin/,
    ],
    ["the group", bound({ kind: "Group", name: "system:masters" }), "binding", /system:masters/],
  ),
  ...refuses(
    "no-exec-or-secrets",
    [
      "into pods",
      granted({ apiGroups: [""], resources: ["pods/exec"], verbs: ["create"] }),
      "role",
      /pods\/exec/,
    ],
    [
      "past pods",
      granted({ apiGroups: [""], resources: ["nodes/proxy"], verbs: ["get"] }),
      "role",
      /nodes\/proxy/,
    ],
    [
      "secrets",
      granted({ apiGroups: [""], resources: ["secrets"], verbs: ["list"] }),
      "role",
      /reads secrets/,
    ],
  ),
  ...refuses(
    "no-roles-for-sandboxes",
    ["by account", bound({ kind: "ServiceAccount", name: "sandbox" }), "binding", /role is bound to sandbox/],
    [
      "for the whole cluster",
      boundEverywhere((home) => ({ kind: "ServiceAccount", name: "sandbox", namespace: home })),
      "everywhere",
      /view is bound to sandbox/,
    ],
    [
      "by group",
      boundEverywhere((home) => ({ kind: "Group", name: `system:serviceaccounts:${home}` })),
      "everywhere",
      /view is bound to sandbox/,
    ],
    [
      "by user name",
      boundEverywhere((home) => ({ kind: "User", name: `system:serviceaccount:${home}:sandbox` })),
      "everywhere",
      /view is bound to sandbox/,
    ],
    [
      "the default account",
      (home) => ({
        deployment: deployment(home, { spec: { serviceAccountName: undefined } }),
        binding: binding(home, { kind: "ServiceAccount", name: "default" }),
      }),
      "binding",
      /bound to default/,
    ],
  ),
  ...refuses(
    "restricted-namespaces",
    [
      "no label",
      labelled({ [podSecurity("enforce")]: undefined }),
      "namespace",
      /does not enforce restricted/,
    ],
    [
      "baseline only",
      labelled({ [podSecurity("enforce")]: "baseline" }),
      "namespace",
      /does not enforce restricted/,
    ],
    ["no warning", labelled({ [podSecurity("warn")]: undefined }), "namespace", /does not warn restricted/],
  ),
  ...refuses(
    "pinned-pod-security-version",
    [
      "none",
      labelled({ [podSecurity("enforce-version")]: undefined }),
      "namespace",
      /version to enforce is no version/,
    ],
    [
      "latest",
      labelled({ [podSecurity("audit-version")]: "latest" }),
      "namespace",
      /version to audit is latest/,
    ],
  ),
  ...refuses(
    "resource-quota-required",
    ["none", quota(undefined), "namespace", /has no quota/],
    [
      "not of the disk",
      quota({ pods: "9", "limits.cpu": "9", "limits.memory": "9Gi" }),
      "namespace",
      /has no quota/,
    ],
  ),
  ...refuses(
    "limit-range-required",
    ["none", limits(undefined), "namespace", /has no limits for containers/],
    [
      "for claims only",
      limits([{ type: "PersistentVolumeClaim", max: { storage: "1Gi" } }]),
      "namespace",
      /no limits/,
    ],
  ),
  ...refuses(
    "host-path-volumes",
    [
      "a folder",
      folder({ hostPath: { path: "/mnt/skills" } }),
      "volume",
      /hostPath is the node's \/mnt\/skills/,
    ],
    ["a disk", folder({ local: { path: "/mnt/disk" } }), "volume", /local is the node's \/mnt\/disk/],
  ),
  ...refuses(
    "protected-objects",
    [
      "a namespace",
      (home) => ({ namespace: namespace(home, {}, false) }),
      "namespace",
      /Namespace is not protected/,
    ],
    [
      "a volume",
      (home) => ({ volume: volume(home, { nfs: { server: "203.0.113.9", path: "/" } }, false) }),
      "volume",
      /PersistentVolume is not protected/,
    ],
  ),
  ...refuses("cluster-identifier", [
    "none",
    reached({ enableServerSideApply: "true" }),
    "provider",
    /has no clusterIdentifier/,
  ]),
  ...refuses(
    "no-hidden-objects",
    [
      "a patch",
      (home) => ({ hidden: object(home, "hidden", "apps/v1:DeploymentPatch", { spec: { replicas: 3 } }) }),
      "hidden",
      /DeploymentPatch hides/,
    ],
    [
      "a Helm Release",
      (home) => ({ hidden: object(home, "hidden", "helm.sh/v3:Release", { chart: "chart" }) }),
      "hidden",
      /A Release hides/,
    ],
  ),
];

export const allowed = [
  ...allows(
    "no-private-egress",
    ["the internet without private ranges", block("0.0.0.0/0", privateIpv4)],
    ["pods by label", out({ podSelector: { matchLabels: { a: "b" } } })],
    ["a public range", block("203.0.114.0/24")],
    ["a range shut in halves", block("10.0.0.0/8", ["10.0.0.0/9", "10.128.0.0/9"])],
    [
      "the nodes' DNS cache, where the environment has one",
      block("169.254.20.10/32"),
      { allowedRanges: ["169.254.20.10/32"] },
    ],
  ),
  ...allows("service-types", [
    "nodes' ports, where they are allowed",
    exposed({ type: "NodePort", ports: [{ port: 80 }] }),
    { allowed: ["ClusterIP", "NodePort"] },
  ]),
  ...allows("no-external-addresses", [
    "an address of one's own",
    exposed({ ports: [{ port: 80 }], externalIPs: ["203.0.113.9"] }),
    { allowed: ["203.0.113.9"] },
  ]),
  ...allows("no-exec-or-secrets", [
    "the making of secrets, and another group's",
    granted(
      { apiGroups: [""], resources: ["secrets"], verbs: ["create", "delete"] },
      { apiGroups: ["example.com"], resources: ["secrets"], verbs: ["get"] },
    ),
  ]),
  ...allows("no-escalation-verbs", [
    "the making of accounts",
    granted({ apiGroups: [""], resources: ["serviceaccounts"], verbs: ["create"] }),
  ]),
  ...allows(
    "no-roles-for-sandboxes",
    [
      "an account of the same name elsewhere",
      bound({ kind: "ServiceAccount", name: "sandbox", namespace: "away" }),
    ],
    ["another group", bound({ kind: "Group", name: "system:serviceaccounts:away" })],
  ),
  ...allows("restricted-namespaces", [
    "a namespace without sandboxes",
    (home) => ({
      plain: clusterObject(home, "plain", "core/v1:Namespace", { metadata: { name: "plain" } }, true),
    }),
  ]),
  ...allows(
    "host-path-volumes",
    [
      "a folder that the environment allows",
      folder({ hostPath: { path: "/mnt/skills/public" } }),
      { allowedFolders: ["/mnt/skills"] },
    ],
    ["a claim on storage elsewhere", folder({ csi: { driver: "example.com", volumeHandle: "v" } })],
  ),
  ...allows("protected-objects", [
    "a kind that need not be",
    (home) => ({ namespace: namespace(home, {}, false) }),
    { kinds: ["PersistentVolume"] },
  ]),
  ...allows("cluster-identifier", [
    "a provider that only writes files",
    reached({ renderYamlToDirectory: "yaml" }),
  ]),
  ...allows("no-hidden-objects", [
    "a kind of somebody else whose name ends alike",
    (home) => ({ list: object(home, "list", "example.com/v1:BicyclePatch", {}) }),
  ]),
];

export const notKnownYet = [
  ...allows(
    "default-deny-ingress",
    ["the policy", denial(unknownText)],
    ["its directions", denial({ podSelector: {}, policyTypes: unknownText })],
    ["its pods", denial({ podSelector: unknownText, policyTypes: ["Ingress", "Egress"] })],
    ["the namespace", (home) => ({ deployment: deployment(home, {}, unknownText) })],
  ),
  ...allows("default-deny-egress", [
    "the policy's namespace",
    (home) => ({
      denyAll: object(
        home,
        "deny-all",
        "networking.k8s.io/v1:NetworkPolicy",
        { spec: everywhere },
        { namespace: unknownText },
      ),
    }),
  ]),
  ...allows(
    "no-private-egress",
    ["the range", block(unknownText)],
    ["what is left out", block("0.0.0.0/0", [unknownText])],
    ["the peers", (home) => ({ egress: networkPolicy(home, "egress", { egress: [{ to: unknownText }] }) })],
    ["the policy", (home) => ({ egress: networkPolicy(home, "egress", unknownText) })],
  ),
  ...allows("service-types", ["the type", exposed({ type: unknownText })]),
  ...allows("no-external-addresses", ["the address", exposed({ externalIPs: [unknownText] })]),
  ...allows("no-external-names", ["the type", exposed({ type: unknownText, externalName: unknownText })]),
  ...allows("no-wildcard-roles", [
    "the verb",
    granted({ apiGroups: [""], resources: ["pods"], verbs: [unknownText] }),
  ]),
  ...allows("no-escalation-verbs", ["the rule", granted(unknownText)]),
  ...allows("no-cluster-admin", ["the role", bound({ kind: "Group", name: unknownText }, unknownText)]),
  ...allows("no-exec-or-secrets", [
    "the names",
    granted({ apiGroups: [""], resources: ["secrets"], resourceNames: unknownText, verbs: ["get"] }),
  ]),
  ...allows("no-roles-for-sandboxes", [
    "the account",
    (home) => ({
      deployment: deployment(home, { spec: { serviceAccountName: unknownText } }),
      binding: binding(home, { kind: "ServiceAccount", name: "default" }),
    }),
  ]),
  ...allows("restricted-namespaces", ["the level", labelled({ [podSecurity("enforce")]: unknownText })]),
  ...allows("pinned-pod-security-version", [
    "the version",
    labelled({ [podSecurity("warn-version")]: unknownText }),
  ]),
  ...allows("resource-quota-required", ["the quota", quota(unknownText)]),
  ...allows("limit-range-required", ["the limits", limits(unknownText)]),
  ...allows("host-path-volumes", ["the folder", folder({ hostPath: { path: unknownText } })]),
  ...allows("protected-objects", [
    "the object, which is protected all the same",
    labelled({ any: unknownText }),
  ]),
  ...allows("cluster-identifier", ["the identifier", reached({ clusterIdentifier: unknownText })]),
  ...allows("no-hidden-objects", [
    "what is in an object",
    (home) => ({ list: object(home, "list", "core/v1:ConfigMap", { data: unknownText }) }),
  ]),
];
