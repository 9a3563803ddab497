// An upgrade of the cluster does not change what is let in.
import { sandboxNamespaceObjects } from "../lib/namespaces";
import { stackRule } from "../lib/rule";
import { at, textAt, unknown } from "../lib/values";

export const pinnedPodSecurityVersion = stackRule(
  {
    name: "pinned-pod-security-version",
    group: "Namespaces",
    description: "Namespaces that hold sandboxes state the version of Pod Security that they mean.",
    severity: "medium",
    remediationSteps:
      "Label it pod-security.kubernetes.io/enforce-version=v1.<minor>, and audit-version and warn-version alike",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces",
  },
  (objects) =>
    sandboxNamespaceObjects(objects).flatMap(({ urn, object }) =>
      ["enforce", "audit", "warn"].flatMap((mode) => {
        const path = ["metadata", "labels", `pod-security.kubernetes.io/${mode}-version`];
        const version = textAt(object, ...path) ?? "no version";
        return at(object, ...path) === unknown || /^v\d+\.\d+$/.test(version)
          ? []
          : [{ urn, message: `The namespace's version to ${mode} is ${version}` }];
      }),
    ),
);
