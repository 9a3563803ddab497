// Who to be at an image registry: the provider's registryAuth, else what the docker CLI keeps from `docker login`.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

import { dockerConfig } from "./endpoint.js";

/** One entry of the provider's registryAuth. */
export interface RegistryAuth {
  address: string;
  authDisabled?: boolean;
  configFile?: string;
  configFileContent?: string;
  username?: string;
  password?: string;
}

const dockerHub = "https://index.docker.io/v1/";
const helperTimeoutMs = 10_000;

/** The registry part of an image's name; Docker Hub's address when it has none. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const named = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  return named ? first : dockerHub;
}

/** The X-Registry-Auth header for pulling `image`; undefined to pull as nobody. */
export async function registryAuthHeader(
  image: string,
  configured: readonly RegistryAuth[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const registry = registryOf(image);
  const entry = configured.find(({ address }) => hostOf(address) === hostOf(registry));
  if (entry?.authDisabled === true) return undefined;
  const login =
    entry?.username !== undefined
      ? { username: entry.username, password: entry.password ?? "" }
      : await storedLogin(registry, entry === undefined ? dockerConfig(env) : configOf(entry, env));
  if (login === undefined) return undefined;
  return Buffer.from(JSON.stringify({ ...login, serveraddress: registry })).toString("base64url");
}

function configOf(entry: RegistryAuth, env: NodeJS.ProcessEnv): Record<string, unknown> {
  if (entry.configFileContent !== undefined && entry.configFileContent !== "") {
    return JSON.parse(entry.configFileContent) as Record<string, unknown>;
  }
  if (entry.configFile !== undefined && entry.configFile !== "") {
    return JSON.parse(readFileSync(entry.configFile, "utf8")) as Record<string, unknown>;
  }
  return dockerConfig(env);
}

interface Login {
  username?: string;
  password?: string;
  identitytoken?: string;
}

/** The login in a docker CLI configuration: kept there, or by the helper it names. */
async function storedLogin(registry: string, config: Record<string, unknown>): Promise<Login | undefined> {
  const helpers = config["credHelpers"] as Record<string, string> | undefined;
  const helper = helpers?.[hostOf(registry)] ?? (config["credsStore"] as string | undefined);
  if (helper !== undefined) return helperLogin(helper, registry);
  const auths = (config["auths"] ?? {}) as Record<string, { auth?: string; identitytoken?: string }>;
  const found = Object.entries(auths).find(([address]) => hostOf(address) === hostOf(registry))?.[1];
  if (found?.identitytoken !== undefined) return { identitytoken: found.identitytoken };
  if (found?.auth === undefined || found.auth === "") return undefined;
  const [username = "", ...password] = Buffer.from(found.auth, "base64").toString("utf8").split(":");
  return { username, password: password.join(":") };
}

/** Asks a credential helper; what it does not know is pulled as nobody. */
function helperLogin(helper: string, registry: string): Promise<Login | undefined> {
  return new Promise((resolve) => {
    const child = execFile(
      `docker-credential-${helper}`,
      ["get"],
      { timeout: helperTimeoutMs },
      (error, stdout) => {
        if (error !== null) {
          resolve(undefined);
          return;
        }
        const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
        // Helpers give an identity token under this name (docker/docker-credential-helpers).
        resolve(
          Username === "<token>" ? { identitytoken: Secret } : { username: Username, password: Secret },
        );
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(registry);
  });
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}
