// The skills that sandboxes can read.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { SkillsStorageArgs } from "./args";
import { claimArgs, volumeArgs, type SkillsFolder } from "./objects";
import { resolve, type SkillsStorageSettings } from "./resolve";

/** A claim for a read-only volume with skills: a folder of the node, or a claim that is already there. */
export class SkillsStorage extends pulumi.ComponentResource {
  /** The claim's name. */
  public readonly claimName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SkillsStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SkillsStorage", name, settings, opts);

    this.claimName =
      settings.existingClaim === undefined
        ? this.hostPathClaim(name, settings, settings.hostPath ?? "")
        : pulumi.output(settings.existingClaim);
    this.registerOutputs({ claimName: this.claimName });
  }

  private hostPathClaim(
    name: string,
    settings: SkillsStorageSettings,
    hostPath: pulumi.Input<string>,
  ): pulumi.Output<string> {
    const opts = { parent: this, retainOnDelete: settings.retain };
    const folder: pulumi.Output<SkillsFolder> = pulumi
      .all([settings.namespace, hostPath])
      .apply(([namespace, path]) => ({ namespace, hostPath: path, size: settings.size }));
    const volumeParts = folder.apply(volumeArgs);
    const claimParts = folder.apply(claimArgs);
    const volume = new k8s.core.v1.PersistentVolume(
      `${name}-volume`,
      { metadata: volumeParts.metadata, spec: volumeParts.spec },
      opts,
    );
    const claim = new k8s.core.v1.PersistentVolumeClaim(
      `${name}-claim`,
      { metadata: claimParts.metadata, spec: claimParts.spec },
      { ...opts, dependsOn: volume },
    );
    return claim.metadata.name;
  }
}
