// The egress proxy's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import type { ApiServerPeer, ProvisionerMetrics } from "../provisioner/args";
import { SandboxPullPolicy, type ComputeAmounts } from "../sandbox-deployment/args";
import type { DnsPeer } from "../sandbox-network-policies/args";
import { withDefaults as networkDefaults } from "../sandbox-network-policies/resolve";
import { metadataAddresses } from "../sandbox-network-policies/profiles";
import { Checks, isDeferred, type Rule } from "../shared/checks";
import { lies } from "../shared/cidr";
import { over } from "../shared/defaults";
import { checkOrder } from "../shared/quantity";
import { cidr, dnsSubdomain, integerBetween, logLevel, oneOf, pinnedImage, quantity } from "../shared/rules";
import type { EgressProxyArgs } from "./args";

/** {@link EgressProxyArgs} with every default filled in. */
export interface EgressProxySettings {
  namespace: pulumi.Input<string>;
  systemNamespace: pulumi.Input<string>;
  image: pulumi.Input<string>;
  imagePullPolicy: SandboxPullPolicy;
  imagePullSecrets: string[];
  replicas: number;
  privateCidrs: string[];
  deniedCidrs: string[];
  clusterCidrs: pulumi.Input<string>[];
  logLevel: string;
  resources: { requests: Required<ComputeAmounts>; limits: Required<ComputeAmounts> };
  dns: Required<DnsPeer>;
  apiServer: Required<ApiServerPeer>;
  metrics?: ProvisionerMetrics | undefined;
}

/** Fills in the defaults. */
export function withDefaults(args: EgressProxyArgs): EgressProxySettings {
  const { resources } = args;
  return {
    ...args,
    imagePullPolicy: args.imagePullPolicy ?? SandboxPullPolicy.IfNotPresent,
    imagePullSecrets: args.imagePullSecrets ?? [],
    replicas: args.replicas ?? 2,
    privateCidrs: args.privateCidrs ?? [],
    deniedCidrs: args.deniedCidrs ?? [],
    clusterCidrs: args.clusterCidrs ?? [],
    logLevel: args.logLevel ?? "info",
    resources: {
      requests: over({ cpu: "20m", memory: "96Mi", ephemeralStorage: "32Mi" }, resources?.requests),
      limits: over({ cpu: "1", memory: "256Mi", ephemeralStorage: "64Mi" }, resources?.limits),
    },
    dns: networkDefaults({ namespace: "", ...(args.dns === undefined ? {} : { dns: args.dns }) }).dns,
    apiServer: over<Required<ApiServerPeer>>(
      { cidrs: ["0.0.0.0/0", "::/0"], ports: [443, 6443] },
      args.apiServer,
    ),
  };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: EgressProxyArgs): EgressProxySettings {
  const settings = withDefaults(args);
  const checks = new Checks("EgressProxy", name);
  checks.plain("imagePullPolicy", settings.imagePullPolicy, oneOf(SandboxPullPolicy));
  for (const [i, each] of settings.imagePullSecrets.entries())
    checks.plain(`imagePullSecrets[${i}]`, each, dnsSubdomain);
  checks.plain("replicas", settings.replicas, integerBetween(1, 20));
  for (const [i, each] of settings.privateCidrs.entries())
    checks.plain(`privateCidrs[${i}]`, each, privateCidr);
  for (const sentence of shutAgain(settings)) checks.problem(sentence);
  if (
    settings.privateCidrs.length > 0 &&
    !settings.clusterCidrs.some((each) => typeof each !== "string" || isPrivate(each))
  )
    checks.problem(
      "privateCidrs is given, but clusterCidrs has no private range; give those of the cluster's pods, Services, nodes and API server, which stay shut then whatever is opened",
    );
  for (const [i, each] of settings.deniedCidrs.entries()) checks.plain(`deniedCidrs[${i}]`, each, cidr);
  checks.plain("logLevel", settings.logLevel, logLevel);
  for (const [group, given] of Object.entries(settings.resources)) {
    for (const [field, value] of Object.entries(given))
      checks.plain(`resources.${group}.${field}`, value, quantity);
  }
  const { requests, limits } = settings.resources;
  checkOrder(checks, ["resources.requests", requests], ["resources.limits", limits]);
  const resolved = {
    ...settings,
    image: checks.input("image", settings.image, pinnedImage),
    clusterCidrs: settings.clusterCidrs.map((each, i) => checks.input(`clusterCidrs[${i}]`, each, cidr)),
  };
  checks.finish();
  return resolved;
}

/** What clouds and companies use inside: https://www.rfc-editor.org/rfc/rfc1918, rfc6598 and rfc4193. */
const privateRanges = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/** A range that somebody may want to open, and not one where credentials are handed out. */
const privateCidr: Rule<string> = (value) => {
  const wrong = cidr(value);
  if (wrong !== undefined) return wrong;
  if (!isPrivate(value))
    return `a range within ${privateRanges.join(", ")}: others are open, or shut to everybody`;
  const metadata = metadataAddresses.find(({ address }) => lies(address, value));
  return metadata === undefined
    ? undefined
    : `a range without ${metadata.address}, which is for ${metadata.purpose}`;
};

function isPrivate(range: string): boolean {
  return privateRanges.some((cidr) => lies(range, cidr));
}

/** Each private range that is open to nobody because another setting shuts it as a whole, as a sentence. */
function shutAgain({ privateCidrs, deniedCidrs, clusterCidrs }: EgressProxySettings): string[] {
  const plain = clusterCidrs.filter((each): each is string => !isDeferred(each));
  return privateCidrs.flatMap((text, i) => {
    const by = [...deniedCidrs, ...plain].find((each) => lies(text, each));
    return by === undefined
      ? []
      : [`privateCidrs[${i}] is "${text}", but deniedCidrs or clusterCidrs has ${by}; remove one of the two`];
  });
}
