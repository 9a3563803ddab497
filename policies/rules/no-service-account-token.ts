// Code in a sandbox is nobody to the cluster.
import { podRule } from "../lib/rule";
import { at, listAt, mayBe, mayExist } from "../lib/values";
import { isSandbox } from "../lib/workloads";

export const noServiceAccountToken = podRule(
  {
    name: "no-service-account-token",
    group: "Isolation",
    description: "No sandbox holds a token of the cluster's API.",
    severity: "critical",
    remediationSteps: "Set spec.automountServiceAccountToken to false and project no serviceAccountToken",
    url: "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
  },
  (workload) => {
    if (!isSandbox(workload)) return [];
    const { spec } = workload;
    const mounted = !mayBe(at(spec, "automountServiceAccountToken"), false);
    const projected = listAt(spec, "volumes").some((volume) =>
      listAt(volume, "projected", "sources").some((source) => {
        const token = at(source, "serviceAccountToken");
        return typeof token === "object" && mayExist(token);
      }),
    );
    return [
      ...(mounted ? ["spec.automountServiceAccountToken is not false"] : []),
      ...(projected ? ["A volume projects a service account token"] : []),
    ];
  },
);
