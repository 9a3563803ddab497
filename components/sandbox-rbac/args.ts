// What the sandboxes' service account can be told.
import type * as pulumi from "@pulumi/pulumi";

import { Checks, type Rule } from "../shared/checks";
import { dnsLabel, dnsSubdomain } from "../shared/rules";

/** Options of {@link SandboxRbac} beside where to put it. */
export interface SandboxRbacOptions {
  /**
   * The name of the service account that sandbox pods run as. It has no role and no token.
   * @default "sandbox"
   */
  serviceAccountName?: string;
}

/** Arguments of {@link SandboxRbac}. */
export interface SandboxRbacArgs extends SandboxRbacOptions {
  /** The namespace of the service account. */
  namespace: pulumi.Input<string>;
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SandboxRbacArgs): Required<SandboxRbacArgs> {
  const checks = new Checks("SandboxRbac", name);
  const namespace = checks.input("namespace", args.namespace, dnsLabel);
  const serviceAccountName = args.serviceAccountName ?? "sandbox";
  checks.plain("serviceAccountName", serviceAccountName, ownAccount);
  checks.finish();
  return { namespace, serviceAccountName };
}

const ownAccount: Rule<string> = (value) =>
  value === "default"
    ? "an account of its own: roles given to default would be given to sandboxes"
    : dnsSubdomain(value);
