// The keys that the provisioner is given: how they are made, held against their rules, and written down.
import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import type { Rule } from "../shared/checks";
import type { ProvisionerTenant, RequestRate } from "./args";

/** The entries of the Secret, which are files in the pod. */
export const keyFiles = { apiKeys: "api-keys.json", signingKey: "signing.key" } as const;

/** The tenant that the API key stands for. */
const defaultTenant = "default";

/** Prints 256 random bits as hexadecimal digits. POSIX sh: it runs in dash, in BusyBox and on macOS alike. */
export const randomKeyScript = "od -An -v -tx1 -N32 /dev/urandom | tr -d ' \\n'";

/** What a key is called in messages, which never repeat it. */
export function checkedKey(
  what: string,
  key: pulumi.Input<string>,
  rule: Rule<string>,
): pulumi.Output<string> {
  return pulumi.secret(key).apply((known) => {
    const text = known.trim();
    const allowed = rule(text);
    if (allowed === undefined) return text;
    throw new pulumi.RunError(`The ${what} of the provisioner (not shown) must be ${allowed}.`);
  });
}

/** The file of API keys: hashes, and whom they stand for. Its format is in docs/api.md. */
export function apiKeysFile(
  apiKey: string | undefined,
  tenants: readonly ProvisionerTenant[],
  rateLimit?: RequestRate,
): string {
  const own: ProvisionerTenant[] =
    apiKey === undefined ? [] : [{ name: defaultTenant, keys: [{ name: "stack", sha256: sha256(apiKey) }] }];
  const byName = new Map([...own, ...tenants].map(({ name, ...tenant }) => [name, tenant]));
  const content = { version: 1, rateLimit, tenants: Object.fromEntries(byName) };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** Tells one signing key from another, and nothing about it. */
export function revisionOf(signingKey: string): string {
  return sha256(`revision ${signingKey}`).slice(0, 16);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
