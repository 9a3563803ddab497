// The wall around sandboxes, as Kubernetes knows it.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { GvisorRuntimeArgs } from "./args";
import { resolve, runtimeClassArgs } from "./resolve";

/** The RuntimeClass that runs pods in gVisor, on nodes that have gVisor already. */
export class GvisorRuntime extends pulumi.ComponentResource {
  /** The name that pods ask for. */
  public readonly runtimeClassName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: GvisorRuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:GvisorRuntime", name, settings, opts);

    const runtimeClass = new k8s.node.v1.RuntimeClass(`${name}-class`, runtimeClassArgs(settings), {
      parent: this,
    });

    this.runtimeClassName = runtimeClass.metadata.name;
    this.registerOutputs({ runtimeClassName: this.runtimeClassName });
  }
}
