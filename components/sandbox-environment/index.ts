// A named environment that sessions start from.
import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { ImageScan } from "../image-scan";
import { scanPart } from "../image-scan/resolve";
import { NodeImage } from "../node-image";
import type { RegistryCredentials, SandboxEnvironmentArgs } from "./args";
import { recipe } from "./recipe";
import { record, recordKey, recordLabels, recordName } from "./record";
import { resolve, type BuildSettings, type SandboxEnvironmentSettings } from "./resolve";
import { buildScript } from "./script";

/**
 * An environment: an image, built here or there already, and how sandboxes are made from it, kept as a ConfigMap that the
 * provisioner reads. A built image is named after its recipe, so that it is built once and changes its name with its content.
 *
 * A provider with `enableConfigMapMutable` changes the record in place; without it a change is a delete and a create.
 */
export class SandboxEnvironment extends pulumi.ComponentResource {
  /** The image of the environment's pods: with its digest if it was pushed. */
  public readonly image: pulumi.Output<string>;
  /** The ConfigMap with the environment's record. */
  public readonly configMapName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SandboxEnvironmentArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SandboxEnvironment", name, settings, opts);

    const { build, registry } = settings;
    this.image =
      build === undefined
        ? pulumi.output(settings.image ?? settings.sandboxImage)
        : this.built(name, settings, build);
    const scan = this.scanned(name, settings);
    const pull = registry?.pullCredentials;
    const pullSecret =
      registry === undefined || pull === undefined
        ? undefined
        : this.pullSecret(name, settings, registry.repository, pull);
    const known = pulumi.all([
      this.image,
      settings.runtimeClassName,
      settings.priorityClassName,
      pulumi.all(settings.env.map(({ value }) => value)),
      pullSecret === undefined ? undefined : pullSecret.metadata.name,
    ]);
    const content = known.apply(([image, runtimeClassName, priorityClassName, values, secret]) =>
      record(settings, {
        image,
        runtimeClassName,
        priorityClassName,
        values,
        pullSecrets: [...settings.imagePullSecrets, ...(secret === undefined ? [] : [secret])],
      }),
    );
    const configMap = new k8s.core.v1.ConfigMap(
      `${name}-record`,
      {
        metadata: {
          name: recordName(settings.name),
          namespace: settings.namespace,
          labels: recordLabels(settings.name),
        },
        data: { [recordKey]: content },
      },
      { parent: this, ...(scan === undefined ? {} : { dependsOn: scan }) },
    );

    this.configMapName = configMap.metadata.name;
    this.registerOutputs({ image: this.image, configMapName: this.configMapName });
  }

  /** Scans the image as nodes get it. */
  private scanned(name: string, { scan, build, node }: SandboxEnvironmentSettings): ImageScan | undefined {
    if (scan === undefined) return undefined;
    // What was built here is here, whoever may pull it from the registry.
    const fromDocker = node !== undefined || build !== undefined;
    return new ImageScan(scanPart(name), { ...scan, image: this.image, fromDocker }, { parent: this });
  }

  /** Builds the image, and brings it to where nodes get it from. */
  private built(
    name: string,
    settings: SandboxEnvironmentSettings,
    build: BuildSettings,
  ): pulumi.Output<string> {
    const { registry, node } = settings;
    const made = pulumi
      .all([settings.sandboxImage, build.base])
      .apply(([sandboxImage, base]) => recipe({ ...build, sandboxImage, base }));
    const image = made.apply(({ tag }) =>
      registry === undefined
        ? `sandlot/environment-${settings.name}:${tag}`
        : `${registry.repository}:${settings.name}-${tag}`,
    );
    const credentials = registry?.pushCredentials;
    const builder = new command.local.Command(
      `${name}-build`,
      {
        create: buildScript,
        environment: {
          IMAGE: image,
          DOCKERFILE: made.dockerfile,
          REQUIREMENTS: made.requirements,
          ...(registry === undefined ? {} : { PUSH: "1" }),
          ...(credentials === undefined
            ? {}
            : {
                REGISTRY_USERNAME: credentials.username,
                REGISTRY_PASSWORD: credentials.password,
              }),
        },
        triggers: [image],
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    if (registry !== undefined || node === undefined) return builder.stdout.apply((text) => text.trim());
    return new NodeImage(
      `${name}-node-image`,
      { image, ...node },
      { parent: this, dependsOn: builder },
    ).imageId.apply(() => image);
  }

  private pullSecret(
    name: string,
    settings: SandboxEnvironmentSettings,
    repository: string,
    { username, password }: RegistryCredentials,
  ): k8s.core.v1.Secret {
    const [registry = ""] = repository.split("/");
    const config = pulumi.all([username, password]).apply(([user, word]) =>
      JSON.stringify({
        auths: {
          [registry]: {
            username: user,
            password: word,
            auth: Buffer.from(`${user}:${word}`).toString("base64"),
          },
        },
      }),
    );
    return new k8s.core.v1.Secret(
      `${name}-pull-secret`,
      {
        metadata: {
          name: `${recordName(settings.name)}-pull`,
          namespace: settings.namespace,
          labels: recordLabels(settings.name),
        },
        type: "kubernetes.io/dockerconfigjson",
        stringData: { ".dockerconfigjson": config },
      },
      { parent: this },
    );
  }
}
