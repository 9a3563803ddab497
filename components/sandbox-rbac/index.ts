// Who sandboxes are to the cluster: nobody.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { commonLabels } from "../shared/labels";
import { resolve, type SandboxRbacArgs } from "./args";

/** The service account that sandboxes run as: no role is bound to it, and its token is in no pod. */
export class SandboxRbac extends pulumi.ComponentResource {
  /** The service account's name. */
  public readonly serviceAccountName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SandboxRbacArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SandboxRbac", name, settings, opts);

    const account = new k8s.core.v1.ServiceAccount(
      `${name}-service-account`,
      {
        metadata: {
          name: settings.serviceAccountName,
          namespace: settings.namespace,
          labels: commonLabels("sandbox"),
        },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );

    this.serviceAccountName = account.metadata.name;
    this.registerOutputs({ serviceAccountName: this.serviceAccountName });
  }
}
