// What removes users' data that no sandbox has used for long.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { UserDataRetentionArgs } from "./args";
import { cronJobArgs, retentionLabels, retentionName } from "./objects";
import { resolve } from "./resolve";

/**
 * A CronJob in the sandboxes' namespace, with an account that may do nothing and a pod as hardened as theirs. It goes by a marker
 * in each folder, whose change time a sandbox's server sets when it starts with that folder.
 */
export class UserDataRetention extends pulumi.ComponentResource {
  /** The name of the CronJob. */
  public readonly cronJobName: pulumi.Output<string>;

  /** @throws ArgumentError, before anything is registered, if an argument is bad. */
  constructor(name: string, args: UserDataRetentionArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolve(name, args);
    super("sandlot:index:UserDataRetention", name, settings, opts);

    const account = new k8s.core.v1.ServiceAccount(
      `${name}-service-account`,
      {
        metadata: { name: retentionName, namespace: settings.namespace, labels: retentionLabels },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );
    const cronJob = new k8s.batch.v1.CronJob(
      `${name}-cron-job`,
      cronJobArgs(settings, account.metadata.name),
      { parent: this },
    );
    this.cronJobName = cronJob.metadata.name;
    this.registerOutputs({ cronJobName: this.cronJobName });
  }
}
