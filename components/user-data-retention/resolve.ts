// The settings of the removal of stale data: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { SandboxPullPolicy } from "../sandbox-deployment/args";
import { Checks, type Rule } from "../shared/checks";
import {
  dnsLabel,
  dnsSubdomain,
  integerBetween,
  labels,
  matching,
  oneOf,
  pinnedImage,
} from "../shared/rules";
import { checkTolerations, type SandboxToleration } from "../shared/tolerations";
import type { UserDataRetentionArgs } from "./args";

/** {@link UserDataRetentionArgs} with every default filled in. */
export interface UserDataRetentionSettings {
  namespace: pulumi.Input<string>;
  claimName: pulumi.Input<string>;
  image: pulumi.Input<string>;
  imagePullPolicy: SandboxPullPolicy;
  imagePullSecrets: string[];
  days: number;
  schedule: string;
  priorityClassName?: pulumi.Input<string> | undefined;
  nodeSelector: { [name: string]: string };
  tolerations: SandboxToleration[];
}

/** Fills in the defaults. */
export function withDefaults(args: UserDataRetentionArgs): UserDataRetentionSettings {
  return {
    ...args,
    imagePullPolicy: args.imagePullPolicy ?? SandboxPullPolicy.IfNotPresent,
    imagePullSecrets: args.imagePullSecrets ?? [],
    schedule: args.schedule ?? "17 3 * * *",
    nodeSelector: args.nodeSelector ?? {},
    tolerations: args.tolerations ?? [],
  };
}

/** Five fields, in the part of cron's language that every implementation reads alike. */
const cron: Rule<string> = matching(
  /^[0-9*/,-]+(?: [0-9*/,-]+){4}$/,
  'five fields of cron, made of digits, *, /, - and commas, such as "17 3 * * *"',
);

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: UserDataRetentionArgs): UserDataRetentionSettings {
  const settings = withDefaults(args);
  const checks = new Checks("UserDataRetention", name);
  checks.plain(
    "days",
    settings.days,
    integerBetween(8, 3650, "a number of days (a sandbox, which lives at most 7, must not lose its data)"),
  );
  checks.plain("schedule", settings.schedule, cron);
  checks.plain("imagePullPolicy", settings.imagePullPolicy, oneOf(SandboxPullPolicy));
  for (const [i, each] of settings.imagePullSecrets.entries())
    checks.plain(`imagePullSecrets[${i}]`, each, dnsSubdomain);
  checks.plain("nodeSelector", settings.nodeSelector, labels);
  checkTolerations(checks, "tolerations", settings.tolerations);
  const resolved = {
    ...settings,
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
    claimName: checks.input("claimName", settings.claimName, dnsSubdomain),
    image: checks.input("image", settings.image, pinnedImage),
    priorityClassName: checks.optional("priorityClassName", settings.priorityClassName, dnsSubdomain),
  };
  checks.finish();
  return resolved;
}
