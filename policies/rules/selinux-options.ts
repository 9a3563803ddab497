// SELinux, where nodes have it, is not widened.
import { podRule } from "../lib/rule";
import { textAt } from "../lib/values";
import { securityContextsOf } from "../lib/workloads";

const types = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

export const selinuxOptions = podRule(
  {
    name: "selinux-options",
    group: "Pod Security",
    description: "No container chooses its SELinux user or role, or a type that is not for containers.",
    severity: "high",
    remediationSteps: "Remove seLinuxOptions.user and .role, and set .type to container_t or remove it",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) =>
    securityContextsOf(workload).flatMap(({ label, context }) => {
      const type = textAt(context, "seLinuxOptions", "type") ?? "";
      const chosen = ["user", "role"].filter(
        (field) => (textAt(context, "seLinuxOptions", field) ?? "") !== "",
      );
      return [
        ...(types.includes(type) ? [] : [`The ${label} has the SELinux type ${type}`]),
        ...chosen.map((field) => `The ${label} chooses its SELinux ${field}`),
      ];
    }),
);
