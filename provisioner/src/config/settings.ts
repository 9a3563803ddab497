// The environment variables, read into settings. All mistakes come in one error.
import type { z } from "zod";

import { SettingsError } from "./errors.js";
import { egressVariables } from "./egress-variables.js";
import { variables, type Variable } from "./variables.js";

/** Every variable, read, under its own name. */
type Read<Variables extends Record<string, Variable>> = {
  readonly [Name in keyof Variables]: z.output<Variables[Name]["schema"]>;
};

/** What the provisioner is told. */
export interface Settings extends Omit<Read<typeof variables>, "CLUSTER_LOST_SECONDS"> {
  readonly CLUSTER_LOST_SECONDS: number;
}

/** What the egress proxy is told. */
export type EgressSettings = Read<typeof egressVariables>;

type ProcessEnvironment = Readonly<Record<string, string | undefined>>;

/** Variables of DeerFlow's that would change what a sandbox is and that this provisioner does not serve. */
const refused: Readonly<Record<string, string>> = {
  LARK_CLI_INIT_IMAGE: "there is no lark-cli runtime here; unset it",
  LARK_CLI_BROKER_IMAGE: "there is no lark-cli broker here; unset it",
};

/** @throws SettingsError with one line for each mistake. */
export function readSettings(environment: ProcessEnvironment): Settings {
  const problems = Object.entries(refused)
    .filter(([name]) => (environment[name] ?? "") !== "")
    .map(([name, why]) => `${name} is set, but ${why}.`);
  const read = readVariables(variables, environment, problems);
  const settings = { ...read, CLUSTER_LOST_SECONDS: read.CLUSTER_LOST_SECONDS ?? lostSeconds(read) };
  const crossed = crossChecks(settings);
  if (crossed.length > 0) throw new SettingsError(crossed);
  return settings;
}

/** Where there is no other cluster, one whose control plane is away for minutes is still the best there is. */
function lostSeconds({ CLUSTERS_FILE: several }: { readonly CLUSTERS_FILE?: string | undefined }): number {
  return several === undefined ? 300 : 30;
}

/** @throws SettingsError with one line for each mistake. */
export function readEgressSettings(environment: ProcessEnvironment): EgressSettings {
  return readVariables(egressVariables, environment, []);
}

/** Reads all variables. @throws SettingsError with what is wrong with them, and after that `more`. */
function readVariables<Variables extends Record<string, Variable>>(
  variables: Variables,
  environment: ProcessEnvironment,
  more: readonly string[],
): Read<Variables> {
  const problems: string[] = [];
  const read: Record<string, unknown> = {};
  for (const [name, { schema, allowed }] of Object.entries(variables)) {
    const text = environment[name] === "" ? undefined : environment[name];
    const result = schema.safeParse(text);
    if (result.success) read[name] = result.data;
    else problems.push(`${name} is ${shown(name, text)}, but must be ${allowed}.`);
  }
  problems.push(...more);
  if (problems.length > 0) throw new SettingsError(problems);
  return read as Read<Variables>;
}

function crossChecks(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.PROVISIONER_API_KEY === undefined && settings.API_KEYS_FILE === undefined)
    problems.push(
      "No API key is configured, so every call would be refused: set PROVISIONER_API_KEY or API_KEYS_FILE.",
    );
  if (settings.SIGNING_KEY_FILE === undefined && settings.PROVISIONER_API_KEY === undefined)
    problems.push(
      "SIGNING_KEY_FILE is not set, and there is no PROVISIONER_API_KEY to make a signing key from: set one of them.",
    );
  if (settings.SANDBOX_SERVICE_TYPE === "Router" && settings.ROUTER_URL === undefined)
    problems.push(
      "ROUTER_URL is not set, but SANDBOX_SERVICE_TYPE is Router: set it to the URL at which clients reach this service.",
    );
  problems.push(...hostProblems(settings));
  if (settings.SANDBOX_SERVER === "aio" && settings.SANDBOX_SERVICE_TYPE === "Router")
    problems.push(
      "SANDBOX_SERVICE_TYPE is Router, but SANDBOX_SERVER is aio, whose sandboxes know no token: use NodePort or ClusterIP.",
    );
  if (settings.SOFT_TIMEOUT_SECONDS > settings.HARD_TIMEOUT_SECONDS)
    problems.push(
      `SOFT_TIMEOUT_SECONDS is ${settings.SOFT_TIMEOUT_SECONDS}, but HARD_TIMEOUT_SECONDS is ${settings.HARD_TIMEOUT_SECONDS}: lower the one or raise the other.`,
    );
  problems.push(...hostPathProblems(settings));
  if (settings.SKILLS_PVC_SUBPATH_TEMPLATE !== undefined && settings.SKILLS_PVC_NAME === undefined)
    problems.push("SKILLS_PVC_SUBPATH_TEMPLATE is set, but SKILLS_PVC_NAME is not: set both or none.");
  return problems;
}

/** What needs folders of nodes, where none may be mounted. */
function hostPathProblems(settings: Settings): string[] {
  if (settings.HOST_PATH_MOUNTS) return [];
  const folders = (["SKILLS_HOST_PATH", "THREADS_HOST_PATH"] as const)
    .filter((name) => settings[name] !== undefined)
    .map((name) => `${name} is set, but HOST_PATH_MOUNTS is false: unset one of the two, or use a claim.`);
  if (settings.DEER_FLOW_HOST_BASE_DIR === undefined || settings.USERDATA_PVC_NAME !== undefined)
    return folders;
  return [
    ...folders,
    "DEER_FLOW_HOST_BASE_DIR is set, but HOST_PATH_MOUNTS is false and USERDATA_PVC_NAME is not set: name the claim that holds the gateway's state.",
  ];
}

function hostProblems({ ROUTER_HOST_SUFFIX: suffix, ROUTER_URL: url }: Settings): string[] {
  if (suffix === undefined) return [];
  if (url === undefined)
    return [
      "ROUTER_URL is not set, but ROUTER_HOST_SUFFIX is: set it to the URL at which clients reach this service, whose scheme and port sandboxes' hosts have.",
    ];
  return new URL(url).hostname.endsWith(`.${suffix}`)
    ? [
        `ROUTER_URL is ${shown("ROUTER_URL", url)}, but hosts below ROUTER_HOST_SUFFIX, which is ${JSON.stringify(suffix)}, are sandboxes: choose another host or another suffix.`,
      ]
    : [];
}

/** A value for a message; secrets are not shown. */
function shown(name: string, text: string | undefined): string {
  if (text === undefined) return "not set";
  return /_(?:KEY|HEADERS)$/.test(name) || /:\/\/[^/]*@/.test(text)
    ? "set (not shown)"
    : JSON.stringify(text);
}
