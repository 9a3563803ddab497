// The shared, always-on sandbox.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { SandboxDeploymentArgs } from "./args";
import { autoscalerArgs } from "./autoscaling";
import { deploymentArgs, disruptionBudgetArgs, serviceArgs, servicePort } from "./objects";
import { instanceLabels } from "./pod";
import { resolve } from "./validate";

/** Sandboxes that are always there: a Deployment of hardened pods, a Service and a budget for disruptions. */
export class SandboxDeployment extends pulumi.ComponentResource {
  /** The name of the Deployment. */
  public readonly deploymentName: pulumi.Output<string>;
  /** The name of the Service. */
  public readonly serviceName: pulumi.Output<string>;
  /** The Service's URL inside the cluster. */
  public readonly serviceUrl: pulumi.Output<string>;
  /** The port of every node, if the Service has one. */
  public readonly nodePort: pulumi.Output<number | undefined>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SandboxDeploymentArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SandboxDeployment", name, settings, opts);

    const service = new k8s.core.v1.Service(`${name}-service`, serviceArgs(settings), { parent: this });
    const { autoscaling } = settings;
    const deployment = new k8s.apps.v1.Deployment(`${name}-deployment`, deploymentArgs(settings), {
      parent: this,
      // How many there are is the autoscaler's business once it is there.
      ...(autoscaling === undefined ? {} : { ignoreChanges: ["spec.replicas"] }),
    });
    if (autoscaling !== undefined) {
      const metadata = {
        name: settings.name,
        namespace: settings.namespace,
        labels: instanceLabels(settings.name),
      };
      new k8s.autoscaling.v2.HorizontalPodAutoscaler(
        `${name}-autoscaler`,
        autoscalerArgs(metadata, deployment.metadata.name, autoscaling),
        { parent: this },
      );
    }
    if (settings.disruption !== undefined) {
      const budget = disruptionBudgetArgs(settings, settings.disruption);
      new k8s.policy.v1.PodDisruptionBudget(`${name}-disruption-budget`, budget, { parent: this });
    }

    this.deploymentName = deployment.metadata.name;
    this.serviceName = service.metadata.name;
    this.serviceUrl = pulumi.interpolate`http://${service.metadata.name}.${service.metadata.namespace}.svc.cluster.local:${servicePort}`;
    this.nodePort = service.spec.ports.apply(
      (ports) => (ports[0] as { nodePort?: number } | undefined)?.nodePort,
    );
    this.registerOutputs({
      deploymentName: this.deploymentName,
      serviceName: this.serviceName,
      serviceUrl: this.serviceUrl,
      nodePort: this.nodePort,
    });
  }
}
