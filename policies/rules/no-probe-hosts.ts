// The kubelet probes from the node's network: with a host of the pod's choice, the pod reaches what the node reaches.
import { podRule } from "../lib/rule";
import { at, textAt, type Value } from "../lib/values";
import { containersOf } from "../lib/workloads";

const handlers = [
  ["startupProbe"],
  ["readinessProbe"],
  ["livenessProbe"],
  ["lifecycle", "postStart"],
  ["lifecycle", "preStop"],
];

function hostsOf(container: Value): string[] {
  return handlers.flatMap((path) =>
    ["httpGet", "tcpSocket"].flatMap((action) => {
      const host = textAt(at(container, ...path), action, "host") ?? "";
      return host === "" ? [] : [`${path.join(".")}.${action} asks the host ${host}`];
    }),
  );
}

export const noProbeHosts = podRule(
  {
    name: "no-probe-hosts",
    group: "Pod Security",
    description: "Probes and lifecycle hooks ask the pod itself, no other host.",
    severity: "medium",
    remediationSteps: "Remove the field host",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) =>
      hostsOf(container).map((problem) => `The ${label}'s ${problem}`),
    ),
);
