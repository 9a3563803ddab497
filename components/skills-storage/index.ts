// The skills that sandboxes can read.
import * as pulumi from "@pulumi/pulumi";

import { claimOf } from "../shared/volume/claim";
import type { SkillsStorageArgs } from "./args";
import { resolve } from "./resolve";

/**
 * A claim for the skills: on a folder of the node, an NFS export, a CSI volume or a StorageClass, or one that is already there.
 * The volume is read-only where its kind can be, and pods mount it read-only in any case.
 */
export class SkillsStorage extends pulumi.ComponentResource {
  /** The claim's name. */
  public readonly claimName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: SkillsStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:SkillsStorage", name, settings, opts);

    const { namespace, size, accessMode, retain, names } = settings;
    this.claimName = claimOf(
      name,
      { purpose: "skills", readOnly: true, fields: settings, namespace, size, accessMode, retain, names },
      this,
    );
    this.registerOutputs({ claimName: this.claimName });
  }
}
