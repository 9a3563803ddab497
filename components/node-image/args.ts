// What loading an image into the node can be told: arguments, their defaults, and what is wrong with given ones.
import type * as pulumi from "@pulumi/pulumi";

import { Checks, type Rule } from "../shared/checks";
import { dnsLabel, matching, pinnedImage } from "../shared/rules";

/** A node's container. */
export interface ImageReceiver {
  /** The container's name. */
  containerName: pulumi.Input<string>;
  /** The container's id: with a new container the image is loaded anew. */
  containerId: pulumi.Input<string>;
}

/** Arguments of {@link NodeImage}. */
export interface NodeImageArgs {
  /** The image in the host's Docker engine. */
  image: pulumi.Input<string>;
  /** The node's container. */
  containerName: pulumi.Input<string>;
  /** The id of the node's container: with a new container the image is loaded anew. */
  containerId: pulumi.Input<string>;
  /**
   * The containers of further nodes.
   * @default []
   */
  agents?: ImageReceiver[];
  /**
   * A shell command that makes the image if the host's Docker engine does not have it.
   * @default - the image must be there
   */
  buildCommand?: pulumi.Input<string>;
}

/**
 * Holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: NodeImageArgs): NodeImageArgs {
  const checks = new Checks("NodeImage", name);
  const settings: NodeImageArgs = {
    image: checks.input("image", args.image, taggedImage),
    containerName: checks.input("containerName", args.containerName, dnsLabel),
    containerId: args.containerId,
  };
  if (args.agents !== undefined) {
    settings.agents = args.agents.map(({ containerName, containerId }, i) => ({
      containerName: checks.input(`agents[${i}].containerName`, containerName, dnsLabel),
      containerId,
    }));
  }
  if (args.buildCommand !== undefined) {
    settings.buildCommand = checks.input(
      "buildCommand",
      args.buildCommand,
      matching(/\S/, "a shell command"),
    );
  }
  checks.finish();
  return settings;
}

const taggedImage: Rule<string> = (value) =>
  typeof value === "string" && value.includes("@")
    ? "a tagged reference: an image with a digest is fetched by the node itself"
    : pinnedImage(value);
