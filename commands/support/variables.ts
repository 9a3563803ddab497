// The make variables: what each is for, what it allows, and where in stack configuration it goes, if it does.
import { closest, distance } from "fastest-levenshtein";

import { UserError } from "@sandlot/toolchain/errors.js";

/** A make variable. `config` is the path in stack configuration that it sets for one run. */
export interface Variable {
  readonly help: string;
  readonly allowed: string;
  readonly pattern: RegExp;
  readonly config?: readonly [string, ...string[]];
  /** Whether it may also stand in the environment, as DeerFlow's setup.sh reads it; others only on make's command line. */
  readonly fromEnvironment?: boolean;
  /** How its text becomes a value of configuration; default: as it is. */
  readonly decode?: (text: string) => unknown;
}

const flag = (help: string): Variable => ({ help, allowed: "1 or 0", pattern: /^[01]$/ });
const port = (help: string, path: readonly [string, ...string[]]): Variable => ({
  help,
  allowed: "an integer from 1 to 65535",
  pattern: /^[0-9]{1,5}$/,
  config: path,
  decode: Number,
});
const text = (help: string, path?: readonly [string, ...string[]]): Variable => ({
  help,
  allowed: "a text",
  pattern: /[^]/,
  ...(path === undefined ? {} : { config: path }),
});

/** Every make variable by name. */
export const variables = {
  STACK: {
    help: "the stack to work on (default: dev)",
    allowed: "lower-case letters, digits and '-'",
    pattern: /^[a-z0-9][a-z0-9-]{0,40}$/,
  },
  CONFIG: text("a file laid over the stack's file: settings that differ, null for those to take away"),
  SANDBOX_IMAGE: {
    ...text("the sandboxes' image, instead of the one built here", ["sandbox", "image"]),
    fromEnvironment: true,
  },
  SKILLS_PATH: {
    ...text("the folder of skills that sandboxes see", ["skills", "hostPath"]),
    fromEnvironment: true,
  },
  NODE_IMAGE: text("the node's image, instead of the one found or built", ["cluster", "image"]),
  API_PORT: port("the API server's port on this machine", ["cluster", "apiPort"]),
  HTTP_PORT: port("the sandbox API's port on this machine", ["sandbox", "hostPort"]),
  PROVISIONER_PORT: port("the provisioner's port on this machine", ["provisioner", "hostPort"]),
  REPLICAS: {
    help: "how many shared sandboxes run",
    allowed: "an integer from 0 to 500",
    pattern: /^[0-9]{1,3}$/,
    config: ["sandbox", "replicas"],
    decode: Number,
  },
  SKIP_PULL: flag("1: never pull an image; use those that are here"),
  FORCE: flag("1: make the nodes' containers anew; their data stays"),
  REPAIR: flag(
    "1: look at what is really there first, and put right what is not as deployed, whoever changed it",
  ),
  ONLY: {
    help: "cluster: start the cluster and deploy nothing into it",
    allowed: "cluster",
    pattern: /^cluster$/,
  },
  VOLUMES: flag("1: delete the data as well"),
  CMD: text("the command to run"),
  NODE: {
    help: "1: in the container of the node, the server's; agent-<n>: in that of an agent; not in a sandbox",
    allowed: "1, 0, or agent-1 to agent-5",
    pattern: /^(?:[01]|agent-[1-5])$/,
  },
  FOLLOW: flag("1: go on printing until interrupted"),
  TAIL: {
    help: "how many lines of each pod (default: 100)",
    allowed: "an integer from 1",
    pattern: /^[1-9][0-9]*$/,
  },
  FORMAT: { help: "text or json (default: text)", allowed: "text or json", pattern: /^(text|json)$/ },
  MERGE: flag("1: merge it into your kubeconfig as well, as context sandlot-<stack>"),
  ONLY_TESTS: text("a mocha pattern: run only the tests whose titles match"),
  COLD: flag("1: measure as well how long `make up` takes with empty caches (twenty minutes, and then some)"),
  FIGURES: {
    help: "which figures to take (default: all)",
    allowed: "cluster, provisioner or scores",
    pattern: /^(cluster|provisioner|scores)$/,
  },
  SETTING: {
    help: "the setting, as its path in configuration",
    allowed: "target.kubeconfig, provisioner.apiKey or provisioner.signingKey",
    pattern: /^(target\.kubeconfig|provisioner\.(apiKey|signingKey))$/,
  },
  STACKS: {
    help: "the stacks to preview (default: all of stacks/ that can be)",
    allowed: "names of stacks with commas between them",
    pattern: /^[a-z0-9][a-z0-9-]{0,40}(,[a-z0-9][a-z0-9-]{0,40})*$/,
  },
  PR: {
    help: "the pull request's number (default: that of the workflow's event)",
    allowed: "an integer from 1",
    pattern: /^[1-9][0-9]{0,9}$/,
  },
  OUT: text("a file to write the comment into, or - for standard output; nothing is posted then"),
  HELP: flag("1: tell about the command, do nothing"),
} satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;

/** What `make up` and `make preview` both take: the one does what the other shows. */
export const stackVariables = [
  "STACK",
  "CONFIG",
  "SANDBOX_IMAGE",
  "SKILLS_PATH",
  "REPLICAS",
  "NODE_IMAGE",
  "API_PORT",
  "HTTP_PORT",
  "PROVISIONER_PORT",
  "SKIP_PULL",
  "ONLY",
] as const satisfies readonly VariableName[];

/** The variables of one run, those not given being undefined. */
export type Variables = Partial<Record<VariableName, string>>;

/** Names in make's list of command-line variables, where a space inside a value is written `\ `. */
export function givenNames(overrides: string): string[] {
  return [...overrides.matchAll(/(?:^|(?<!\\) )([A-Za-z_][A-Za-z0-9_]*):{0,2}=/g)].flatMap(
    ([, name]) => name ?? [],
  );
}

/**
 * Reads the variables that `command` knows: make puts those of its command line into the environment, and their names
 * into SANDLOT_VARIABLES. Others there are somebody else's (npm sets NODE), but for the few that are meant to be found.
 * @throws UserError for one that the command does not know, and for a value that is not allowed.
 */
export function readVariables(
  command: string,
  known: readonly VariableName[],
  env: NodeJS.ProcessEnv = process.env,
): Variables {
  const names: readonly string[] = [...known, "HELP"];
  const onCommandLine = givenNames(env["SANDLOT_VARIABLES"] ?? "");
  for (const name of onCommandLine) {
    if (names.includes(name)) continue;
    const near = closest(name, names);
    const hint = distance(name, near) <= 3 ? ` Did you mean ${near}?` : "";
    throw new UserError(`make ${command} has no variable ${name}.${hint}`, `It has: ${names.join(", ")}.`);
  }
  const given: Variables = {};
  for (const name of names as readonly VariableName[]) {
    const value = env[name];
    const { pattern, allowed, help, fromEnvironment }: Variable = variables[name];
    if (value === undefined || value === "" || !(onCommandLine.includes(name) || fromEnvironment === true))
      continue;
    if (!pattern.test(value)) {
      throw new UserError(`${name} is ${JSON.stringify(value)}; allowed: ${allowed}.`, `${name} is ${help}.`);
    }
    given[name] = value;
  }
  return given;
}

/** Whether a flag variable is set. */
export function isSet(value: string | undefined): boolean {
  return value === "1";
}
