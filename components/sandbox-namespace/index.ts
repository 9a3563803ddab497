// A namespace in which only restricted pods are let in, and only so many of them.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { commonLabels } from "../shared/labels";
import { resolve, type SandboxNamespaceArgs } from "./args";
import { limitRangeItem, namespaceArgs, otherPrioritiesQuota, priorityClassArgs, quotaHard } from "./objects";

/**
 * A namespace for sandboxes: the API server refuses every pod that does not meet the Pod Security Standard `restricted`, and a
 * quota and a limit range bound what all of them and each of them can take.
 */
export class SandboxNamespace extends pulumi.ComponentResource {
  /** The namespace's name, known when the namespace is there. */
  public readonly namespace: pulumi.Output<string>;
  /** The PriorityClass that all pods of the namespace must have, if there is one. */
  public readonly priorityClassName: pulumi.Output<string | undefined>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SandboxNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SandboxNamespace", name, settings, opts);

    const namespace = new k8s.core.v1.Namespace(`${name}-namespace`, namespaceArgs(settings), {
      parent: this,
      protect: settings.protect,
    });
    const metadata = { namespace: namespace.metadata.name, labels: commonLabels("sandbox") };
    new k8s.core.v1.ResourceQuota(
      `${name}-quota`,
      { metadata: { ...metadata, name: "sandbox-quota" }, spec: { hard: quotaHard(settings) } },
      { parent: this },
    );
    new k8s.core.v1.LimitRange(
      `${name}-limits`,
      { metadata: { ...metadata, name: "sandbox-limits" }, spec: { limits: [limitRangeItem(settings)] } },
      { parent: this },
    );
    const { priority } = settings;
    if (priority !== undefined) {
      new k8s.core.v1.ResourceQuota(
        `${name}-other-priorities`,
        {
          metadata: { ...metadata, name: "sandbox-other-priorities" },
          spec: otherPrioritiesQuota(priority.className),
        },
        { parent: this },
      );
    }

    this.namespace = namespace.metadata.name;
    this.priorityClassName =
      priority?.value === undefined
        ? pulumi.output(priority?.className)
        : new k8s.scheduling.v1.PriorityClass(
            `${name}-priority`,
            priorityClassArgs(priority, priority.value),
            { parent: this },
          ).metadata.name;
    this.registerOutputs({ namespace: this.namespace, priorityClassName: this.priorityClassName });
  }
}
