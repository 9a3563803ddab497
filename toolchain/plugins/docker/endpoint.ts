// Where the Docker engine is: the provider's configuration, DOCKER_HOST, the docker CLI's context, the default socket.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Keys and certificates for a TLS connection, PEM. */
export interface Tls {
  ca?: string;
  cert?: string;
  key?: string;
}

/** How to reach a Docker engine; `origin` says who named it. */
export interface Endpoint {
  address: string;
  origin: string;
  connection: { socketPath: string } | { host: string; port: number; tls?: Tls };
}

/** What the provider's configuration says on the engine. */
export interface EndpointConfig {
  host?: string;
  context?: string;
  certPath?: string;
  caMaterial?: string;
  certMaterial?: string;
  keyMaterial?: string;
}

const defaultAddress =
  process.platform === "win32" ? "npipe:////./pipe/docker_engine" : "unix:///var/run/docker.sock";
const tcpPort = 2375;
const tlsPort = 2376;

/**
 * Finds the engine. An explicit host wins, then an explicit context, DOCKER_HOST, DOCKER_CONTEXT and the CLI's context.
 * @throws Error when the address or the context cannot be used.
 */
export function findEndpoint(config: EndpointConfig, env: NodeJS.ProcessEnv): Endpoint {
  const tls = configuredTls(config, env);
  if (isSet(config.host)) return toEndpoint(config.host, "the provider's host", tls);
  if (isSet(config.context)) return contextEndpoint(config.context, "the provider's context", env, tls);
  const host = env["DOCKER_HOST"];
  if (isSet(host)) return toEndpoint(host, "DOCKER_HOST", tls);
  const context = env["DOCKER_CONTEXT"];
  if (isSet(context)) return contextEndpoint(context, "DOCKER_CONTEXT", env, tls);
  const current = dockerConfig(env)["currentContext"];
  if (typeof current === "string" && current !== "") {
    return contextEndpoint(current, "the docker CLI's current context", env, tls);
  }
  return toEndpoint(defaultAddress, "Docker's default", tls);
}

/** The docker CLI's folder of settings. */
export function dockerConfigDir(env: NodeJS.ProcessEnv): string {
  const dir = env["DOCKER_CONFIG"];
  return isSet(dir) ? dir : join(homedir(), ".docker");
}

/** The docker CLI's settings; empty when there are none that can be read. */
export function dockerConfig(env: NodeJS.ProcessEnv): Record<string, unknown> {
  return readJson(join(dockerConfigDir(env), "config.json")) ?? {};
}

function toEndpoint(address: string, origin: string, tls: Tls | undefined): Endpoint {
  const refuse = (reason: string): Error =>
    new Error(
      `The Docker address ${JSON.stringify(address)} (${origin}) ${reason}; ` +
        "allowed: unix:///path, npipe:////./pipe/name, tcp://host:port, http(s)://host:port",
    );
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? [];
  if (scheme === "unix" || scheme === "npipe") {
    if (rest === "") throw refuse("names no socket");
    const socketPath = scheme === "npipe" ? rest.replaceAll("/", "\\") : rest;
    return { address, origin, connection: { socketPath } };
  }
  if (scheme === "ssh") throw refuse("needs ssh, which the stand-in for the docker plugin does not speak");
  if (scheme !== "tcp" && scheme !== "http" && scheme !== "https") throw refuse("cannot be understood");
  const secure = scheme === "https" || (scheme === "tcp" && tls !== undefined);
  const target = `${secure ? "https" : "http"}://${rest}`;
  if (!URL.canParse(target)) throw refuse("names no host");
  const url = new URL(target);
  const port = url.port === "" ? (secure ? tlsPort : tcpPort) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { address, origin, connection: { host, port, ...(secure ? { tls: tls ?? {} } : {}) } };
}

/** An endpoint kept by `docker context`: metadata and keys in folders named by the hash of the context's name. */
function contextEndpoint(
  name: string,
  origin: string,
  env: NodeJS.ProcessEnv,
  tls: Tls | undefined,
): Endpoint {
  if (name === "default") {
    const host = env["DOCKER_HOST"];
    return toEndpoint(isSet(host) ? host : defaultAddress, `${origin} "default"`, tls);
  }
  const digest = createHash("sha256").update(name).digest("hex");
  const contexts = join(dockerConfigDir(env), "contexts");
  const meta = readJson(join(contexts, "meta", digest, "meta.json"));
  const endpoints = meta?.["Endpoints"] as { docker?: { Host?: string } } | undefined;
  const host = endpoints?.docker?.Host;
  if (host === undefined) {
    throw new Error(
      `The docker context ${JSON.stringify(name)} (${origin}) does not exist in ${contexts}; ` +
        "see `docker context ls`, or set DOCKER_HOST",
    );
  }
  return toEndpoint(
    host,
    `${origin} ${JSON.stringify(name)}`,
    tlsFrom(join(contexts, "tls", digest, "docker")) ?? tls,
  );
}

function configuredTls(config: EndpointConfig, env: NodeJS.ProcessEnv): Tls | undefined {
  if (isSet(config.caMaterial) || isSet(config.certMaterial)) {
    return {
      ...(isSet(config.caMaterial) ? { ca: config.caMaterial } : {}),
      ...(isSet(config.certMaterial) ? { cert: config.certMaterial } : {}),
      ...(isSet(config.keyMaterial) ? { key: config.keyMaterial } : {}),
    };
  }
  if (isSet(config.certPath)) {
    const tls = tlsFrom(config.certPath);
    if (tls === undefined)
      throw new Error(`The provider's certPath ${config.certPath} holds no ca.pem and no cert.pem`);
    return tls;
  }
  const verify = env["DOCKER_TLS_VERIFY"];
  const path = env["DOCKER_CERT_PATH"];
  return isSet(verify) || isSet(path) ? tlsFrom(isSet(path) ? path : dockerConfigDir(env)) : undefined;
}

function tlsFrom(dir: string): Tls | undefined {
  const files = { ca: "ca.pem", cert: "cert.pem", key: "key.pem" } as const;
  const found = Object.entries(files)
    .filter(([, file]) => existsSync(join(dir, file)))
    .map(([name, file]) => [name, readFileSync(join(dir, file), "utf8")]);
  return found.length === 0 ? undefined : (Object.fromEntries(found) as Tls);
}

function readJson(path: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
