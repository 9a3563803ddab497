// A port of the node is reachable past every Service, and by whoever reaches the node.
import { podRule } from "../lib/rule";
import { at, listAt } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const noHostPorts = podRule<{ allowed: number[] }>(
  {
    name: "no-host-ports",
    group: "Pod Security",
    description: "No container takes a port of its node.",
    severity: "high",
    remediationSteps: "Remove hostPort; traffic comes by Services",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
    settings: {
      allowed: {
        type: "array",
        items: { type: "integer", minimum: 1, maximum: 65535 },
        default: [],
        description: "Ports of the node that containers may take.",
      },
    },
  },
  (workload, { allowed }) =>
    containersOf(workload).flatMap(({ label, container }) =>
      listAt(container, "ports")
        .map((port) => at(port, "hostPort"))
        .filter((port): port is number => typeof port === "number" && port !== 0 && !allowed.includes(port))
        .map((port) => `The ${label} takes the node's port ${port}`),
    ),
);
