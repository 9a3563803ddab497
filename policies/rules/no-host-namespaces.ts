// No pod sees the node's network, processes or memory.
import { podRule } from "../lib/rule";
import { at } from "../lib/values";

export const noHostNamespaces = podRule(
  {
    name: "no-host-namespaces",
    group: "Pod Security",
    description: "Pods share no namespace with their node: not its network, its processes or its memory.",
    severity: "critical",
    remediationSteps: "Remove the field; traffic comes by Services",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  ({ spec }) =>
    ["hostNetwork", "hostPID", "hostIPC"]
      .filter((field) => at(spec, field) === true)
      .map((field) => `spec.${field} is true`),
);
