// No network policy of the stack opens a way to private addresses.
import { exposedRanges } from "../lib/ranges";
import { objectRule } from "../lib/rule";
import { at, listAt, mayExist, textAt, unknown } from "../lib/values";

export const noPrivateEgress = objectRule<{ allowedRanges: string[] }>(
  {
    name: "no-private-egress",
    group: "Network",
    description:
      "No NetworkPolicy lets pods out to private, shared, link-local or loopback addresses, or to everything.",
    severity: "critical",
    remediationSteps:
      "Put the private ranges into ipBlock.except, choose the peers by labels, or allow the range in this environment's file in policies/config",
    url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    settings: {
      allowedRanges: {
        type: "array",
        items: { type: "string", pattern: "^[0-9A-Fa-f.:]+/[0-9]+$" },
        default: [],
        description:
          "Private ranges that a policy may name, such as the address of the nodes' DNS cache (169.254.20.10/32), with all that is in them.",
      },
    },
  },
  ["NetworkPolicy"],
  ({ object }, { allowedRanges }) =>
    listAt(object, "spec", "egress").flatMap((rule, i) => {
      const to = at(rule, "to");
      if (rule === unknown || to === unknown) return [];
      if (!mayExist(to) || (Array.isArray(to) && to.length === 0))
        return [`spec.egress[${i}] lets out to every address`];
      return listAt(to).flatMap((peer, j) => {
        const cidr = textAt(peer, "ipBlock", "cidr");
        const except = at(peer, "ipBlock", "except");
        if (cidr === undefined || except === unknown || listAt(except).includes(unknown)) return [];
        const exposed = exposedRanges(cidr, [...listAt(except).map(String), ...allowedRanges]);
        return exposed.length === 0
          ? []
          : [`spec.egress[${i}].to[${j}] lets out to ${cidr} with ${exposed.join(", ")} in it`];
      });
    }),
);
