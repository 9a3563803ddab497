// The wall around sandboxes, as Kubernetes knows it.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { GvisorRuntimeArgs } from "./args";
import { checkJob } from "./check";
import * as installer from "./installer";
import { runtimeClassArgs } from "./objects";
import { resolve, type CheckSettings, type GvisorRuntimeSettings } from "./resolve";

/**
 * The RuntimeClass that runs pods in gVisor, on nodes that have it already or get it from an installer. With `check`, the
 * component is complete only when a pod of that class has proved from inside that it runs in gVisor: what depends on the component
 * is not deployed otherwise.
 */
export class GvisorRuntime extends pulumi.ComponentResource {
  /** The name that pods ask for. */
  public readonly runtimeClassName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: GvisorRuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:GvisorRuntime", name, settings, opts);

    const runtimeClass = settings.existing
      ? undefined
      : new k8s.node.v1.RuntimeClass(`${name}-class`, runtimeClassArgs(settings), {
          parent: this,
          // The API server lets nobody change a handler; its name is taken until the old class is gone.
          replaceOnChanges: ["handler"],
          deleteBeforeReplace: true,
        });
    const { install, check } = settings;
    const daemonSet = install === undefined ? undefined : this.installer(name, { ...settings, install });
    if (check !== undefined) {
      const first = [runtimeClass, daemonSet].filter((resource) => resource !== undefined);
      this.checkJob(name, settings, check, first);
    }

    this.runtimeClassName = runtimeClass?.metadata.name ?? pulumi.output(settings.runtimeClassName);
    this.registerOutputs({ runtimeClassName: this.runtimeClassName });
  }

  /** The DaemonSet comes last and goes first: while it goes, its account can still take the nodes' label off. */
  private installer(name: string, settings: installer.InstallerSettings): k8s.apps.v1.DaemonSet {
    const own = { parent: this };
    const namespace = new k8s.core.v1.Namespace(
      `${name}-installer-namespace`,
      installer.namespaceArgs(settings),
      own,
    );
    const inside = { parent: this, dependsOn: namespace };
    const account = new k8s.core.v1.ServiceAccount(
      `${name}-installer-account`,
      installer.accountArgs(settings),
      inside,
    );
    const role = new k8s.rbac.v1.Role(`${name}-installer-role`, installer.roleArgs(settings), inside);
    const clusterRole = new k8s.rbac.v1.ClusterRole(
      `${name}-installer-cluster-role`,
      installer.clusterRoleArgs(settings),
      own,
    );
    // The bounds of the role are in force before anybody has it.
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      `${name}-installer-admission`,
      installer.admissionPolicyArgs(settings),
      own,
    );
    const inForce = new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      `${name}-installer-admission-binding`,
      installer.admissionBindingArgs(settings),
      { parent: this, dependsOn: policy },
    );
    const parts = [
      account,
      new k8s.rbac.v1.RoleBinding(`${name}-installer-role-binding`, installer.roleBindingArgs(settings), {
        parent: this,
        dependsOn: [account, role],
      }),
      new k8s.rbac.v1.ClusterRoleBinding(
        `${name}-installer-cluster-role-binding`,
        installer.clusterRoleBindingArgs(settings),
        { parent: this, dependsOn: [account, clusterRole, inForce] },
      ),
      new k8s.networking.v1.NetworkPolicy(
        `${name}-installer-network`,
        installer.networkPolicyArgs(settings),
        inside,
      ),
      new k8s.core.v1.ConfigMap(`${name}-installer-scripts`, installer.scriptsArgs(settings), inside),
    ];
    return new k8s.apps.v1.DaemonSet(`${name}-installer`, installer.daemonSetArgs(settings), {
      parent: this,
      dependsOn: parts,
    });
  }

  private checkJob(
    name: string,
    settings: GvisorRuntimeSettings,
    check: CheckSettings,
    dependsOn: pulumi.Resource[],
  ): void {
    const { namespace, image, serviceAccountName, priorityClassName } = check;
    const job = pulumi
      .all([namespace, image, serviceAccountName, priorityClassName])
      .apply(([inNamespace, ofImage, account, priority]) =>
        checkJob(settings, {
          ...check,
          namespace: inNamespace,
          image: ofImage,
          serviceAccountName: account,
          priorityClassName: priority,
        }),
      );
    new k8s.batch.v1.Job(
      `${name}-check`,
      { metadata: job.metadata, spec: job.spec },
      { parent: this, dependsOn },
    );
  }
}
