// AppArmor, where nodes have it, is not turned off.
import { podRule } from "../lib/rule";
import { textAt } from "../lib/values";
import { securityContextsOf } from "../lib/workloads";

const annotation = "container.apparmor.security.beta.kubernetes.io/";

export const apparmorProfile = podRule(
  {
    name: "apparmor-profile",
    group: "Pod Security",
    description: "No container leaves its AppArmor profile.",
    severity: "high",
    remediationSteps: "Remove appArmorProfile, or set its type to RuntimeDefault or Localhost",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) => {
    const fields = securityContextsOf(workload).flatMap(({ label, context }) => {
      const type = textAt(context, "appArmorProfile", "type");
      return type === undefined || type === "RuntimeDefault" || type === "Localhost"
        ? []
        : [`The ${label} has the AppArmor profile ${type}`];
    });
    // How it was said before Kubernetes 1.30, and still can be.
    const annotations = Object.entries(workload.annotations).flatMap(([key, value]) =>
      key.startsWith(annotation) &&
      typeof value === "string" &&
      !(value === "" || value === "runtime/default" || value.startsWith("localhost/"))
        ? [`The container ${key.slice(annotation.length)} has the AppArmor profile ${value}`]
        : [],
    );
    return [...fields, ...annotations];
  },
);
