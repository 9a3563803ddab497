// As many sandboxes as are needed: what can be asked, what is refused, and the HorizontalPodAutoscaler.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Checks } from "../shared/checks";
import { over } from "../shared/defaults";
import { parseQuantity } from "../shared/quantity";
import { integerBetween, matching, quantity } from "../shared/rules";

/** A metric of the pods themselves, which something in the cluster offers as `custom.metrics.k8s.io`. */
export interface PodMetric {
  /** The metric's name, such as `sandboxd_commands_running`. */
  name: string;
  /** The average over all pods to hold, a Kubernetes quantity above zero. */
  averageValue: string;
}

/** How many pods there are by what they do. The Deployment's own `replicas` then only counts when it is made. */
export interface SandboxAutoscaling {
  /**
   * The least, 1 to 1000.
   * @default 2
   */
  minReplicas?: number;
  /** The most, at least `minReplicas`, up to 1000. */
  maxReplicas: number;
  /**
   * The average CPU to hold, in percent of the request, 1 to 1000; 0 leaves CPU out. It takes a metrics server.
   * @default 70
   */
  cpuPercent?: number;
  /**
   * Metrics of the pods.
   * @default []
   */
  podMetrics?: PodMetric[];
  /**
   * For how many seconds fewer pods must have been enough before there are fewer, 0 to 3600. Sessions end with their pods.
   * @default 300
   */
  scaleDownSeconds?: number;
}

/** {@link SandboxAutoscaling} with every default filled in. */
export type AutoscalingSettings = Required<SandboxAutoscaling>;

/** Fills in the defaults. */
export function autoscalingDefaults(given: SandboxAutoscaling): AutoscalingSettings {
  return over<AutoscalingSettings>(
    {
      minReplicas: 2,
      maxReplicas: given.maxReplicas,
      cpuPercent: 70,
      podMetrics: [],
      scaleDownSeconds: 300,
    },
    given,
  );
}

/** Holds the settings against their rules. */
export function checkAutoscaling(checks: Checks, settings: AutoscalingSettings): void {
  const { minReplicas, maxReplicas, cpuPercent, podMetrics } = settings;
  checks.plain("autoscaling.minReplicas", minReplicas, integerBetween(1, 1000));
  checks.plain("autoscaling.maxReplicas", maxReplicas, integerBetween(1, 1000));
  if (maxReplicas < minReplicas) {
    checks.problem(
      `autoscaling.maxReplicas is ${maxReplicas}, but autoscaling.minReplicas is ${minReplicas}; raise the one or lower the other`,
    );
  }
  checks.plain("autoscaling.cpuPercent", cpuPercent, integerBetween(0, 1000, "a percentage"));
  checks.plain(
    "autoscaling.scaleDownSeconds",
    settings.scaleDownSeconds,
    integerBetween(0, 3600, "a number of seconds"),
  );
  if (cpuPercent === 0 && podMetrics.length === 0)
    checks.problem(
      "autoscaling has nothing to go by: cpuPercent is 0 and podMetrics is empty; give one of them",
    );
  const seen = new Set<string>();
  for (const [i, { name, averageValue }] of podMetrics.entries()) {
    const at = `autoscaling.podMetrics[${i}]`;
    checks.plain(
      `${at}.name`,
      name,
      matching(
        /^[A-Za-z_:][A-Za-z0-9_:.-]{0,252}$/,
        "the name of a metric, such as sandboxd_commands_running",
      ),
    );
    checks.plain(`${at}.averageValue`, averageValue, (value) =>
      parseQuantity(value) === 0 ? "a Kubernetes quantity above zero" : quantity(value),
    );
    if (seen.has(name))
      checks.problem(`${at}.name is ${name}, which an earlier entry has; remove one of the two`);
    seen.add(name);
  }
}

/** The autoscaler of the Deployment `name`, which makes it come after the Deployment. */
export function autoscalerArgs(
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  name: pulumi.Input<string>,
  settings: AutoscalingSettings,
): k8s.autoscaling.v2.HorizontalPodAutoscalerArgs {
  const { minReplicas, maxReplicas, cpuPercent, podMetrics, scaleDownSeconds } = settings;
  return {
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas,
      maxReplicas,
      metrics: [
        ...(cpuPercent === 0
          ? []
          : [
              {
                type: "Resource",
                resource: { name: "cpu", target: { type: "Utilization", averageUtilization: cpuPercent } },
              },
            ]),
        ...podMetrics.map(({ name: metric, averageValue }) => ({
          type: "Pods",
          pods: { metric: { name: metric }, target: { type: "AverageValue", averageValue } },
        })),
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: scaleDownSeconds } },
    },
  };
}
