// command:local:Command and command:local:run, as @pulumi/command 1.2 has them.
import { randomBytes } from "node:crypto";

import type { Context, Resource } from "../provider/resource.js";
import { boolean, list, map, oneOf, text, type Schema } from "../provider/schema.js";
import type { Properties } from "../provider/values.js";
import { loggingModes, runCommand, type Command, type Output } from "./run.js";

const baseSchema: Schema = {
  addPreviousOutputInEnv: { type: boolean },
  dir: { type: text },
  environment: { type: map },
  interpreter: { type: list(text) },
  logging: { type: oneOf(...loggingModes) },
  stdin: { type: text },
};

/** The arguments of the function `command:local:run`. */
export const runSchema: Schema = { ...baseSchema, command: { type: text, required: true } };

/** The resource `command:local:Command`. */
export const command: Resource = {
  title: "Command",
  schema: {
    ...baseSchema,
    create: { type: text },
    update: { type: text },
    delete: { type: text },
    triggers: { type: list({ kind: "any" }) },
  },
  computed: ["stdout", "stderr"],
  computedByUpdate: ["stdout", "stderr"],
  derived: ["stdout", "stderr"],
  // "If the `update` command was provided the resource will be updated, otherwise it will be replaced" (SDK docs).
  replacesOn: (argument, news) => argument === "triggers" && news["update"] === undefined,

  async create(inputs, context) {
    const id = context.name + randomBytes(4).toString("hex");
    return { id, outputs: { ...inputs, ...(await runStep(inputs["create"], inputs, {}, context)) } };
  },

  /** A command leaves nothing that could be looked at. */
  read(id, outputs) {
    return Promise.resolve({ id, outputs });
  },

  async update(_id, outputs, inputs, context) {
    const step = inputs["update"] ?? inputs["create"];
    return { ...inputs, ...(await runStep(step, inputs, outputs, context)) };
  },

  async delete(_id, outputs, context) {
    await runStep(outputs["delete"], outputs, outputs, context);
  },
};

/** Runs one of a resource's commands, if it has it; without, the output stays what it was. */
async function runStep(
  step: unknown,
  args: Properties,
  previous: Properties,
  context: Context,
): Promise<Properties> {
  const before: Output = { stdout: asText(previous["stdout"]), stderr: asText(previous["stderr"]) };
  if (typeof step !== "string") return { ...before };
  const environment = {
    ...(args["environment"] as Record<string, string> | undefined),
    ...previousOutput(args, before),
  };
  return { ...(await runWith({ ...args, environment }, step, context)) };
}

/** The function `command:local:run`: runs a command each time, preview or not. */
export async function run(args: Properties, context: Context): Promise<Properties> {
  return { ...args, ...(await runWith(args, asText(args["command"]), context)) };
}

async function runWith(args: Properties, step: string, context: Context): Promise<Output> {
  // The schema has made sure of the types.
  const settings = args as unknown as Omit<Command, "command">;
  return runCommand({ ...settings, command: step }, context.signal, (line) => {
    context.log("info", line);
  });
}

function previousOutput(args: Properties, before: Output): Record<string, string> {
  if (args["addPreviousOutputInEnv"] === false) return {};
  return {
    ...(before.stdout === "" ? {} : { PULUMI_COMMAND_STDOUT: before.stdout }),
    ...(before.stderr === "" ? {} : { PULUMI_COMMAND_STDERR: before.stderr }),
  };
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
