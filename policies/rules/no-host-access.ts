// No pod of the stack sees the node: its namespaces, its files, its ports, its devices.
import { podRule } from "../lib/rule";
import { at, listAt, mayExist, textAt, unknown } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const noHostAccess = podRule(
  {
    name: "no-host-access",
    description: "Pods share no namespace, file, port or privilege with their node.",
    severity: "critical",
    remediationSteps: "Remove it; files come by PersistentVolumeClaims, traffic by Services",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) => {
    const { spec } = workload;
    const namespaces = ["hostNetwork", "hostPID", "hostIPC"].filter((field) => at(spec, field) === true);
    const volumes = listAt(spec, "volumes").filter((volume) => {
      const path = at(volume, "hostPath");
      return path !== unknown && mayExist(path);
    });
    const containers = containersOf(workload).flatMap(({ label, container }) => [
      ...(at(container, "securityContext", "privileged") === true ? [`The ${label} is privileged`] : []),
      ...listAt(container, "ports")
        .map((port) => at(port, "hostPort"))
        .filter((port): port is number => typeof port === "number" && port !== 0)
        .map((port) => `The ${label} takes the node's port ${port}`),
    ]);
    return [
      ...namespaces.map((field) => `spec.${field} is true`),
      ...volumes.map((volume) => `The volume ${textAt(volume, "name") ?? ""} is a hostPath`),
      ...containers,
    ];
  },
);
