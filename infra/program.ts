// From configuration to components to outputs. Everything is checked before anything is registered.
import * as pulumi from "@pulumi/pulumi";
import { SandboxPlatform, validateSandboxPlatformArgs } from "@sandlot/components";

import { platformArguments } from "./arguments";
import { parseConfig } from "./config/load";
import { isConfigSecret } from "./config/secrets";
import { lookAround } from "./surroundings";
import { targetOf } from "./targets";

/**
 * Builds the stack that the engine asked for.
 * @param root the project's folder
 * @returns the stack's outputs: a public contract, whose reader is commands/support/outputs.ts
 * @throws ConfigError or ArgumentError for a mistake in configuration, before anything is registered
 */
export function deploy(root: string) {
  const config = parseConfig(pulumi.runtime.allConfig(), isConfigSecret);
  const around = lookAround(pulumi.getStack(), config, root);
  const target = targetOf(config, around);
  const platformArgs = platformArguments(config, around);
  validateSandboxPlatformArgs("sandlot", platformArgs);

  const { outputs, connect } = target.make();
  if (config.platform === false) return outputs;

  const { provider, before, ingressPeers, node, provisionerImage, transformations } = connect();
  const { network, provisioner } = platformArgs;
  const platform = new SandboxPlatform(
    "sandlot",
    {
      ...platformArgs,
      network: { ...network, ingressPeers: [...(network?.ingressPeers ?? []), ...ingressPeers] },
      ...(node === undefined ? {} : { node }),
      ...(provisioner === undefined
        ? {}
        : { provisioner: { ...provisioner, image: provisionerImage ?? provisioner.image } }),
    },
    { provider, dependsOn: [...before], transformations },
  );
  const onThisMachine = (hostPort: number | undefined): string | undefined =>
    hostPort === undefined ? undefined : `http://127.0.0.1:${hostPort}`;
  const endpoint = onThisMachine(config.sandbox?.hostPort);
  const provisionerEndpoint =
    provisioner === undefined ? undefined : onThisMachine(config.provisioner?.hostPort);
  return {
    ...outputs,
    namespace: platform.namespace,
    service: platform.serviceName,
    clusterEndpoint: platform.serviceUrl,
    ...(endpoint === undefined ? {} : { endpoint }),
    sandboxImage: around.sandboxImage,
    runtimeClass: platform.runtimeClassName,
    ...(provisioner === undefined
      ? {}
      : {
          ...(provisionerEndpoint === undefined ? {} : { provisionerEndpoint }),
          provisionerClusterEndpoint: platform.provisionerUrl,
          provisionerNamespace: platform.provisionerNamespace,
          apiKey: platform.provisionerApiKey,
        }),
  };
}
