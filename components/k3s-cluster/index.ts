// A whole Kubernetes cluster in privileged containers, one a node: for laptops, CI and trying things out.
import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { ImagePullPolicy, type K3sClusterArgs, type K3sClusterSettings } from "./args";
import { agentNodes, type NodeContainer } from "./agents";
import { apiHost, containerArgs, dockerLabels } from "./container";
import { networkOf } from "./network";
import { findImageScript, pullImageScript, readyScript } from "./scripts";
import { resolve } from "./validate";

/**
 * A cluster in privileged Docker containers, one a node: the server's and those of the agents, in a network of their own,
 * each with a volume for its data. Made with the `docker` that is on PATH and the engine that `DOCKER_HOST` names; complete
 * when the API answers and every node is Ready.
 */
export class K3sCluster extends pulumi.ComponentResource {
  /** The kubeconfig for use on this host, its context named like the container. Secret. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** The name of the server's container. */
  public readonly containerName: pulumi.Output<string>;
  /** The id of the server's container; another one means that the node was made anew. */
  public readonly containerId: pulumi.Output<string>;
  /** The host's address in the container's network: where calls that come through published ports seem to come from. */
  public readonly gateway: pulumi.Output<string>;
  /**
   * Who calls pods through published ports, as a CIDR: the gateway; with agents the whole network of the nodes, as calls reach
   * a pod on an agent under the server's address, which Docker may change.
   */
  public readonly callers: pulumi.Output<string>;
  /** The agents' containers, by number; the names are those of the nodes too. */
  public readonly agents: NodeContainer[];
  /** Complete when the agents' nodes are Ready: what needs all nodes depends on these. */
  public readonly agentsReady: pulumi.Resource[];
  /** The name of the server's Kubernetes node. */
  public readonly nodeName: pulumi.Output<string>;
  /** What a Kubernetes provider is to know this cluster by. */
  public readonly clusterIdentifier: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: K3sClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:K3sCluster", name, settings, opts);

    const labels = dockerLabels(settings);
    const network = new docker.Network(
      `${name}-network`,
      { name: settings.containerName, driver: "bridge", labels },
      { parent: this, deleteBeforeReplace: true },
    );
    const volume = new docker.Volume(
      `${name}-volume`,
      { name: settings.containerName, labels },
      { parent: this, deleteBeforeReplace: true, retainOnDelete: settings.retainData },
    );
    const imageId = this.imageId(name, settings);
    const container = new docker.Container(
      `${name}-node`,
      containerArgs(settings, { imageId, networkName: network.name, volumeName: volume.name }),
      { parent: this, deleteBeforeReplace: true },
    );
    const ready = this.ready(name, settings, container);
    const agents = agentNodes(name, settings, {
      parent: this,
      imageId,
      networkName: network.name,
      server: container,
      ready,
    });

    this.kubeconfig = pulumi.secret(ready.stdout);
    this.containerName = container.name;
    this.containerId = container.id;
    const inNetwork = <T>(read: (data: docker.types.output.ContainerNetworkData) => T | undefined) =>
      pulumi.all([container.networkDatas, network.name]).apply(([attached, networkName]) => {
        const data = attached.find((each) => each.networkName === networkName);
        const found = data === undefined ? undefined : read(data);
        if (found !== undefined) return found;
        throw new pulumi.ResourceError(
          `The container ${settings.containerName} has no address in its network ${networkName}.`,
          this,
        );
      });
    this.gateway = inNetwork(({ gateway }) => (gateway === "" ? undefined : gateway));
    this.callers =
      settings.agents === 0
        ? pulumi.interpolate`${this.gateway}/32`
        : inNetwork(({ ipAddress, ipPrefixLength }) => networkOf(ipAddress, ipPrefixLength));
    this.agents = agents.nodes;
    this.agentsReady = agents.ready;
    this.nodeName = pulumi.output(settings.containerName);
    this.clusterIdentifier = pulumi.output(settings.clusterIdentifier);
    this.registerOutputs({
      kubeconfig: this.kubeconfig,
      containerName: this.containerName,
      containerId: this.containerId,
      gateway: this.gateway,
      callers: this.callers,
      agents: this.agents,
      nodeName: this.nodeName,
      clusterIdentifier: this.clusterIdentifier,
    });
  }

  /** Makes the node image present as the pull policy says; its id. */
  private imageId(name: string, settings: K3sClusterSettings): pulumi.Output<string> {
    const { image, imagePullPolicy } = settings;
    if (imagePullPolicy === ImagePullPolicy.IfNotPresent) {
      const opts = { parent: this, deleteBeforeReplace: true };
      return new docker.RemoteImage(`${name}-image`, { name: image, keepLocally: true }, opts).imageId;
    }
    const create = imagePullPolicy === ImagePullPolicy.Always ? pullImageScript : findImageScript;
    const found = new command.local.Command(
      `${name}-image`,
      { create, environment: { IMAGE: image }, triggers: [image], addPreviousOutputInEnv: false },
      { parent: this },
    );
    return found.stdout.apply((id) => id.trim());
  }

  /** Waits for the node; standard output is the kubeconfig. */
  private ready(
    name: string,
    settings: K3sClusterSettings,
    container: docker.Container,
  ): command.local.Command {
    return new command.local.Command(
      `${name}-ready`,
      {
        create: readyScript,
        environment: {
          NODE: container.name,
          SERVER: `https://${apiHost(settings.bindAddress)}:${settings.apiPort}`,
          TIMEOUT: String(settings.readyTimeoutSeconds),
        },
        triggers: [container.id],
        // The kubeconfig is a secret: it goes into no log and into no later command's environment.
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, additionalSecretOutputs: ["stdout"] },
    );
  }
}
