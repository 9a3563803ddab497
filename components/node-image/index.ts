// An image of the host's Docker engine, loaded into the node, so that no registry is needed.
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

import { resolve, type NodeImageArgs } from "./args";
import { fullReference } from "./reference";
import { loadScript } from "./script";

/**
 * Loads an image into a {@link K3sCluster}'s node, and makes it first if it can be made and is not there. Runs again for another
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

    const environment = {
      IMAGE: settings.image,
      REFERENCE: pulumi.output(settings.image).apply(fullReference),
      NODE: settings.containerName,
      ...(settings.buildCommand === undefined ? {} : { BUILD: settings.buildCommand }),
    };
    const loaded = new command.local.Command(
      `${name}-load`,
      {
        create: loadScript,
        environment,
        triggers: [settings.image, settings.containerId],
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );

    this.image = pulumi.output(settings.image);
    this.imageId = loaded.stdout.apply((id) => id.trim());
    this.registerOutputs({ image: this.image, imageId: this.imageId });
  }
}
