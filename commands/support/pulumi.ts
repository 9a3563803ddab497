// Calls the Pulumi engine for one stack, always with the configuration of this run and this checkout's own state.
import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { execa } from "execa";

import type { RefreshEvent } from "./drift.js";
import type { SecretOutputs, StackOutputs } from "./outputs.js";
import type { Stack } from "./stack-file.js";
import { hasState } from "./state.js";

/** The environment that the engine runs in: where it is, its home, its state, its passphrase. */
export type EngineEnvironment = NodeJS.ProcessEnv;

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

/**
 * What the engine finds when it looks at everything that the stack deployed: its events, secrets masked. Nothing is changed.
 * @throws UserError with what the engine says of its failure.
 */
export async function previewRefresh(stack: Stack, env: EngineEnvironment): Promise<RefreshEvent[]> {
  const where = ["--stack", stack.name, "--config-file", stack.file, "--non-interactive", "--color", "never"];
  const { failed, stdout, stderr } = await execa(
    "pulumi",
    ["refresh", "--preview-only", "--json", ...where],
    {
      cwd: projectRoot,
      // Events, one in a line, hold what was found; the digest that a preview otherwise prints does not.
      env: { ...env, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
      stdin: "ignore",
      reject: false,
    },
  );
  const events = stdout
    .split("\n")
    .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Event] : []));
  if (!failed) return events;
  const said = events.flatMap(({ diagnosticEvent }) =>
    diagnosticEvent?.severity === "error" ? [diagnosticEvent.message.trim()] : [],
  );
  throw new UserError(
    `The engine cannot look at stack ${stack.name}:\n${said.join("\n") || stderr || stdout}`,
    "Set right what it names and run the command again. See docs/troubleshooting.md.",
  );
}

type Event = RefreshEvent & { diagnosticEvent?: { severity: string; message: string } };

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

/** The stack's outputs, those that are secret in clear. */
export async function stackOutputs(
  stack: Stack,
  env: EngineEnvironment,
): Promise<StackOutputs & SecretOutputs> {
  const args = ["stack", "output", "--stack", stack.name, "--json", "--show-secrets"];
  return JSON.parse(await stackCommand(stack, args, env)) as StackOutputs & SecretOutputs;
}
