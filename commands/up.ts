// make up: from nothing to code that was run in a sandbox.
import { UserError } from "@sandlot/toolchain/errors.js";
import { note, step } from "@sandlot/toolchain/progress.js";

import { checkBeforeUp } from "./support/checks.js";
import { runCommand } from "./support/command.js";
import { containerIsMissing, releaseLock, removeContainer, removeOrphans } from "./support/leftovers.js";
import { startIfStopped } from "./support/node.js";
import { saveOutputs, tryReadOutputs } from "./support/outputs.js";
import { closingWords, firstProgram, firstProvisioned } from "./support/present.js";
import { engine, initStack, stackOutputs, type EngineEnvironment } from "./support/pulumi.js";
import { emptyRendered, forgetRendered } from "./support/rendered.js";
import { takeFieldsBack, undoAdditions } from "./support/repair.js";
import { forUpdate } from "./support/scanner.js";
import { setUp } from "./support/setup.js";
import { composeStackFile, writeStackFile, type ComposedStack, type Stack } from "./support/stack-file.js";
import { targetKind } from "./support/target.js";
import { leaveTimings } from "./support/timings.js";
import { isSet, stackVariables, type Variables } from "./support/variables.js";

await runCommand(
  {
    name: "up",
    summary: "set up everything, start the cluster, deploy the platform, run code in a sandbox",
    variables: [...stackVariables, "FORCE", "REPAIR"],
    examples: [
      "make up",
      "make up SKILLS_PATH=~/skills HTTP_PORT=9090",
      "make up ONLY=cluster",
      "make up STACK=production CONFIG=release.yaml",
    ],
  },
  async (given) => {
    const composed = composeStackFile(given);
    const { stack } = composed;
    await checkBeforeUp(composed);
    writeStackFile(composed);
    const env = await forUpdate(composed.document, (await setUp(stack)).env);
    await initStack(stack, env);
    await releaseLock(stack, env);
    const lookFirst = await prepare(composed, given, env);
    const updateAfter = performance.now();
    await step(`Stack ${stack.name}: update`, () =>
      engine(
        stack,
        ["up", "--yes", "--skip-preview", "--suppress-outputs", ...(lookFirst ? ["--refresh"] : [])],
        isSet(given.REPAIR) ? { ...env, ...takeFieldsBack } : env,
      ),
    );
    const known = await stackOutputs(stack, env);
    const outputs = saveOutputs(stack, known);
    const { apiKey } = known;
    const { endpoint, provisionerEndpoint } = outputs;
    const provisioner =
      provisionerEndpoint === undefined || apiKey === undefined
        ? undefined
        : { endpoint: provisionerEndpoint, apiKey };
    if (endpoint === undefined && provisioner === undefined) {
      leaveTimings(updateAfter);
      note(
        outputs.rendered === undefined
          ? "No sandbox is published on this machine, so no code was run in one"
          : `The YAML files are in ${outputs.rendered}`,
      );
      return 0;
    }
    const [result, run] = await step("First program in a sandbox", async () => {
      if (provisioner === undefined) return [await firstProgram(endpoint ?? ""), undefined] as const;
      const provisioned = await firstProvisioned(provisioner);
      return [provisioned.result, provisioned] as const;
    });
    if (result.exitCode !== 0) {
      throw new UserError(
        `The first program failed (${result.status}):\n${result.stdout}${result.stderr}`,
        "See `make logs`.",
      );
    }
    leaveTimings(updateAfter);
    console.log(closingWords(outputs, result, run));
    return 0;
  },
);

/** Readies the place for an update; whether the engine must look at what is really there first. */
async function prepare(
  { stack, document }: ComposedStack,
  given: Variables,
  env: EngineEnvironment,
): Promise<boolean> {
  switch (targetKind(document)) {
    case "container":
      if (await prepareNode(stack, given, env)) return true;
      return prepareRepair(stack, given, env);
    case "existing":
      return prepareRepair(stack, given, env);
    case "render":
      emptyRendered(document);
      await forgetRendered(stack, env);
      return false;
  }
}

async function prepareNode(stack: Stack, given: Variables, env: EngineEnvironment): Promise<boolean> {
  await removeOrphans(stack, env);
  if (isSet(given.FORCE)) await removeContainer(stack, env);
  else await startIfStopped(stack, env);
  const missing = await containerIsMissing(stack, env);
  if (missing) note("The node's container is gone: the engine looks at what is really there first");
  return missing;
}

async function prepareRepair(stack: Stack, given: Variables, env: EngineEnvironment): Promise<boolean> {
  if (!isSet(given.REPAIR)) return false;
  if (tryReadOutputs(stack) !== undefined) await undoAdditions(stack, env);
  return true;
}
