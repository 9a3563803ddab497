// No single container takes what was meant for all.
import { namespacesWithout } from "../lib/namespaces";
import { stackRule } from "../lib/rule";
import { at, listAt, mayBe, mayExist, unknown } from "../lib/values";

export const limitRangeRequired = stackRule(
  {
    name: "limit-range-required",
    group: "Namespaces",
    description:
      "Every namespace that holds sandboxes has a LimitRange with a maximum and defaults for containers.",
    severity: "medium",
    remediationSteps: "Add a LimitRange with an item of type Container that has max and default",
    url: "https://kubernetes.io/docs/concepts/policy/limit-range/",
  },
  (objects) =>
    namespacesWithout(
      objects,
      "LimitRange",
      (range) =>
        at(range, "spec", "limits") === unknown ||
        listAt(range, "spec", "limits").some(
          (item) =>
            mayBe(at(item, "type"), "Container") &&
            mayExist(at(item, "max")) &&
            mayExist(at(item, "default")),
        ),
      "has no limits for containers",
    ),
);
