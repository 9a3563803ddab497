// From configuration to the walls around sandboxes.
import { EgressProtocol, type SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";

type Network = NonNullable<SandlotConfig["network"]>;
type NetworkArguments = NonNullable<SandboxPlatformArgs["network"]>;

/** Who may call sandboxes from outside their namespace. */
function ingressPeers({
  clientCidrs = [],
  clientNamespaces = [],
  clientPods = [],
}: Network): NetworkArguments["ingressPeers"] {
  return [
    ...clientCidrs.map((cidr) => ({ cidr })),
    ...clientNamespaces.map((name) => ({
      namespaceLabels: { "kubernetes.io/metadata.name": name },
      podLabels: { "sandlot.dev/sandbox-client": "true" },
    })),
    ...clientPods.map(given),
  ];
}

/** What sandboxes of profile `allowlist` reach. */
function allowlist({ allowlist: ranges = [] }: Network): NonNullable<NetworkArguments["allowlist"]> {
  return ranges.map(({ cidr, ports, allowPrivate }) =>
    given({
      cidr,
      ports: ports?.map(({ port, endPort, protocol }) =>
        given({ port, endPort, protocol: protocol === "udp" ? EgressProtocol.Udp : EgressProtocol.Tcp }),
      ),
      allowPrivate,
    }),
  );
}

/** Arguments of the network policies. */
export function networkArguments({ network = {} }: SandlotConfig): NetworkArguments {
  return given({
    ingressPeers: ingressPeers(network),
    allowlist: allowlist(network),
    clusterCidrs: network.clusterCidrs ?? [],
    dns: network.dns && given(network.dns),
  });
}
