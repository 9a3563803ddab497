// What the platform tells the removal of users' stale data: the options given, and what it has in common with sandboxes.
import type * as pulumi from "@pulumi/pulumi";

import { over } from "../shared/defaults";
import type { UserDataRetentionArgs, UserDataRetentionOptions } from "../user-data-retention/args";
import type { SandboxPlatformArgs } from "./args";

/** Where the data is. */
export interface RetentionPlace {
  readonly namespace: pulumi.Input<string>;
  readonly claimName: pulumi.Input<string>;
  readonly priorityClassName?: pulumi.Input<string>;
}

/** The removal's arguments: it runs where sandboxes do, with the same image. */
export function retentionArgs(
  { image, deployment = {} }: SandboxPlatformArgs,
  options: UserDataRetentionOptions,
  place: RetentionPlace,
): UserDataRetentionArgs {
  const { imagePullPolicy, imagePullSecrets, placement } = deployment;
  const fixed: UserDataRetentionArgs = { ...options, ...place, image };
  return over(fixed, {
    ...{ imagePullPolicy, imagePullSecrets },
    nodeSelector: placement?.nodeSelector,
    tolerations: placement?.tolerations,
  });
}
