// Whoever may name external addresses of a Service can take over traffic to any address (CVE-2020-8554).
import { objectRule } from "../lib/rule";
import { listAt } from "../lib/values";

export const noExternalAddresses = objectRule<{ allowed: string[] }>(
  {
    name: "no-external-addresses",
    group: "Network",
    description: "Services claim no addresses outside the cluster.",
    severity: "high",
    remediationSteps: "Remove spec.externalIPs; a load balancer hands out addresses that are its own",
    url: "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
    settings: {
      allowed: {
        type: "array",
        items: { type: "string" },
        default: [],
        description: "Addresses that Services may claim.",
      },
    },
  },
  ["Service"],
  ({ object }, { allowed }) =>
    listAt(object, "spec", "externalIPs")
      .filter((address): address is string => typeof address === "string" && !allowed.includes(address))
      .map((address) => `spec.externalIPs claims ${address}`),
);
