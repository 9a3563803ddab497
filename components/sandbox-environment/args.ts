// What a named environment can be told: arguments and their defaults. What is wrong with given ones: ./resolve.ts.
import type * as pulumi from "@pulumi/pulumi";

import type { ImageScanOptions } from "../image-scan/args";
import type { ImageReceiver } from "../node-image/args";
import type {
  ComputeAmounts,
  EnvironmentVariable,
  SandboxPullPolicy,
  SandboxResources,
} from "../sandbox-deployment/args";
import type { SandboxPlacement } from "../sandbox-deployment/placement";
import type { EgressProfile } from "../sandbox-network-policies/profiles";

/** What an environment's image is built from. */
export interface EnvironmentBuild {
  /**
   * The image to build on, with a tag or digest: Debian or a relative of it, with bash. The sandbox server and its user are put
   * into it. A tag that somebody moves is not noticed; a digest cannot move.
   * @default - `python:<pythonVersion>-slim-bookworm` if pythonVersion is given, else the sandbox image
   */
  base?: pulumi.Input<string>;
  /**
   * The Python that the base must have, such as `3.12` or `3.12.4`; the build fails if it has another.
   * @default - whatever the base has
   */
  pythonVersion?: string;
  /**
   * Python packages with their exact versions, such as `numpy==2.3.4` or `uvicorn[standard]==0.38.0`. Only wheels are installed:
   * nothing of a package runs during the build.
   * @default []
   */
  pip?: string[];
  /**
   * Debian packages with their exact versions, such as `git=1:2.39.5-0+deb12u2`.
   * @default []
   */
  apt?: string[];
  /**
   * Commands that run last, each in a bash of its own, as root, with `set -euo pipefail`.
   * @default []
   */
  commands?: string[];
}

/** A user of an image registry. */
export interface RegistryCredentials {
  /** The user's name. */
  username: pulumi.Input<string>;
  /** The password or token; give it as a secret. */
  password: pulumi.Input<string>;
}

/** Where a built image is pushed to, and how nodes get it from there. */
export interface EnvironmentRegistry {
  /** Registry and repository, such as `registry.example.com/team/sandboxes`; the tag is made by the component. */
  repository: string;
  /**
   * Who may push.
   * @default - whom the machine's docker client is logged in as
   */
  pushCredentials?: RegistryCredentials;
  /**
   * Who may pull; a Secret of the namespace is made of it. Give a user that may do nothing else: nodes and whoever may read the
   * namespace's Secrets see it.
   * @default - none: the registry asks nobody, or imagePullSecrets names a Secret
   */
  pullCredentials?: RegistryCredentials;
}

/** An environment variable whose value is in a Secret. */
export interface SecretVariable {
  /** The variable's name. */
  variable: string;
  /** The Secret, in the sandboxes' namespace. */
  secret: string;
  /** The entry of the Secret. */
  key: string;
}

/**
 * How many idle sandboxes there are by how many are in use, as a HorizontalPodAutoscaler would have it: so many that
 * `targetUtilization` percent of the environment's sandboxes, idle ones included, are somebody's. There are more at once, and
 * fewer when fewer have been enough for `scaleDownSeconds`.
 */
export interface PoolAutoscaling {
  /**
   * The fewest idle sandboxes, 0 to 500. With 0, a sandbox after a time without any starts cold.
   * @default 1
   */
  min?: number;
  /** The most idle sandboxes, at least `min`, 1 to 500. */
  max: number;
  /**
   * How many of the environment's sandboxes are to be in use, in percent, 1 to 99: with 80 there is an idle one for every four in
   * use.
   * @default 80
   */
  targetUtilization?: number;
  /**
   * For how many seconds fewer idle sandboxes must have been enough before there are fewer, 0 to 3600.
   * @default 300
   */
  scaleDownSeconds?: number;
}

/** Options of {@link SandboxEnvironment} beside where to put it. */
export interface SandboxEnvironmentOptions {
  /** The environment's name, by which sessions ask for it: a DNS label of at most 40 characters. */
  name: string;
  /**
   * An image that is there already, with a tag or digest; not together with `build`.
   * @default - the built one, or the sandbox image where nothing is to be built
   */
  image?: pulumi.Input<string>;
  /**
   * What to build the image from.
   * @default - nothing is built
   */
  build?: EnvironmentBuild;
  /**
   * Where the built image is pushed to; only with `build`.
   * @default - it stays in the machine's Docker engine, from where it is loaded into a development node
   */
  registry?: EnvironmentRegistry;
  /**
   * When the image is fetched to a node.
   * @default SandboxPullPolicy.IfNotPresent
   */
  imagePullPolicy?: SandboxPullPolicy;
  /**
   * Names of Secrets of the namespace with registry credentials.
   * @default []
   */
  imagePullSecrets?: string[];
  /**
   * The RuntimeClass of the environment's pods.
   * @default - the platform's
   */
  runtimeClassName?: pulumi.Input<string>;
  /**
   * Further RuntimeClasses that a sandbox may ask for. One that isolates less than the environment's own is a wall that whoever
   * calls may take down.
   * @default [] - none but the environment's own
   */
  runtimes?: string[];
  /**
   * What a session of the environment may reach at most.
   * @default EgressProfile.Blocked
   */
  egress?: EgressProfile;
  /** What a sandbox is promised and can use. See the fields for their defaults. */
  resources?: SandboxResources;
  /**
   * Where the environment's pods run: on which nodes, how spread over them, near to or away from which others. Unlike those of a
   * Deployment they do not keep away from each other unless `antiAffinity` says so.
   * @default - wherever the scheduler finds room
   */
  placement?: SandboxPlacement;
  /**
   * Whether pods that have a `placement` are spread over zones and nodes where that says nothing else.
   * @default true
   */
  spread?: boolean;
  /**
   * The most that a sandbox may ask for, limits and requests alike; no less than the limits in `resources`.
   * @default - for each amount, no more than `resources` says
   */
  maxResources?: ComputeAmounts;
  /**
   * Environment variables; never secrets.
   * @default []
   */
  env?: EnvironmentVariable[];
  /**
   * Environment variables from Secrets. Code in the sandbox can read them.
   * @default []
   */
  secrets?: SecretVariable[];
  /**
   * How many idle, ready sandboxes the provisioner keeps, 0 to 500; not with `poolAutoscaling`.
   * @default 0
   */
  poolSize?: number;
  /**
   * As many idle sandboxes as use asks for, instead of `poolSize`.
   * @default - always `poolSize`
   */
  poolAutoscaling?: PoolAutoscaling;
}

/** The development nodes that a built image is loaded into. */
export interface EnvironmentNode extends ImageReceiver {
  /**
   * The containers of further nodes.
   * @default []
   */
  agents?: ImageReceiver[];
}

/** Arguments of {@link SandboxEnvironment}. */
export interface SandboxEnvironmentArgs extends SandboxEnvironmentOptions {
  /** The namespace of the sandboxes. */
  namespace: pulumi.Input<string>;
  /**
   * The PriorityClass of the environment's pods: that of their namespace, if it has one.
   * @default - the cluster's default
   */
  priorityClassName?: pulumi.Input<string>;
  /** The sandbox image: where the sandbox server is taken from, and the default base. */
  sandboxImage: pulumi.Input<string>;
  /**
   * The nodes to load a built image into that is not pushed.
   * @default - none
   */
  node?: EnvironmentNode;
  /**
   * How the image is scanned before the provisioner learns of it.
   * @default - it is not scanned
   */
  scan?: ImageScanOptions;
}
