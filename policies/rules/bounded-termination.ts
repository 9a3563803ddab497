// A pod that takes an hour to end makes a drain, an upgrade and an eviction take an hour.
import { podRule } from "../lib/rule";
import { at } from "../lib/values";

export const boundedTermination = podRule<{ maximumSeconds: number }>(
  {
    name: "bounded-termination",
    group: "Resources",
    description: "Pods end within a stated time.",
    severity: "medium",
    remediationSteps: "Lower spec.terminationGracePeriodSeconds",
    url: "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    settings: {
      maximumSeconds: {
        type: "integer",
        minimum: 1,
        // What cloud providers' node upgrades wait for pods at most.
        default: 3600,
        description: "The longest grace period, in seconds.",
      },
    },
  },
  ({ spec }, { maximumSeconds }) => {
    const seconds = at(spec, "terminationGracePeriodSeconds");
    return typeof seconds === "number" && seconds > maximumSeconds
      ? [`spec.terminationGracePeriodSeconds is ${seconds}, which is more than ${maximumSeconds}`]
      : [];
  },
);
