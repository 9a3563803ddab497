// What a kubeconfig says of an API server, read by the library, which knows every way to show who one is.
import { readFileSync, statSync } from "node:fs";
import type { RequestOptions } from "node:https";

import { KubeConfig } from "@kubernetes/client-node";

import { SettingsError } from "../config/errors.js";
import type { Access } from "./connection.js";

/**
 * @param context the context that is meant, if not the current one
 * @throws SettingsError if it leads to no API server.
 */
export async function readKubeconfig(path: string, context?: string): Promise<Access> {
  const config = load(path, context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new SettingsError(["The kubeconfig names no cluster in its current context."]);
  if (cluster.skipTLSVerify) {
    throw new SettingsError([
      "The kubeconfig says insecure-skip-tls-verify: whoever is on the way could read every secret. Put the cluster's certificate authority into it instead.",
    ]);
  }
  const { ca, cert, key } = await applied(config);
  return {
    server: cluster.server,
    name: cluster.tlsServerName,
    ...{ ca, cert, key },
    headers: async () => authorization(await applied(config)),
  };
}

function load(path: string, context: string | undefined): KubeConfig {
  if (!statSync(path).isFile())
    throw new SettingsError([
      `KUBECONFIG_PATH is ${JSON.stringify(path)}, but must be a file: that is a folder.`,
    ]);
  const config = new KubeConfig();
  config.loadFromFile(path);
  if (context === undefined) return config;
  if (config.getContextObject(context) === null)
    throw new SettingsError([
      `The kubeconfig ${JSON.stringify(path)} has no context ${JSON.stringify(context)}; it has ${config.contexts.map(({ name }) => name).join(", ")}.`,
    ]);
  config.setCurrentContext(context);
  return config;
}

async function applied(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  // Files named by the kubeconfig are read by the library; the authority is one of them only for some of them.
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
