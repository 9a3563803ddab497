// The API server itself refuses pods that are not restricted, wherever sandboxes are.
import { stackRule } from "../lib/rule";
import { at, mayBe, textAt, unknown } from "../lib/values";
import { isSandbox } from "../lib/workloads";

export const restrictedNamespaces = stackRule(
  {
    name: "restricted-namespaces",
    description:
      "Namespaces that hold sandboxes enforce, audit and warn by Pod Security restricted, at a stated version.",
    severity: "critical",
    remediationSteps:
      "Label the namespace pod-security.kubernetes.io/enforce=restricted (audit and warn alike) and give each a -version",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
  },
  (objects) => {
    const used = new Set(
      objects.flatMap(({ workload }) =>
        workload !== undefined && isSandbox(workload) ? [workload.namespace] : [],
      ),
    );
    return objects
      .filter(({ kind, object }) => kind === "Namespace" && used.has(textAt(object, "metadata", "name")))
      .flatMap(({ urn, object }) => {
        const labels = at(object, "metadata", "labels");
        const label = (name: string) => at(labels, `pod-security.kubernetes.io/${name}`);
        const name = textAt(object, "metadata", "name") ?? "";
        const problems = ["enforce", "audit", "warn"].flatMap((mode) => [
          ...(mayBe(label(mode), "restricted") ? [] : [`does not ${mode} restricted`]),
          ...(label(`${mode}-version`) === unknown ||
          textAt(labels, `pod-security.kubernetes.io/${mode}-version`) !== undefined
            ? []
            : [`does not state the version that it means to ${mode}`]),
        ]);
        return problems.map((problem) => ({
          urn,
          message: `The namespace ${name} holds sandboxes and ${problem}`,
        }));
      });
  },
);
