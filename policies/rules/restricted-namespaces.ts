// The API server itself refuses pods that are not restricted, wherever sandboxes are.
import { sandboxNamespaceObjects } from "../lib/namespaces";
import { stackRule } from "../lib/rule";
import { at, mayBe, textAt } from "../lib/values";

export const restrictedNamespaces = stackRule(
  {
    name: "restricted-namespaces",
    group: "Namespaces",
    description: "Namespaces that hold sandboxes enforce, audit and warn by Pod Security restricted.",
    severity: "critical",
    remediationSteps:
      "Label the namespace pod-security.kubernetes.io/enforce=restricted, and audit and warn alike",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
  },
  (objects) =>
    sandboxNamespaceObjects(objects).flatMap(({ urn, object }) =>
      ["enforce", "audit", "warn"]
        .filter(
          (mode) =>
            !mayBe(at(object, "metadata", "labels", `pod-security.kubernetes.io/${mode}`), "restricted"),
        )
        .map((mode) => ({
          urn,
          message: `The namespace ${textAt(object, "metadata", "name") ?? ""} holds sandboxes and does not ${mode} restricted`,
        })),
    ),
);
