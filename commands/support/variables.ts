// The make variables: what each is for, what it allows, and where in stack configuration it goes, if it does.
import { distance } from "fastest-levenshtein";

import { UserError } from "@sandlot/toolchain/errors.js";

/** A make variable. `config` is the path in stack configuration that it sets for one run. */
export interface Variable {
  readonly help: string;
  readonly allowed: string;
  readonly pattern: RegExp;
  /** Of numbers, the least and the most. */
  readonly range?: readonly [number, number];
  readonly config?: readonly [string, ...string[]];
  /** Whether it may also stand in the environment, as DeerFlow's setup.sh reads it; others only on make's command line. */
  readonly fromEnvironment?: boolean;
  /** How its text becomes a value of configuration; default: as it is. */
  readonly decode?: (text: string) => unknown;
}

const flag = (help: string): Variable => ({ help, allowed: "1 or 0", pattern: /^[01]$/ });
const integer = (
  help: string,
  least: number,
  most: number,
  path: readonly [string, ...string[]],
): Variable => ({
  help,
  allowed: `an integer from ${least} to ${most}`,
  pattern: /^[0-9]{1,5}$/,
  range: [least, most],
  config: path,
  decode: Number,
});
const port = (help: string, path: readonly [string, ...string[]]): Variable => integer(help, 1, 65535, path);
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
  REPLICAS: integer("how many shared sandboxes run", 0, 500, ["sandbox", "replicas"]),
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
    allowed: "cluster, provisioner, agent-sandbox, stacks or scores",
    pattern: /^(cluster|provisioner|agent-sandbox|stacks|scores)$/,
  },
  SETTING: {
    help: "the setting to put a secret into, as its path in configuration",
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

/** Whether `value` is one that the variable takes. */
function isAllowed(
  value: string,
  { pattern, range: [least, most] = [-Infinity, Infinity] }: Variable,
): boolean {
  return pattern.test(value) && !(Number(value) < least || Number(value) > most);
}

/** What a variable is for; help that begins with a value, as in `1: delete the data`, is put behind that value. */
function explain(name: string, help: string): string {
  return /^\w+: /.test(help) ? `${name}=${help}.` : `${name}: ${help}.`;
}

/** The nearest of `names`, where it is near enough to be what was meant, however it is written; else nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const folded = (text: string): string => text.toLowerCase().replaceAll("_", "-");
  const near = names.toSorted(
    (a, b) => distance(folded(name), folded(a)) - distance(folded(name), folded(b)),
  )[0];
  return near !== undefined && distance(folded(name), folded(near)) <= Math.min(3, Math.ceil(name.length / 3))
    ? ` Did you mean ${near}?`
    : "";
}

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
    throw new UserError(
      `There is no variable ${name}.${didYouMean(name, names)}`,
      `make ${command} has: ${names.join(", ")}.`,
    );
  }
  const given: Variables = {};
  for (const name of names as readonly VariableName[]) {
    const value = env[name];
    const { allowed, help, fromEnvironment }: Variable = variables[name];
    if (value === undefined || value === "" || !(onCommandLine.includes(name) || fromEnvironment === true))
      continue;
    if (!isAllowed(value, variables[name])) {
      throw new UserError(`${name} is ${JSON.stringify(value)}; allowed: ${allowed}.`, explain(name, help));
    }
    given[name] = value;
  }
  return given;
}

/** Whether a flag variable is set. */
export function isSet(value: string | undefined): boolean {
  return value === "1";
}
