// Kubernetes knows when a pod is up, when it can be called, and when it is stuck.
import { podRule } from "../lib/rule";
import { at, listAt, mayExist, textAt } from "../lib/values";
import { serviceKinds } from "../lib/workloads";

const probes = ["startupProbe", "readinessProbe", "livenessProbe"];

export const probesRequired = podRule<{ probes: string[] }>(
  {
    name: "probes-required",
    group: "Availability",
    description:
      "Containers that keep running state how to tell that they started, can be called, and are alive.",
    severity: "medium",
    remediationSteps: "Add the probe",
    url: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    enforcementLevel: "advisory",
    settings: {
      probes: {
        type: "array",
        items: { type: "string", enum: probes },
        default: probes,
        description: "The probes that every container needs.",
      },
    },
  },
  ({ kind, spec }, config) =>
    serviceKinds.includes(kind)
      ? listAt(spec, "containers").flatMap((container, i) =>
          config.probes
            .filter((probe) => !mayExist(at(container, probe)))
            .map(
              (probe) => `The container ${textAt(container, "name") ?? `containers[${i}]`} has no ${probe}`,
            ),
        )
      : [],
);
