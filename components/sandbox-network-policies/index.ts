// The network walls around sandboxes.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { commonLabels } from "../shared/labels";
import type { SandboxNetworkPoliciesArgs } from "./args";
import { allowCallsOut, allowClients, allowDns, allowProfile, denyAll, opensAnything } from "./policies";
import { egressProfiles } from "./profiles";
import { resolve } from "./resolve";

/**
 * Denies all traffic of the namespace's pods, both ways, and then lets through: name resolution, calls from known clients, and
 * what a pod's egress profile (label `sandlot.dev/egress`) reaches. The profile flips by label; no object is made for it.
 */
export class SandboxNetworkPolicies extends pulumi.ComponentResource {
  /** The egress profiles there are: the values of the pod label `sandlot.dev/egress`. */
  public readonly egressProfiles: pulumi.Output<string[]>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SandboxNetworkPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SandboxNetworkPolicies", name, settings, opts);

    const policy = (suffix: string, spec: pulumi.Input<k8s.types.input.networking.v1.NetworkPolicySpec>) =>
      new k8s.networking.v1.NetworkPolicy(
        `${name}-${suffix}`,
        {
          metadata: {
            name: `sandbox-${suffix}`,
            namespace: settings.namespace,
            labels: commonLabels("sandbox"),
          },
          spec,
        },
        { parent: this },
      );
    const { allowlist, dns } = settings;
    policy("deny-all", denyAll());
    policy("dns", allowDns(dns));
    policy("clients", allowClients(settings.ingressPeers));
    policy("client-egress", allowCallsOut(dns));
    for (const reach of egressProfiles.filter((each) => opensAnything(each, allowlist))) {
      const spec = pulumi
        .all(settings.clusterCidrs)
        .apply((clusterCidrs) => allowProfile(reach, { clusterCidrs, allowlist, dns }));
      policy(`egress-${reach.profile}`, spec);
    }

    this.egressProfiles = pulumi.output(egressProfiles.map(({ profile }) => profile as string));
    this.registerOutputs({ egressProfiles: this.egressProfiles });
  }
}
