// The provisioner's settings: defaults filled in, everything held against its rule.
import * as pulumi from "@pulumi/pulumi";

import {
  ExternalTrafficPolicy,
  SandboxPullPolicy,
  SandboxServiceType,
  type ComputeAmounts,
} from "../sandbox-deployment/args";
import type { DnsPeer, IngressPeer } from "../sandbox-network-policies/args";
import { withDefaults as networkDefaults } from "../sandbox-network-policies/resolve";
import { Checks, type Rule } from "../shared/checks";
import { over } from "../shared/defaults";
import { checkOrder, parseQuantity } from "../shared/quantity";
import {
  absolutePath,
  cidr,
  dnsLabel,
  dnsSubdomain,
  integerBetween,
  logLevel,
  matching,
  oneOf,
  pinnedImage,
  port,
  quantity,
} from "../shared/rules";
import {
  SandboxUrls,
  type ApiServerPeer,
  type ClustersPeer,
  type ProvisionerArgs,
  type ProvisionerMetrics,
  type ProvisionerServiceOptions,
  type ProvisionerTenant,
  type ProvisionerTimeouts,
  type RequestRate,
} from "./args";
import { checkTracing, withTracingDefaults, type TracingSettings } from "./tracing";

/** {@link ProvisionerArgs} with every default filled in. */
export interface ProvisionerSettings {
  namespace: pulumi.Input<string>;
  systemNamespace: pulumi.Input<string>;
  sandboxServiceAccountName: pulumi.Input<string>;
  podSecurityVersion: string;
  protect: boolean;
  image: pulumi.Input<string>;
  imagePullPolicy: SandboxPullPolicy;
  imagePullSecrets: string[];
  replicas: number;
  sandboxUrls: SandboxUrls;
  nodeHost?: string | undefined;
  url?: string | undefined;
  hostSuffix?: string | undefined;
  service: ProvisionerServiceOptions & { type: SandboxServiceType };
  apiKey?: pulumi.Input<string> | undefined;
  signingKey?: pulumi.Input<string> | undefined;
  generateKeys: boolean;
  tenants: ProvisionerTenant[];
  rateLimit?: RequestRate | undefined;
  existingSecret?: string | undefined;
  clustersSecret?: string | undefined;
  clustersNetwork?: Required<ClustersPeer> | undefined;
  defaultEnvironment: string;
  maxSandboxes: number;
  poolMaxStarting: number;
  deerflowBaseDir?: string | undefined;
  timeouts: Required<ProvisionerTimeouts>;
  logLevel: string;
  terminationGracePeriodSeconds: number;
  resources: { requests: Required<ComputeAmounts>; limits: Required<ComputeAmounts> };
  apiServer: Required<ApiServerPeer>;
  tracing?: TracingSettings | undefined;
  clients: IngressPeer[];
  dns: Required<DnsPeer>;
  skillsClaimName?: pulumi.Input<string> | undefined;
  userDataClaimName?: pulumi.Input<string> | undefined;
  egressProxyUrl?: pulumi.Input<string> | undefined;
  metrics?: ProvisionerMetrics | undefined;
}

/** The least and the most seconds of each timeout: those of the provisioner's own variables. */
const secondsAllowed: Readonly<Record<keyof ProvisionerTimeouts, readonly [least: number, most: number]>> = {
  readySeconds: [1, 120],
  softSeconds: [1, 604_800],
  hardSeconds: [60, 604_800],
  deerflowIdleSeconds: [60, 604_800],
  startSeconds: [10, 3_600],
  failedSeconds: [0, 86_400],
  poolMaxAgeSeconds: [60, 604_800],
  clusterLostSeconds: [1, 3_600],
};

/** The namespace of the provisioner: not that of sandboxes, where it may make pods, which could read its keys there. */
export const systemNamespace = (namespace: pulumi.Input<string>): pulumi.Input<string> =>
  typeof namespace === "string" ? `${namespace}-system` : pulumi.interpolate`${namespace}-system`;

/** A secret is one, whoever forgot to say so. */
const secret = (value: pulumi.Input<string> | undefined): pulumi.Output<string> | undefined =>
  value === undefined ? undefined : pulumi.secret(value);

/** The most pods of sandboxes and pools. */
export const defaultMaxSandboxes = 500;

/** Fills in the defaults. */
export function withDefaults(args: ProvisionerArgs): ProvisionerSettings {
  const { resources } = args;
  return {
    ...args,
    systemNamespace: systemNamespace(args.namespace),
    podSecurityVersion: args.podSecurityVersion ?? "v1.34",
    protect: args.protect ?? false,
    imagePullPolicy: args.imagePullPolicy ?? SandboxPullPolicy.IfNotPresent,
    imagePullSecrets: args.imagePullSecrets ?? [],
    replicas: args.replicas ?? 2,
    sandboxUrls: args.sandboxUrls ?? SandboxUrls.Router,
    service: { ...args.service, type: args.service?.type ?? SandboxServiceType.ClusterIp },
    generateKeys: args.generateKeys ?? false,
    tenants: args.tenants ?? [],
    clustersNetwork:
      args.clustersNetwork &&
      over<Required<ClustersPeer>>(
        { apiServerCidrs: ["0.0.0.0/0", "::/0"], apiServerPorts: [443, 6443], sandboxCidrs: [] },
        args.clustersNetwork,
      ),
    defaultEnvironment: args.defaultEnvironment ?? "default",
    maxSandboxes: args.maxSandboxes ?? defaultMaxSandboxes,
    poolMaxStarting: args.poolMaxStarting ?? 8,
    timeouts: over<Required<ProvisionerTimeouts>>(
      {
        readySeconds: 20,
        softSeconds: 3_600,
        hardSeconds: 86_400,
        deerflowIdleSeconds: 14_400,
        startSeconds: 300,
        failedSeconds: 600,
        poolMaxAgeSeconds: 3_600,
        clusterLostSeconds: args.clustersSecret === undefined ? 300 : 30,
      },
      args.timeouts,
    ),
    logLevel: args.logLevel ?? "info",
    terminationGracePeriodSeconds: args.terminationGracePeriodSeconds ?? 630,
    resources: {
      requests: over({ cpu: "50m", memory: "128Mi", ephemeralStorage: "32Mi" }, resources?.requests),
      limits: over({ cpu: "1", memory: "512Mi", ephemeralStorage: "64Mi" }, resources?.limits),
    },
    apiServer: over<Required<ApiServerPeer>>(
      { cidrs: ["0.0.0.0/0", "::/0"], ports: [443, 6443] },
      args.apiServer,
    ),
    tracing: args.tracing && withTracingDefaults(args.tracing),
    clients: args.clients ?? [],
    dns: networkDefaults({ namespace: "", ...(args.dns === undefined ? {} : { dns: args.dns }) }).dns,
  };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: ProvisionerArgs): ProvisionerSettings {
  const settings = withDefaults(args);
  const checks = new Checks("Provisioner", name);
  checks.plain("imagePullPolicy", settings.imagePullPolicy, oneOf(SandboxPullPolicy));
  for (const [i, each] of settings.imagePullSecrets.entries())
    checks.plain(`imagePullSecrets[${i}]`, each, dnsSubdomain);
  checks.plain("replicas", settings.replicas, integerBetween(1, 20));
  checks.plain("sandboxUrls", settings.sandboxUrls, oneOf(SandboxUrls));
  checkNodeHost(checks, settings);
  checks.plain("url", settings.url, clientUrl);
  checkHosts(checks, settings);
  checks.plain("defaultEnvironment", settings.defaultEnvironment, environmentLabel);
  checks.plain("maxSandboxes", settings.maxSandboxes, integerBetween(1, 100_000));
  checks.plain("poolMaxStarting", settings.poolMaxStarting, integerBetween(1, 100));
  checks.plain("deerflowBaseDir", settings.deerflowBaseDir, absolutePath);
  if (settings.deerflowBaseDir !== undefined && settings.userDataClaimName === undefined)
    checks.problem(
      `deerflowBaseDir is "${settings.deerflowBaseDir}", but there is no claim of users' data, which would hold the gateway's state; ` +
        "give userData as well, or leave it out",
    );
  checks.plain("logLevel", settings.logLevel, logLevel);
  checks.plain(
    "terminationGracePeriodSeconds",
    settings.terminationGracePeriodSeconds,
    integerBetween(15, 3_600, "a number of seconds"),
  );
  checkService(checks, settings);
  checkTimeouts(checks, settings);
  checkSizes(checks, settings);
  for (const [i, each] of settings.apiServer.cidrs.entries())
    checks.plain(`apiServer.cidrs[${i}]`, each, cidr);
  for (const [i, each] of settings.apiServer.ports.entries())
    checks.plain(`apiServer.ports[${i}]`, each, port);
  checkTenants(checks, settings);
  checkKeys(checks, settings);
  checkClusters(checks, settings);
  checkTracing(checks, settings.tracing);
  const resolved = {
    ...settings,
    namespace: checks.input("namespace", settings.namespace, sandboxNamespace),
    sandboxServiceAccountName: checks.input(
      "sandboxServiceAccountName",
      settings.sandboxServiceAccountName,
      dnsSubdomain,
    ),
    image: checks.input("image", settings.image, pinnedImage),
    skillsClaimName: checks.optional("skillsClaimName", settings.skillsClaimName, dnsSubdomain),
    userDataClaimName: checks.optional("userDataClaimName", settings.userDataClaimName, dnsSubdomain),
  };
  checks.finish();
  return { ...resolved, apiKey: secret(settings.apiKey), signingKey: secret(settings.signingKey) };
}

/** `<namespace>-system` must be a name as well. */
const sandboxNamespace: Rule<string> = (value) =>
  dnsLabel(value) ??
  (value.length <= 56
    ? undefined
    : "at most 56 characters: the provisioner's namespace is called <namespace>-system");

const environmentLabel: Rule<string> = (value) =>
  dnsLabel(value) ?? (value.length <= 40 ? undefined : "at most 40 characters");

const clientUrl: Rule<string> = (value) => {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  const plain = parsed?.search === "" && parsed.hash === "" && !value.endsWith("/");
  return plain && /^https?:$/.test(parsed.protocol)
    ? undefined
    : "an http or https address that does not end in /, such as https://sandboxes.example.com";
};

/** Longer ones would leave no room for the sandbox's own label. */
const hostSuffix: Rule<string> = (value) =>
  dnsSubdomain(value) === undefined && value.length <= 189 && value.includes(".") && !/\.\d+$/.test(value)
    ? undefined
    : "a domain of two labels or more in lower case, such as sandboxes.example.com";

/** The host of a URL. */
const nodeHost: Rule<string> = (value) =>
  dnsSubdomain(value) === undefined || /^\[[\da-f:]+\]$/i.test(value)
    ? undefined
    : "a host name in lower case, an IPv4 address, or an IPv6 address in brackets, such as [2001:db8::1]";

function checkNodeHost(checks: Checks, { sandboxUrls, nodeHost: host }: ProvisionerSettings): void {
  checks.plain("nodeHost", host, nodeHost);
  if (host !== undefined && sandboxUrls !== SandboxUrls.NodePort)
    checks.problem(
      `nodeHost is "${host}", but sandboxUrls is ${sandboxUrls}, whose URLs lead to no port of a node; remove it, or set sandboxUrls to NodePort`,
    );
}

function checkHosts(checks: Checks, { hostSuffix: suffix, url }: ProvisionerSettings): void {
  checks.plain("hostSuffix", suffix, hostSuffix);
  if (suffix !== undefined && URL.canParse(url ?? "") && new URL(url ?? "").hostname.endsWith(`.${suffix}`))
    checks.problem(
      `url is "${url ?? ""}", but hosts below hostSuffix, which is "${suffix}", are sandboxes; choose another host or another suffix`,
    );
}

const aboveZero: Rule<string> = (value) =>
  quantity(value) ?? (parseQuantity(value) === 0 ? "a Kubernetes quantity above zero" : undefined);

/** The SHA-256 of a key. */
const sha256: Rule<string> = matching(
  /^[0-9a-f]{64}$/,
  "64 hexadecimal digits: the SHA-256 of the key, as `printf %s KEY | sha256sum` prints it",
);

function checkService(checks: Checks, { service }: ProvisionerSettings): void {
  checks.plain("service.type", service.type, oneOf(SandboxServiceType));
  checks.plain("service.nodePort", service.nodePort, integerBetween(30000, 32767, "a port"));
  checks.plain("service.externalTrafficPolicy", service.externalTrafficPolicy, oneOf(ExternalTrafficPolicy));
  if (service.externalTrafficPolicy !== undefined && service.type !== SandboxServiceType.NodePort) {
    checks.problem(
      `service.externalTrafficPolicy is ${service.externalTrafficPolicy}, but service.type is ${service.type}; remove it or ` +
        "set the type to NodePort",
    );
  }
  if (service.nodePort !== undefined && service.type !== SandboxServiceType.NodePort) {
    checks.problem(
      `service.nodePort is ${service.nodePort}, but service.type is ${service.type}; remove it or set the type to NodePort`,
    );
  }
}

function checkTimeouts(checks: Checks, { timeouts }: ProvisionerSettings): void {
  for (const [field, [least, most]] of Object.entries(secondsAllowed) as [
    keyof ProvisionerTimeouts,
    readonly [number, number],
  ][])
    checks.plain(`timeouts.${field}`, timeouts[field], integerBetween(least, most, "a number of seconds"));
  if (timeouts.softSeconds > timeouts.hardSeconds) {
    checks.problem(
      `timeouts.softSeconds is ${timeouts.softSeconds}, but timeouts.hardSeconds is ${timeouts.hardSeconds}; lower the one or raise the other`,
    );
  }
}

function checkSizes(checks: Checks, { resources }: ProvisionerSettings): void {
  for (const [group, given] of Object.entries(resources)) {
    for (const [field, value] of Object.entries(given))
      checks.plain(`resources.${group}.${field}`, value, quantity);
  }
  checkOrder(checks, ["resources.requests", resources.requests], ["resources.limits", resources.limits]);
}

function checkRate(checks: Checks, field: string, rate: RequestRate | undefined): void {
  checks.plain(`${field}.requests`, rate?.requests, integerBetween(1, 1_000_000));
  checks.plain(`${field}.seconds`, rate?.seconds, integerBetween(1, 3_600, "a number of seconds"));
}

function checkTenants(
  checks: Checks,
  { tenants, apiKey, generateKeys, rateLimit }: ProvisionerSettings,
): void {
  checkRate(checks, "rateLimit", rateLimit);
  const names = new Set<string>(apiKey !== undefined || generateKeys ? ["default"] : []);
  const hashes = new Set<string>();
  for (const [i, tenant] of tenants.entries()) {
    const { name, keys, environments, quota, maxResources = {}, runtimes } = tenant;
    const field = `tenants[${i}]`;
    checks.plain(`${field}.name`, name, dnsLabel);
    if (names.has(name)) {
      checks.problem(
        `${field}.name is "${name}", which is taken: by an earlier tenant, or by whom apiKey stands for (default); choose another`,
      );
    }
    names.add(name);
    if (keys.length === 0) checks.problem(`${field}.keys is empty, so that nobody could call; give one`);
    for (const [k, key] of keys.entries()) {
      checks.plain(`${field}.keys[${k}].name`, key.name, matching(/^\S.{0,99}$/, "a name"));
      checks.plain(`${field}.keys[${k}].sha256`, key.sha256, sha256);
      if (hashes.has(key.sha256))
        checks.problem(`${field}.keys[${k}] is an earlier key; each key stands for one tenant`);
      hashes.add(key.sha256);
    }
    for (const [e, environment] of (environments ?? []).entries())
      checks.plain(`${field}.environments[${e}]`, environment, environmentLabel);
    if (environments?.length === 0)
      checks.problem(`${field}.environments is empty; name one, or leave it out for all`);
    checks.plain(`${field}.quota.sandboxes`, quota?.sandboxes, integerBetween(0, 100_000));
    checks.plain(`${field}.quota.cpu`, quota?.cpu, quantity);
    checks.plain(`${field}.quota.memory`, quota?.memory, quantity);
    for (const [each, value] of Object.entries(maxResources) as [string, string][])
      checks.plain(`${field}.maxResources.${each}`, value, aboveZero);
    for (const [r, runtime] of (runtimes ?? []).entries())
      checks.plain(`${field}.runtimes[${r}]`, runtime, dnsSubdomain);
    checkRate(checks, `${field}.rateLimit`, tenant.rateLimit);
    if (runtimes?.length === 0)
      checks.problem(`${field}.runtimes is empty; name one, or leave it out for what environments allow`);
  }
}

function checkKeys(checks: Checks, settings: ProvisionerSettings): void {
  const { apiKey, signingKey, generateKeys, tenants, rateLimit, existingSecret } = settings;
  checks.plain("existingSecret", existingSecret, dnsSubdomain);
  if (existingSecret !== undefined) {
    const given = {
      apiKey,
      signingKey,
      generateKeys: generateKeys || undefined,
      tenants: tenants[0],
      rateLimit,
    };
    for (const [field, value] of Object.entries(given)) {
      if (value === undefined) continue;
      checks.problem(
        `existingSecret holds all keys and what their tenants may do, but ${field} is given as well; remove one of the two`,
      );
    }
    return;
  }
  if (generateKeys) return;
  if (signingKey === undefined) {
    checks.problem(
      "signingKey is missing, which sandboxes' tokens are made from; give it, or existingSecret, or set generateKeys to true",
    );
  }
  if (apiKey === undefined && tenants.length === 0) {
    checks.problem("nobody could call: give apiKey, tenants or existingSecret, or set generateKeys to true");
  }
}

function checkClusters(checks: Checks, settings: ProvisionerSettings): void {
  const { clustersSecret, clustersNetwork, sandboxUrls } = settings;
  checks.plain("clustersSecret", clustersSecret, dnsSubdomain);
  for (const field of ["apiServerCidrs", "sandboxCidrs"] as const)
    for (const [i, each] of (clustersNetwork?.[field] ?? []).entries())
      checks.plain(`clustersNetwork.${field}[${i}]`, each, cidr);
  for (const [i, each] of (clustersNetwork?.apiServerPorts ?? []).entries())
    checks.plain(`clustersNetwork.apiServerPorts[${i}]`, each, port);
  if (clustersSecret === undefined) {
    if (clustersNetwork !== undefined)
      checks.problem(
        "clustersNetwork is given, but clustersSecret, which names clusters, is not; give it as well",
      );
    return;
  }
  if ((clustersNetwork?.sandboxCidrs.length ?? 0) === 0)
    checks.problem(
      "clustersNetwork.sandboxCidrs is missing, so no sandbox of another cluster could be reached; give the ranges of their pods",
    );
  if (sandboxUrls !== SandboxUrls.Router)
    checks.problem(
      `sandboxUrls is ${sandboxUrls}, but clustersSecret is given, and Services of this cluster lead nowhere in another; set it to Router`,
    );
}

/** What an API key must be: it is kept as a plain hash, so it must be too long to be guessed. */
export const apiKeyRule: Rule<string> = (value) =>
  /^[\x21-\x7e]{32,512}$/.test(value)
    ? undefined
    : "at least 32 characters without spaces, such as `openssl rand -hex 32` prints";

/** What the signing key must be. A second one, on a line of its own, is taken as well: so it is rotated without losing anything. */
export const signingKeyRule: Rule<string> = (value) =>
  /^[0-9a-f]{64,1024}(?:\n[0-9a-f]{64,1024})?$/i.test(value)
    ? undefined
    : "at least 64 hexadecimal digits, as `openssl rand -hex 32` prints, or two lines of them";
