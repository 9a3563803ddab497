// Who sandboxes are to the cluster: nobody. And who else there is in their namespace.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { commonLabels } from "../shared/labels";
import type { SandboxRbacArgs } from "./args";
import { bindingParts, policyRules } from "./objects";
import { resolve, type SandboxRbacSettings } from "./resolve";

/**
 * The service account that sandboxes run as: no role is bound to it, and its token is in no pod. Further accounts have a Role of
 * the namespace each, never a right beyond it.
 */
export class SandboxRbac extends pulumi.ComponentResource {
  /** The name of the sandboxes' service account. */
  public readonly serviceAccountName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SandboxRbacArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SandboxRbac", name, settings, opts);

    const account = this.account(`${name}-service-account`, settings.serviceAccountName, "sandbox", settings);
    for (const each of settings.accounts) this.accountWithRole(name, each, settings);

    this.serviceAccountName = account.metadata.name;
    this.registerOutputs({ serviceAccountName: this.serviceAccountName });
  }

  private account(
    logicalName: string,
    name: string,
    component: string,
    { namespace }: SandboxRbacSettings,
  ): k8s.core.v1.ServiceAccount {
    return new k8s.core.v1.ServiceAccount(
      logicalName,
      {
        metadata: { name, namespace, labels: commonLabels(component) },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );
  }

  private accountWithRole(
    prefix: string,
    { name, rules }: SandboxRbacSettings["accounts"][number],
    settings: SandboxRbacSettings,
  ): void {
    const account = this.account(`${prefix}-account-${name}`, name, "access", settings);
    const metadata = { name, namespace: settings.namespace, labels: commonLabels("access") };
    const role = new k8s.rbac.v1.Role(
      `${prefix}-role-${name}`,
      { metadata, rules: policyRules(rules) },
      { parent: this },
    );
    new k8s.rbac.v1.RoleBinding(
      `${prefix}-role-binding-${name}`,
      { metadata, ...bindingParts(name, settings.namespace) },
      { parent: this, dependsOn: [account, role] },
    );
  }
}
