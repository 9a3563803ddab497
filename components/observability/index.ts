// How sandboxes are watched.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { ObservabilityArgs } from "./args";
import {
  dashboardFiles,
  metricsLabels,
  metricsName,
  metricsPolicy,
  metricsService,
  monitorSpec,
  operatorApi,
  rulesFile,
} from "./objects";
import { resolve, type ObservabilitySettings } from "./resolve";
import { ruleGroups } from "./rules";

/**
 * Opens the sandboxes' metrics to a scraper and nobody else, and brings alert rules and dashboards along. The sandboxes must
 * serve metrics ({@link SandboxPlatform} sees to it).
 */
export class Observability extends pulumi.ComponentResource {
  /** How a scraper finds the metrics: `ServiceMonitor` or `annotations`. */
  public readonly discovery: pulumi.Output<string>;
  /** Where the alert rules are: `PrometheusRule/<name>` or `ConfigMap/<name>`. */
  public readonly alertRules: pulumi.Output<string>;
  /** The ConfigMap with the dashboards. */
  public readonly dashboardConfigMap: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: ObservabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:Observability", name, settings, opts);

    const own = { parent: this };
    new k8s.networking.v1.NetworkPolicy(`${name}-scraper`, metricsPolicy(settings), own);
    new k8s.core.v1.Service(`${name}-service`, metricsService(settings), own);
    if (settings.prometheusOperator) this.operatorObjects(name, settings);
    else
      this.configMap(
        `${name}-rules`,
        settings,
        "sandbox-alert-rules",
        {},
        {
          "sandlot.rules.yaml": rulesFile(settings),
        },
      );
    const dashboard = this.configMap(
      `${name}-dashboard`,
      settings,
      "sandbox-dashboard",
      settings.dashboardLabels,
      dashboardFiles(settings),
    );

    this.discovery = pulumi.output(settings.prometheusOperator ? "ServiceMonitor" : "annotations");
    this.alertRules = pulumi.output(
      settings.prometheusOperator ? "PrometheusRule/sandbox-alert-rules" : "ConfigMap/sandbox-alert-rules",
    );
    this.dashboardConfigMap = dashboard.metadata.name;
    this.registerOutputs({
      discovery: this.discovery,
      alertRules: this.alertRules,
      dashboardConfigMap: this.dashboardConfigMap,
    });
  }

  private operatorObjects(name: string, settings: ObservabilitySettings): void {
    const { namespace } = settings;
    const labels = { ...settings.operatorLabels, ...metricsLabels };
    new k8s.apiextensions.CustomResource(
      `${name}-monitor`,
      {
        apiVersion: operatorApi,
        kind: "ServiceMonitor",
        metadata: { name: metricsName, namespace, labels },
        spec: pulumi.output(namespace).apply((known) => monitorSpec(known, settings)),
      },
      { parent: this },
    );
    new k8s.apiextensions.CustomResource(
      `${name}-rules`,
      {
        apiVersion: operatorApi,
        kind: "PrometheusRule",
        metadata: { name: "sandbox-alert-rules", namespace, labels },
        spec: ruleGroups(settings, settings.runbookUrl),
      },
      { parent: this },
    );
  }

  private configMap(
    name: string,
    { namespace }: ObservabilitySettings,
    objectName: string,
    labels: Record<string, string>,
    data: Record<string, string>,
  ): k8s.core.v1.ConfigMap {
    return new k8s.core.v1.ConfigMap(
      name,
      {
        metadata: { name: objectName, namespace, labels: { ...labels, ...metricsLabels } },
        data,
      },
      { parent: this },
    );
  }
}
