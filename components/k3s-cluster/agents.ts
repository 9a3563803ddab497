// The nodes beside the server's: each a container that joins the cluster, and leaves it drained.
import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import type { K3sClusterSettings } from "./args";
import { agentContainerArgs, agentName, dockerLabels, type ContainerParts } from "./container";
import { agentReadyScript, leaveScript, tokenScript } from "./scripts";

/** A node's container. */
export interface NodeContainer {
  /** The container's name, which is the node's as well. */
  containerName: pulumi.Output<string>;
  /** The container's id; another one means that the node was made anew. */
  containerId: pulumi.Output<string>;
}

/** What agents stand on. */
export interface AgentSurroundings extends Pick<ContainerParts, "imageId" | "networkName"> {
  parent: pulumi.Resource;
  server: docker.Container;
  /** Complete when the server answers. */
  ready: command.local.Command;
}

/** Registers the agents, `<name>-agent-<n>`; none without any. Each is complete when its node is Ready. */
export function agentNodes(
  name: string,
  settings: K3sClusterSettings,
  around: AgentSurroundings,
): { nodes: NodeContainer[]; ready: command.local.Command[] } {
  if (settings.agents === 0) return { nodes: [], ready: [] };
  const token = tokenOf(name, around);
  const made = Array.from({ length: settings.agents }, (_, i) => agent(name, i + 1, settings, token, around));
  return { nodes: made.map(({ node }) => node), ready: made.map(({ ready }) => ready) };
}

/**
 * The token that lets nodes in: the server makes it at its first start and keeps it in its volume. It is read again from a
 * new container, as an update and not a replacement, so that agents stay when it is what it was.
 */
function tokenOf(name: string, { parent, server, ready }: AgentSurroundings): pulumi.Output<string> {
  const read = new command.local.Command(
    `${name}-agent-token`,
    {
      create: tokenScript,
      environment: { SERVER: server.name, CONTAINER: server.id },
      logging: command.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    { parent, dependsOn: ready, additionalSecretOutputs: ["stdout"] },
  );
  return pulumi.secret(read.stdout);
}

function agent(
  name: string,
  n: number,
  settings: K3sClusterSettings,
  token: pulumi.Output<string>,
  { parent, imageId, networkName, server }: AgentSurroundings,
): { node: NodeContainer; ready: command.local.Command } {
  const nodeName = agentName(settings, n);
  const volume = new docker.Volume(
    `${name}-agent-${n}-volume`,
    { name: nodeName, labels: dockerLabels(settings) },
    { parent, deleteBeforeReplace: true, retainOnDelete: settings.retainData },
  );
  const container = new docker.Container(
    `${name}-agent-${n}`,
    agentContainerArgs(nodeName, settings, { imageId, networkName, volumeName: volume.name }, token),
    { parent, deleteBeforeReplace: true },
  );
  const ready = new command.local.Command(
    `${name}-agent-${n}-ready`,
    {
      create: agentReadyScript,
      // A new container is waited for in an update: only a node that is no longer wanted is drained and forgotten.
      delete: leaveScript,
      environment: {
        SERVER: server.name,
        NODE: container.name,
        CONTAINER: container.id,
        TIMEOUT: String(settings.readyTimeoutSeconds),
      },
      addPreviousOutputInEnv: false,
    },
    { parent },
  );
  return { node: { containerName: container.name, containerId: container.id }, ready };
}
