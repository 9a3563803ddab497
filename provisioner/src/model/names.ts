// Names of pods and Services, made so that creating twice is refused by the API server instead of by a lock of ours.
import { createHash, randomBytes } from "node:crypto";

/** The tenant of `PROVISIONER_API_KEY`; its pods are named as DeerFlow's are. */
export const defaultTenant = "default";

/** What a sandbox id must look like: with it, `sandbox-<id>-svc` is a DNS label. */
export const sandboxIdPattern = /^[a-z0-9](?:[a-z0-9-]{0,49}[a-z0-9])?$/;

/** {@link sandboxIdPattern} in words. */
export const sandboxIdRule =
  "1 to 51 lower-case letters, digits and hyphens, with a letter or digit at both ends";

/** What a user's id must look like: it becomes the name of a folder, in which a dot ends the name of a tenant. */
export const userIdPattern = /^[A-Za-z0-9_-]{1,128}$/;

/** {@link userIdPattern} in words. */
export const userIdRule = "1 to 128 letters, digits, _ and -";

/** What the id of a thread must look like. */
export const threadIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** {@link threadIdPattern} in words. */
export const threadIdRule = "1 to 64 letters, digits, _ and -";

/**
 * The name of the pod that is created for one sandbox. Ids are unique within a tenant, so other tenants' names are hashed.
 * @param insteadOf the UID of a pod that has the name that it would have, and that nobody ends: whoever sees it makes the same of it
 */
export function coldPodName(tenant: string, id: string, insteadOf?: string): string {
  // With anything behind an id of 51 characters, the Service's name would be too long.
  if (insteadOf !== undefined) return `tenant-${digest(`${tenant}/${id}/${insteadOf}`).slice(0, 32)}`;
  return tenant === defaultTenant ? `sandbox-${id}` : `tenant-${digest(`${tenant}/${id}`).slice(0, 32)}`;
}

/** What names of pool pods begin with, and no others do. */
const idlePrefix = "warm-";

/** A name for a pool pod of `environment`. */
export function idlePodName(environment: string): string {
  return `${idlePrefix}${environment}-${randomBytes(5).toString("hex")}`;
}

/** Whether a pod was a pool's, by its name. */
export function isFromPool(podName: string): boolean {
  return podName.startsWith(idlePrefix);
}

/** The Service of a pod. */
export function serviceName(podName: string): string {
  return `${podName}-svc`;
}

/** An id for a sandbox whose creator gave none. */
export function randomId(): string {
  return `s-${randomBytes(8).toString("hex")}`;
}

/** The id that stands for an idempotency key: whoever repeats the key means the same sandbox. */
export function idOfKey(tenant: string, key: string): string {
  return `k-${digest(`${tenant}\n${key}`).slice(0, 32)}`;
}

/** SHA-256 as hexadecimal digits. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
