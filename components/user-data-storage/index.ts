// What users' work leaves behind, longer than a sandbox lives.
import * as pulumi from "@pulumi/pulumi";

import { claimOf } from "../shared/volume/claim";
import type { UserDataStorageArgs } from "./args";
import { resolve } from "./resolve";

/** A claim for users' data, and the folder in it that a sandbox sees. */
export class UserDataStorage extends pulumi.ComponentResource {
  /** The claim's name. */
  public readonly claimName: pulumi.Output<string>;
  /** The folder of the volume that a sandbox sees. */
  public readonly subPath: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: UserDataStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:UserDataStorage", name, settings, opts);

    const { namespace, size, accessMode, retain, names } = settings;
    this.claimName = claimOf(
      name,
      { purpose: "user-data", readOnly: false, fields: settings, namespace, size, accessMode, retain, names },
      this,
    );
    this.subPath = pulumi.output(settings.subPath);
    this.registerOutputs({ claimName: this.claimName, subPath: this.subPath });
  }
}
