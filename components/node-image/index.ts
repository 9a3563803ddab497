// An image of the host's Docker engine, loaded into the nodes, so that no registry is needed.
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { resolve, type ImageReceiver, type NodeImageArgs } from "./args";
import { fullReference } from "./reference";
import { loadScript } from "./script";

/**
 * Loads an image into a {@link K3sCluster}'s nodes, and makes it first if it can be made and is not there. Runs again for another
 * reference or a new node; deleting it leaves the image where it is.
 */
export class NodeImage extends pulumi.ComponentResource {
  /** The image as pods name it. */
  public readonly image: pulumi.Output<string>;
  /** The image's id in the host's Docker engine. */
  public readonly imageId: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: NodeImageArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:NodeImage", name, settings, opts);

    const load = (suffix: string, node: ImageReceiver, dependsOn: pulumi.Resource[]): command.local.Command =>
      new command.local.Command(
        `${name}-load${suffix}`,
        {
          create: loadScript,
          environment: {
            IMAGE: settings.image,
            REFERENCE: pulumi.output(settings.image).apply(fullReference),
            NODE: node.containerName,
            ...(settings.buildCommand === undefined ? {} : { BUILD: settings.buildCommand }),
          },
          triggers: [settings.image, node.containerId],
          addPreviousOutputInEnv: false,
        },
        { parent: this, dependsOn },
      );
    const loaded = load("", settings, []);
    // After the first, which makes the image where it has to be made.
    const others = (settings.agents ?? []).map((agent, i) => load(`-agent-${i + 1}`, agent, [loaded]));

    this.image = pulumi.output(settings.image);
    this.imageId = pulumi
      .all([loaded.stdout, ...others.map(({ stdout }) => stdout)])
      .apply(([id = ""]) => id.trim());
    this.registerOutputs({ image: this.image, imageId: this.imageId });
  }
}
