// Without an identifier, a changed address of a cluster looks like another cluster: everything in it would be replaced.
import { typeRule } from "../lib/rule";
import { at, mayExist, settle } from "../lib/values";

export const clusterIdentifier = typeRule(
  {
    name: "cluster-identifier",
    group: "Cluster and data",
    description: "Every Kubernetes provider that reaches a cluster says which cluster it means.",
    severity: "high",
    remediationSteps:
      "Set the provider's clusterIdentifier; declare a provider where the default one was used",
    url: "https://www.pulumi.com/registry/packages/kubernetes/api-docs/provider/",
  },
  (type, props) => {
    if (type !== "pulumi:providers:kubernetes") return [];
    const provider = settle(props);
    // One that only writes YAML reaches no cluster.
    const known =
      mayExist(at(provider, "clusterIdentifier")) || mayExist(at(provider, "renderYamlToDirectory"));
    return known ? [] : ["The provider has no clusterIdentifier"];
  },
);
