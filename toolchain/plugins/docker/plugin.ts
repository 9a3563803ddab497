// The stand-in for the plugin of @pulumi/docker: networks, volumes, images and containers.
import type { Plugin } from "../provider/resource.js";
import type { Properties } from "../provider/values.js";
import type { RegistryAuth } from "./auth.js";
import { containerResource } from "./container.js";
import { findEndpoint } from "./endpoint.js";
import { Engine } from "./engine.js";
import { imageResource, type ImageSource } from "./image.js";
import { networkResource } from "./network.js";
import { volumeResource } from "./volume.js";

/** The provider's settings that are understood; the engine adds the last three by itself. */
const knownSettings = new Set([
  ...["host", "context", "certPath", "caMaterial", "certMaterial", "keyMaterial", "registryAuth"],
  ...["disableDockerDaemonCheck", "version", "pluginDownloadURL", "__internal"],
]);

/** The plugin, under the version of the official one whose place it takes. */
export function dockerPlugin(version: string): Plugin {
  let config: Properties = {};
  let source: ImageSource | undefined;
  // The engine is looked for when it is first needed: a preview of a first deployment does without.
  const connected = (): ImageSource =>
    (source ??= {
      engine: new Engine(findEndpoint(config, process.env)),
      registryAuth: registryAuths(config),
    });
  const engine = (): Engine => connected().engine;
  return {
    name: "docker",
    version,
    resources: {
      "docker:index/network:Network": networkResource(engine),
      "docker:index/volume:Volume": volumeResource(engine),
      "docker:index/remoteImage:RemoteImage": imageResource(connected),
      "docker:index/container:Container": containerResource(connected),
    },
    functions: {},
    configure(settings) {
      const unknown = Object.keys(settings).find((key) => !knownSettings.has(key));
      if (unknown !== undefined) {
        throw new Error(
          `Sandlot's stand-in for the docker plugin does not support the provider setting ${unknown}. Leave it out, ` +
            `or install the official plugin: pulumi plugin install resource docker ${version}`,
        );
      }
      config = settings;
      source = undefined;
    },
  };
}

/** Settings that are not texts come as JSON. */
function registryAuths(config: Properties): readonly RegistryAuth[] {
  const value = config["registryAuth"];
  if (value === undefined || value === "") return [];
  return (typeof value === "string" ? JSON.parse(value) : value) as RegistryAuth[];
}
