// Where the API server is and who we are to it, from a kubeconfig or from the pod that we run in.
import { existsSync } from "node:fs";
import {
  checkServerIdentity,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
} from "node:tls";

import { SettingsError } from "../config/errors.js";
import { clusterServer, podAccount } from "./in-cluster.js";

/** What a client needs to know. */
export interface Connection {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** A path that comes before every other, or nothing. */
  readonly prefix: string;
  /** Whether we are a pod of the cluster, and so reach its pods and Services. With a kubeconfig we may be anywhere. */
  readonly inCluster: boolean;
  readonly tls: ConnectionOptions;
  /** The headers that say who we are; asked for again now and then, because tokens change. */
  headers(): Promise<Record<string, string>>;
}

/** What a kubeconfig or a pod's account says. */
export interface Access extends Pick<ConnectionOptions, "ca" | "cert" | "key"> {
  /** The URL of the API server. */
  readonly server: string;
  /**
   * The name that its certificate is for.
   * @default - the host of the URL
   */
  readonly name?: string | undefined;
  readonly headers: Connection["headers"];
}

/** Where to look. */
export interface ConnectionSettings {
  readonly KUBECONFIG_PATH: string;
  readonly K8S_API_SERVER?: string | undefined;
  /** @default - the kubeconfig's current one */
  readonly context?: string | undefined;
}

/** @throws SettingsError if there is no way to an API server. */
export async function connect(settings: ConnectionSettings): Promise<Connection> {
  const { KUBECONFIG_PATH: path } = settings;
  if (existsSync(path)) {
    // Loaded only here: a pod of the cluster itself has no kubeconfig.
    const { readKubeconfig } = await import("./kubeconfig.js");
    return reached(settings, await readKubeconfig(path, settings.context), false);
  }
  const server = clusterServer(process.env);
  if (server !== undefined) return reached(settings, { server, ...podAccount() }, true);
  throw new SettingsError([
    `KUBECONFIG_PATH is ${JSON.stringify(path)}, where there is no file, and this is no pod of a cluster: mount a kubeconfig there, or run inside the cluster.`,
  ]);
}

function reached(
  { K8S_API_SERVER: address }: ConnectionSettings,
  access: Access,
  inCluster: boolean,
): Connection {
  const { server, name, headers } = access;
  const url = new URL(address ?? server);
  const certified = name ?? bare(new URL(server).hostname);
  return {
    origin: url.origin,
    prefix: url.pathname.replace(/\/$/, ""),
    inCluster,
    tls: {
      secureContext: trust(access),
      rejectUnauthorized: true,
      // With another address, the certificate is still the one of the host that the kubeconfig names.
      checkServerIdentity: (_, certificate) => checkServerIdentity(certified, certificate),
    },
    headers,
  };
}

/** Read once: for each connection anew it would take longer than a request. @throws SettingsError if it cannot be read. */
function trust({ ca, cert, key }: Access): SecureContext {
  try {
    return createSecureContext({ ca, cert, key });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError([
      `The authority, certificate or key for the API server cannot be read: ${why}. Each must be PEM, and the key that of the certificate.`,
    ]);
  }
}

/** A host without the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
