// A Service's port on the nodes, as this machine gets at it.
import { ExternalTrafficPolicy, SandboxServiceType } from "@sandlot/components";

/** Only the first node's ports are published: with more nodes, they must lead to the others' pods as well. */
export function nodePortService(nodePort: number, agents = 0) {
  return {
    type: SandboxServiceType.NodePort,
    nodePort,
    ...(agents === 0 ? {} : { externalTrafficPolicy: ExternalTrafficPolicy.Cluster }),
  };
}
