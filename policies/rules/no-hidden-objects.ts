// What the engine does not show one by one, no rule can judge.
import { typeRule } from "../lib/rule";
import { kindOf } from "../lib/workloads";

export const noHiddenObjects = typeRule(
  {
    name: "no-hidden-objects",
    group: "Cluster and data",
    description: "Every object is registered whole and by itself: no Helm Release, no patch.",
    severity: "high",
    remediationSteps:
      "Register the objects themselves, or a chart by kubernetes.helm.sh/v4.Chart, whose objects the engine shows",
    url: "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/choosing-the-right-helm-resource-for-your-use-case/",
  },
  (type) => {
    if (/^kubernetes:helm\.sh\/\w+:Release$/.test(type)) return ["A Release hides the objects of its chart"];
    const kind = kindOf(type) ?? "";
    return /\wPatch$/.test(kind) ? [`A ${kind} hides the rest of the object`] : [];
  },
);
