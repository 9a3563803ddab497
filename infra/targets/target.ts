// What the program needs to know of a place for the platform, whichever kind of place it is.
import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { EnvironmentNode, IngressPeer } from "@sandlot/components";

/** A place whose arguments are checked. Nothing is registered yet. */
export interface Target {
  /** Registers the place itself. */
  readonly make: () => MadeTarget;
}

/** A place that is registered. */
export interface MadeTarget {
  /** The stack's outputs that tell of it. */
  readonly outputs: Readonly<Record<string, pulumi.Input<string>>>;
  /** Registers what the platform needs to go there. */
  readonly connect: () => Connection;
}

/** The way to a place. */
export interface Connection {
  readonly provider: kubernetes.Provider;
  /** What must be there before the first pod starts. */
  readonly before: readonly pulumi.Resource[];
  /** Who else calls sandboxes, by the nature of the place. */
  readonly ingressPeers: readonly IngressPeer[];
  /** The nodes that images of this machine are loaded into, where there are any. */
  readonly node?: EnvironmentNode;
  /** The provisioner's image, known when it is in the node; undefined where nodes pull it, or where there is none. */
  readonly provisionerImage?: pulumi.Input<string> | undefined;
  /** What is done to each resource of the platform. */
  readonly transformations: pulumi.ResourceTransformation[];
}
