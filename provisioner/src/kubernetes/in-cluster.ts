// The way to the API server from a pod of its cluster, by the account that Kubernetes mounts into it. The library for kubeconfigs
// does this as well, but to load it takes 8 MiB of heap, and the text of it 2 MiB more.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";

import { SettingsError } from "../config/errors.js";
import type { Connection } from "./connection.js";

/** Where and what Kubernetes mounts: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The address of the API server, from the variables that every container has; undefined if this is no pod of a cluster. */
export function clusterServer(variables: Readonly<Record<string, string | undefined>>): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = variables;
  return host && `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/**
 * The authority and the token of the pod's account.
 * @throws SettingsError if the pod has none.
 */
export function podAccount(folder = accountFolder): { ca: Buffer; headers: Connection["headers"] } {
  const file = join(folder, "token");
  try {
    readFileSync(file);
    return {
      ca: readFileSync(join(folder, "ca.crt")),
      // The kubelet puts a new token there before the old one ends.
      headers: async () => ({ authorization: `Bearer ${(await readFile(file, "utf8")).trim()}` }),
    };
  } catch (error) {
    throw new SettingsError([
      `This is a pod of a cluster, but the account that it speaks to the API server by cannot be read: ${String(error)}. Set automountServiceAccountToken, or mount a kubeconfig and name it in KUBECONFIG_PATH.`,
    ]);
  }
}
