// The engine's preview of one stack as data: its JSON preview, and its event log, which alone has the policies' results.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { EngineResult } from "@sandlot/previews/report.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { execa } from "execa";

import { policyArguments } from "./policies.js";
import type { EngineEnvironment } from "./pulumi.js";
import type { Stack } from "./stack-file.js";

/** More than this, in characters, is no JSON that could be read. */
const longestPreview = 500_000_000;

/**
 * Previews a stack. That the preview fails is a result too.
 * @param project the folder of the project's Pulumi.yaml
 * @param policies what the engine is told of the policies
 */
export async function previewJson(
  stack: Stack,
  env: EngineEnvironment,
  project: string = projectRoot,
  policies: readonly string[] = policyArguments(stack),
): Promise<EngineResult> {
  // Both hold the stack's properties, secrets masked: nobody else's to read, and gone afterwards.
  const dir = mkdtempSync(join(tmpdir(), "sandlot-preview-"));
  const eventLog = join(dir, "events.json");
  const where = ["--stack", stack.name, "--config-file", stack.file];
  const how = ["--json", "--event-log", eventLog, "--non-interactive", "--color", "never"];
  try {
    const { exitCode, stdout, stderr } = await execa("pulumi", ["preview", ...policies, ...where, ...how], {
      cwd: project,
      // The event log is an option for tools, as the Automation API, which the engine offers with this variable only.
      env: { ...env, PULUMI_DEBUG_COMMANDS: "true", PULUMI_NODEJS_TRANSPILE_ONLY: "true" },
      stdin: "ignore",
      maxBuffer: longestPreview,
      reject: false,
    });
    return { stack: stack.name, exitCode: exitCode ?? 1, stdout, stderr, events: read(eventLog) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The file's text; an engine that failed early has not made it. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
