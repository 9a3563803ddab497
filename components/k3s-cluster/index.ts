// A whole Kubernetes cluster in one privileged container: for laptops, CI and trying things out.
import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { ImagePullPolicy, type K3sClusterArgs, type K3sClusterSettings } from "./args";
import { apiHost, containerArgs, dockerLabels } from "./container";
import { findImageScript, pullImageScript, readyScript } from "./scripts";
import { resolve } from "./validate";

/**
 * A one-node cluster in a privileged Docker container, with its own network and a volume for its data. Made with the
 * `docker` that is on PATH and the engine that `DOCKER_HOST` names; complete when the API answers and the node is Ready.
 */
export class K3sCluster extends pulumi.ComponentResource {
  /** The kubeconfig for use on this host, its context named like the container. Secret. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** The container's name. */
  public readonly containerName: pulumi.Output<string>;
  /** The container's id; another one means that the node was made anew. */
  public readonly containerId: pulumi.Output<string>;
  /** The host's address in the container's network: where calls that come through published ports seem to come from. */
  public readonly gateway: pulumi.Output<string>;
  /** The name of the Kubernetes node. */
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
    const container = new docker.Container(
      `${name}-node`,
      containerArgs(settings, {
        imageId: this.imageId(name, settings),
        networkName: network.name,
        volumeName: volume.name,
      }),
      { parent: this, deleteBeforeReplace: true },
    );
    const ready = this.ready(name, settings, container);

    this.kubeconfig = pulumi.secret(ready.stdout);
    this.containerName = container.name;
    this.containerId = container.id;
    this.gateway = pulumi.all([container.networkDatas, network.name]).apply(([attached, networkName]) => {
      const gateway = attached.find((each) => each.networkName === networkName)?.gateway;
      if (gateway !== undefined && gateway !== "") return gateway;
      throw new pulumi.ResourceError(
        `The container ${settings.containerName} has no address in its network ${networkName}.`,
        this,
      );
    });
    this.nodeName = pulumi.output(settings.containerName);
    this.clusterIdentifier = pulumi.output(settings.clusterIdentifier);
    this.registerOutputs({
      kubeconfig: this.kubeconfig,
      containerName: this.containerName,
      containerId: this.containerId,
      gateway: this.gateway,
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
