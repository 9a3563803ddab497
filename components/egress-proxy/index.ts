// The proxy that keeps the network rules of each sandbox.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { provisionerName } from "../provisioner/objects";
import { scraping } from "../provisioner/scraping";
import { denyAll } from "../sandbox-network-policies/policies";
import type { EgressProxyArgs } from "./args";
import {
  addressName,
  addressRules,
  deploymentArgs,
  disruptionBudgetArgs,
  healthPort,
  policyRules,
  proxyLabels,
  proxyName,
  proxySelector,
  proxyUrl,
  serviceArgs,
} from "./objects";
import { networkPolicies } from "./policies";
import { resolve, type EgressProxySettings } from "./resolve";

/**
 * The only way out of sandboxes of profile `allowlist` that the provisioner makes. It knows a sandbox by its address, looks names up
 * itself, and lets through what the rules of that sandbox allow and do not deny. It serves untrusted code, so that it is apart
 * from the provisioner: it may see pods and write Events, and reaches nothing private.
 */
export class EgressProxy extends pulumi.ComponentResource {
  /** Where it is, by the name of its Service. */
  public readonly url: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: EgressProxyArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:EgressProxy", name, settings, opts);

    const { namespace, systemNamespace } = settings;
    const policies = this.policies(name, settings);
    const metadata = { name: proxyName, labels: proxyLabels };
    const account = new k8s.core.v1.ServiceAccount(
      `${name}-service-account`,
      { metadata: { ...metadata, namespace: systemNamespace }, automountServiceAccountToken: false },
      { parent: this },
    );
    const role = new k8s.rbac.v1.Role(
      `${name}-role`,
      { metadata: { ...metadata, namespace }, rules: policyRules },
      { parent: this },
    );
    const binding = new k8s.rbac.v1.RoleBinding(
      `${name}-role-binding`,
      {
        metadata: { ...metadata, namespace },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace: systemNamespace }],
      },
      { parent: this },
    );
    const inSystem = { name: addressName, namespace: systemNamespace, labels: proxyLabels };
    const addressRole = new k8s.rbac.v1.Role(
      `${name}-address-role`,
      { metadata: inSystem, rules: addressRules },
      { parent: this },
    );
    new k8s.rbac.v1.RoleBinding(
      `${name}-address-role-binding`,
      {
        metadata: inSystem,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: addressRole.metadata.name },
        subjects: [{ kind: "ServiceAccount", name: provisionerName, namespace: systemNamespace }],
      },
      { parent: this },
    );
    new k8s.core.v1.Service(`${name}-service`, serviceArgs(settings), { parent: this });
    new k8s.apps.v1.Deployment(`${name}-deployment`, deploymentArgs(settings, account.metadata.name), {
      parent: this,
      dependsOn: [...policies, binding],
    });
    if (settings.replicas > 1)
      new k8s.policy.v1.PodDisruptionBudget(`${name}-disruption-budget`, disruptionBudgetArgs(settings), {
        parent: this,
      });

    if (settings.metrics !== undefined) {
      const scraped = {
        ...{ service: proxyName, namespace: systemNamespace, selector: proxySelector },
        ...{ port: healthPort, portName: "health" },
      };
      scraping(name, scraped, settings.metrics, this);
    }

    this.url = pulumi.output(systemNamespace).apply(proxyUrl);
    this.registerOutputs({ url: this.url });
  }

  private policies(name: string, settings: EgressProxySettings): k8s.networking.v1.NetworkPolicy[] {
    const { namespace, systemNamespace, clusterCidrs } = settings;
    const specs = pulumi
      .all([namespace, systemNamespace, pulumi.all(clusterCidrs)])
      .apply(([home, system, own]) =>
        networkPolicies(settings, { namespace: home, systemNamespace: system, clusterCidrs: own }).map(
          ({ spec }) => spec,
        ),
      );
    // Which policies there are does not hang on what namespaces are called.
    const known = networkPolicies(settings, { namespace: "", systemNamespace: "", clusterCidrs: [] });
    return known.map(
      ({ suffix, side }, i) =>
        new k8s.networking.v1.NetworkPolicy(
          `${name}-${suffix}`,
          {
            metadata: {
              name: `${proxyName}-${suffix}`,
              namespace: side === "system" ? systemNamespace : namespace,
              labels: proxyLabels,
            },
            spec: specs.apply((all) => all[i] ?? denyAll()),
          },
          { parent: this },
        ),
    );
  }
}
