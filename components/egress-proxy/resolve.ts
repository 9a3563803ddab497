// The egress proxy's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import type { ApiServerPeer, ProvisionerMetrics } from "../provisioner/args";
import { SandboxPullPolicy, type ComputeAmounts } from "../sandbox-deployment/args";
import type { DnsPeer } from "../sandbox-network-policies/args";
import { withDefaults as networkDefaults } from "../sandbox-network-policies/resolve";
import { Checks } from "../shared/checks";
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
