// Calls the Pulumi engine for one stack, always with the configuration of this run and this checkout's own state.
import { existsSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot, stateDir } from "@sandlot/toolchain/paths.js";
import { execa } from "execa";

import type { StackOutputs } from "./outputs.js";
import { projectName, type Stack } from "./stack-file.js";

/** The environment that the engine runs in: where it is, its home, its state, its passphrase. */
export type EngineEnvironment = NodeJS.ProcessEnv;

/** The file that holds the stack's state. */
export function statePath(stack: Stack): string {
  return join(stateDir, "state", ".pulumi", "stacks", projectName, `${stack.name}.json`);
}

/** Whether the stack has state, that is: `make up` was run and `make down` was not. */
export function hasState(stack: Stack): boolean {
  return existsSync(statePath(stack));
}

/** Makes the stack's state if there is none. */
export async function initStack(stack: Stack, env: EngineEnvironment): Promise<void> {
  if (!hasState(stack)) await stackCommand(stack, ["stack", "init", stack.name], env);
}

/**
 * Runs the program: `up`, `preview` or `destroy`, the output shown as it comes: the engine's own live display in a
 * terminal, else one line for each thing that happens.
 * @throws UserError when the engine fails; it has said why.
 */
export async function engine(stack: Stack, args: readonly string[], env: EngineEnvironment): Promise<void> {
  const [action = ""] = args;
  const interactive = process.stdout.isTTY;
  const where = ["--stack", stack.name, "--config-file", stack.file];
  const display = interactive ? [] : ["--non-interactive", "--suppress-progress", "--color", "never"];
  const child = execa("pulumi", [...args, ...where, ...display], {
    cwd: projectRoot,
    // `make test` checks types; a run need not.
    env: { ...env, PULUMI_NODEJS_TRANSPILE_ONLY: "true" },
    stdio: interactive ? "inherit" : ["ignore", "pipe", "inherit"],
    reject: false,
  });
  if (!interactive) {
    const seen = new Set<string>();
    for await (const line of child.iterable()) if (!isRepetition(line, seen)) console.log(line);
  }
  if (!(await child).failed) return;
  throw new UserError(
    `pulumi ${action} of stack ${stack.name} failed; its messages are above.`,
    "Set right what they name and run the command again: it goes on where it stopped. See docs/troubleshooting.md.",
  );
}

/** Providers report a resource's state several times in the same words; once is enough. */
function isRepetition(line: string, seen: Set<string>): boolean {
  if (!/^ (\+|~|-|\+-|\+\+|--|  ) {2}\S+:\S+/.test(line)) return false;
  const text = line.replace(/ \([\d.]+s\)/, "");
  if (seen.has(text)) return true;
  seen.add(text);
  return false;
}

/**
 * Runs a command on the stack that needs no program, in the stack's own project folder: such commands know no
 * `--config-file`, and would write into stacks/.
 * @returns what it printed
 * @throws UserError with the engine's own words.
 */
export async function stackCommand(
  stack: Stack,
  args: readonly string[],
  env: EngineEnvironment,
): Promise<string> {
  const { failed, stdout, stderr } = await execa("pulumi", ["-C", stack.dir, ...args, "--non-interactive"], {
    env,
    stdin: "ignore",
    reject: false,
  });
  if (failed)
    throw new UserError(`pulumi ${args.join(" ")} failed:\n${stderr || stdout}`, "See `make doctor`.");
  return stdout;
}

/** The stack's outputs, the kubeconfig in clear. */
export async function stackOutputs(
  stack: Stack,
  env: EngineEnvironment,
): Promise<StackOutputs & { kubeconfig: string }> {
  const args = ["stack", "output", "--stack", stack.name, "--json", "--show-secrets"];
  return JSON.parse(await stackCommand(stack, args, env)) as StackOutputs & { kubeconfig: string };
}
