// What the platform tells its provisioner: the arguments given, and what they have in common with the other parts.
import * as pulumi from "@pulumi/pulumi";

import type { EgressProxyArgs, EgressProxyOptions } from "../egress-proxy/args";
import type { ObservabilityArgs } from "../observability/args";
import { withDefaults as observabilityDefaults } from "../observability/resolve";
import type { ProvisionerArgs, ProvisionerMetrics, ProvisionerOptions } from "../provisioner/args";
import { withSecretPasswords } from "../sandbox-environment/resolve";
import { over } from "../shared/defaults";
import type { SandboxPlatformArgs } from "./args";

/** Where sandboxes live, and what they mount. */
export interface ProvisionerPlace {
  readonly namespace: pulumi.Input<string>;
  readonly sandboxServiceAccountName: pulumi.Input<string>;
  readonly skillsClaimName: pulumi.Input<string> | undefined;
  readonly userDataClaimName: pulumi.Input<string> | undefined;
  readonly egressProxyUrl: pulumi.Input<string> | undefined;
}

/** The provisioner's arguments: who may call sandboxes may call it, and it is watched as they are. */
export function provisionerArgs(
  { namespace = {}, network = {}, observability }: SandboxPlatformArgs,
  options: ProvisionerOptions,
  { namespace: name, sandboxServiceAccountName, ...claims }: ProvisionerPlace,
): ProvisionerArgs {
  const fixed: ProvisionerArgs = { ...options, namespace: name, sandboxServiceAccountName };
  return over(fixed, {
    podSecurityVersion: namespace.podSecurityVersion,
    protect: namespace.protect,
    clients: network.ingressPeers,
    dns: network.dns,
    metrics: observability === undefined ? undefined : metrics(observability),
    ...claims,
  });
}

/** The egress proxy's arguments: it comes with the provisioner, and shuts what the network policies shut. */
export function egressProxyArgs(
  { network = {}, observability }: SandboxPlatformArgs,
  {
    egressProxy,
    provisioner,
  }: { readonly egressProxy: EgressProxyOptions; readonly provisioner: ProvisionerOptions },
  namespace: pulumi.Input<string>,
  systemNamespace: pulumi.Input<string>,
): EgressProxyArgs {
  const { image, imagePullPolicy, imagePullSecrets, apiServer } = provisioner;
  const fixed: EgressProxyArgs = { ...egressProxy, namespace, systemNamespace, image };
  return over(fixed, {
    ...{ imagePullPolicy, imagePullSecrets, apiServer },
    clusterCidrs: network.clusterCidrs,
    dns: network.dns,
    metrics: observability === undefined ? undefined : metrics(observability),
  });
}

/** What is watched: all that the platform has. */
export function observabilityArgs(
  { observability, deployment, provisioner, egressProxy }: SandboxPlatformArgs,
  namespace: pulumi.Input<string>,
): ObservabilityArgs {
  return {
    ...observability,
    namespace,
    sharedSandboxes: deployment?.replicas !== 0 || deployment.autoscaling !== undefined,
    provisioner: provisioner !== undefined,
    egressProxy: egressProxy !== undefined,
  };
}

function metrics(given: NonNullable<SandboxPlatformArgs["observability"]>): ProvisionerMetrics {
  const settings = observabilityDefaults({ ...given, namespace: "" });
  const { prometheusOperator, operatorLabels, scraper, scrapeIntervalSeconds } = settings;
  return { prometheusOperator, operatorLabels, scraper, scrapeIntervalSeconds };
}

/** The platform's arguments as they are registered: keys and passwords are secrets, whoever forgot to say so. */
export function withSecrets(args: SandboxPlatformArgs): SandboxPlatformArgs {
  const { provisioner, environments } = args;
  return over(args, {
    provisioner: provisioner && withSecretKeys(provisioner),
    environments: environments?.map(({ registry, ...rest }) =>
      registry === undefined ? rest : { ...rest, registry: withSecretPasswords(registry) },
    ),
  });
}

function withSecretKeys(provisioner: ProvisionerOptions): ProvisionerOptions {
  const secret = (value: pulumi.Input<string> | undefined) =>
    value === undefined ? undefined : pulumi.secret(value);
  const { apiKey, signingKey } = provisioner;
  return over(provisioner, { apiKey: secret(apiKey), signingKey: secret(signingKey) });
}
