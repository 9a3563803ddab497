// Where the API server is and who we are to it, from a kubeconfig or from the pod that we run in.
import { existsSync, readFileSync, statSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { checkServerIdentity, type ConnectionOptions } from "node:tls";

import { KubeConfig } from "@kubernetes/client-node";

import { SettingsError } from "../config/errors.js";

/** What a client needs to know. */
export interface Connection {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** A path that comes before every other, or nothing. */
  readonly prefix: string;
  readonly tls: ConnectionOptions;
  /** The headers that say who we are; asked for again now and then, because tokens change. */
  headers(): Promise<Record<string, string>>;
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
  const config = load(settings);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new SettingsError(["The kubeconfig names no cluster in its current context."]);
  if (cluster.skipTLSVerify) {
    throw new SettingsError([
      "The kubeconfig says insecure-skip-tls-verify: whoever is on the way could read every secret. Put the cluster's certificate authority into it instead.",
    ]);
  }
  const configured = new URL(cluster.server);
  const server = new URL(settings.K8S_API_SERVER ?? cluster.server);
  const certified = cluster.tlsServerName ?? bare(configured.hostname);
  const options = await applied(config);
  return {
    origin: server.origin,
    prefix: server.pathname.replace(/\/$/, ""),
    tls: {
      ca: options.ca,
      cert: options.cert,
      key: options.key,
      rejectUnauthorized: true,
      // With another address, the certificate is still the one of the host that the kubeconfig names.
      checkServerIdentity: (_, certificate) => checkServerIdentity(certified, certificate),
    },
    headers: async () => authorization(await applied(config)),
  };
}

function load({ KUBECONFIG_PATH: path, context }: ConnectionSettings): KubeConfig {
  const config = new KubeConfig();
  if (existsSync(path)) {
    if (!statSync(path).isFile())
      throw new SettingsError([
        `KUBECONFIG_PATH is ${JSON.stringify(path)}, but must be a file: that is a folder.`,
      ]);
    config.loadFromFile(path);
    if (context === undefined) return config;
    if (config.getContextObject(context) === null)
      throw new SettingsError([
        `The kubeconfig ${JSON.stringify(path)} has no context ${JSON.stringify(context)}; it has ${config.contexts.map(({ name }) => name).join(", ")}.`,
      ]);
    config.setCurrentContext(context);
    return config;
  }
  if (process.env["KUBERNETES_SERVICE_HOST"] !== undefined) {
    config.loadFromCluster();
    return config;
  }
  throw new SettingsError([
    `KUBECONFIG_PATH is ${JSON.stringify(path)}, where there is no file, and this is no pod of a cluster: mount a kubeconfig there, or run inside the cluster.`,
  ]);
}

async function applied(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  // Files named by the kubeconfig are read by the library; the authority of a pod's account is one of them.
  const cluster = config.getCurrentCluster();
  if (options.ca === undefined && cluster?.caFile !== undefined) options.ca = readFileSync(cluster.caFile);
  return options;
}

function authorization({ headers, auth }: RequestOptions): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries((headers ?? {}) as Record<string, unknown>))
    result[name] = String(value);
  if (typeof auth === "string") result["authorization"] = `Basic ${Buffer.from(auth).toString("base64")}`;
  return result;
}

/** A host without the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
