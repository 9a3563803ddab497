// The frame of every command: its help, its variables, and how its errors reach a person.
import { UserError } from "@sandlot/toolchain/errors.js";

import { readVariables, variables, type VariableName, type Variables } from "./variables.js";

/** What a command is called, what it does, and the make variables it takes. */
export interface Description {
  readonly name: string;
  readonly summary: string;
  readonly variables: readonly VariableName[];
  readonly examples?: readonly string[];
}

/** The text that `make <name> HELP=1` prints. */
export function helpText({ name, summary, variables: names, examples }: Description): string {
  const width = Math.max(0, ...names.map((each) => each.length));
  return [
    `make ${name}: ${summary}`,
    ...(names.length > 0 ? ["", "Variables, given as NAME=value:"] : []),
    ...names.map((each) => `  ${each.padEnd(width)}  ${variables[each].help}`),
    ...(examples === undefined ? [] : ["", "Examples:", ...examples.map((each) => `  ${each}`)]),
  ].join("\n");
}

/** Runs a command to its end and sets the exit code: 0, the one it returns, or 1 for an error. */
export async function runCommand(
  description: Description,
  work: (given: Variables) => Promise<number | undefined>,
): Promise<void> {
  try {
    const given = readVariables(description.name, description.variables);
    if (given.HELP === "1" || process.argv.includes("--help")) {
      console.log(helpText(description));
      return;
    }
    process.exitCode = (await work(given)) ?? 0;
  } catch (error) {
    if (error instanceof UserError) {
      console.error(`\nmake ${description.name}: ${error.message}\n${error.remedy}`);
    } else {
      console.error(error);
    }
    // What else was under way, such as a compiler, is ended too: nobody waits for it any more.
    process.exit(1);
  }
}
