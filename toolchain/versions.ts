// Every version that setup installs, downloads or builds, in one place. Raising one is a change of its own: the engine's
// Go modules (pulumi-engine/source) and the npm packages of the same name move with it.

/** The Pulumi CLI, its Node.js host and the provider plugins, by the number in their release names. */
export const pulumiVersions = {
  cli: "3.215.0",
  kubernetes: "4.25.0",
  docker: "5.2.0",
  command: "1.2.1",
} as const;

/** The provider plugins that the program uses. */
export const pluginNames = ["kubernetes", "docker", "command"] as const;

/** One of {@link pluginNames}. */
export type PluginName = (typeof pluginNames)[number];

/** The scanner of images, as image-scanner/trivy/go.mod has it. */
export const trivyVersion = "0.74.0";

/** The least version of what a machine must bring along itself. */
export const minimumVersions = {
  node: "20.19.0",
  npm: "10.0.0",
  /** Only where something is built from source; the `go` line of each go.mod says the same. */
  go: "1.26.0",
  /** The engine's API 1.41, which Debian 12 has. */
  docker: "20.10.0",
  /** Only where images are scanned and it is on PATH: it has every option that is used. */
  trivy: "0.65.0",
  /** Only for programs in Python: what the SDK's package of {@link pulumiVersions.cli} asks for. Debian 12 has 3.11. */
  python: "3.10",
} as const;
