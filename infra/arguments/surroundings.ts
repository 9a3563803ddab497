// What the arguments depend on beside configuration.

/** What is known of this machine and this run beside configuration. */
export interface Surroundings {
  /** The stack's name. */
  readonly stack: string;
  /** This checkout's state folder, absolute. */
  readonly stateDir: string;
  readonly sandboxImage: string;
  /** Undefined where there is no provisioner. */
  readonly provisionerImage?: string;
  readonly place: Place;
}

/** Where the platform goes. */
export type Place = ContainerPlace | ExistingPlace | RenderPlace;

/** A cluster of its own in one container of this machine. */
export interface ContainerPlace {
  readonly kind: "container";
  readonly nodeImage: string;
  /** The skills folder, absolute; undefined when skills come from elsewhere. */
  readonly skillsPath?: string;
  /** A shell command that builds the sandbox image of this repository; undefined when another one is configured. */
  readonly buildSandboxImage?: string;
  /** The same for the provisioner's image. */
  readonly buildProvisionerImage?: string;
}

/** A cluster that is there already. */
export interface ExistingPlace {
  readonly kind: "existing";
  /** The kubeconfig with one context alone. Secret. */
  readonly kubeconfig: string;
  readonly context: string;
  /** The API server's address. */
  readonly server: string;
  readonly clusterIdentifier: string;
}

/** A folder of YAML files; no cluster. */
export interface RenderPlace {
  readonly kind: "render";
  /** Absolute. */
  readonly directory: string;
}
