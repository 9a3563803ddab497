// make test: sets up what the tests need, then lint, type check and every test, against a real cluster of its own.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { formatDuration, note, step } from "@sandlot/toolchain/progress.js";
import { run } from "@sandlot/toolchain/run.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { setUp } from "./support/setup.js";
import { composeStackFile, writeStackFile } from "./support/stack-file.js";
import { withTestLock } from "./support/test-lock.js";
import { removeTestRemains } from "./support/test-remains.js";
import type { Variables } from "./support/variables.js";

/** The parts of mocha's statistics that are summed up, and what failed. */
interface Counts {
  passes: number;
  pending: number;
  failed: { title: string; message: string }[];
}

/** The npm scripts that run mocha. */
type Part = "unit" | "integration:stack" | "integration:apart";

/** What counts for a run that was not brought to its end. */
const died = (message: string): Pick<Counts, "failed"> => ({ failed: [{ title: "mocha", message }] });

/**
 * Runs mocha. A run that dies before it can count is one failure.
 * @param shown whether its output is shown as it comes; if not, when it is over, so that it does not mix with that of another
 */
async function mocha(
  part: Part,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  shown = true,
): Promise<Counts> {
  const dir = mkdtempSync(join(tmpdir(), "sandlot-test-"));
  const file = join(dir, "counts.json");
  try {
    const { exitCode, all } = await execa(
      "npm",
      ["run", "--silent", part, "--", "--reporter", "test/support/counting-reporter.ts", ...args],
      {
        cwd: projectRoot,
        env: { ...env, SANDLOT_TEST_COUNTS: file },
        stdio: shown ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
        all: !shown,
        reject: false,
      },
    );
    if (all !== undefined) console.log(`\nnpm run ${part}:\n${all}`);
    const counts = JSON.parse(readFileSync(file, "utf8")) as Counts;
    if (exitCode === 0 || counts.failed.length > 0) return counts;
    return {
      ...counts,
      ...died(`npm run ${part} ended with ${exitCode ?? "a signal"} though no test failed.`),
    };
  } catch {
    return { passes: 0, pending: 0, ...died(`npm run ${part} ended before its tests were over.`) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * The tests on real clusters. They wait more than they compute, so those of the stack `test`, one after the other, run beside
 * those that have containers, ports and clusters of their own.
 */
function integration(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Counts[]> {
  note(
    "Tests on clusters of their own run beside those of the stack `test`; their output comes when they are over",
  );
  return Promise.all([mocha("integration:stack", args, env), mocha("integration:apart", args, env, false)]);
}

/** Lint, type check and format, beside the tests that need no cluster; false when one of them found something. */
async function statics(): Promise<boolean> {
  const check = async (title: string, script: string): Promise<boolean> => {
    try {
      await step(title, (progress) =>
        run("npm", ["run", "--silent", script], { cwd: projectRoot, log: script, progress }),
      );
      return true;
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      return false;
    }
  };
  const results = await Promise.all([
    check("Lint and type check (npm run lint)", "lint"),
    check("Format (npm run format)", "format"),
  ]);
  return results.every(Boolean);
}

/** @throws UserError if mocha, which is asked only when all is set up, would not understand it. */
function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch (error) {
    throw new UserError(
      `ONLY_TESTS is ${JSON.stringify(pattern)}; allowed: a regular expression (${(error as Error).message}).`,
      "Write \\ before characters that are meant as they are, such as \\(.",
    );
  }
}

/** Says once more at the end what failed: whoever reads a long log, reads its last lines. */
function printFailed(failed: Counts["failed"]): void {
  if (failed.length === 0) return;
  console.log("\nFailed (above with the whole of each error):");
  for (const { title, message } of failed)
    console.log(`  ${title}\n    ${message.split("\n").slice(0, 5).join("\n    ")}`);
}

/** Sets up, runs all tests and counts them; the exit code. */
async function test(given: Variables): Promise<number> {
  const started = performance.now();
  const composed = composeStackFile({ STACK: "test" });
  const { stack } = composed;
  writeStackFile(composed);
  // Pulumi's temporary files are its user's alone; those of tests are for other users as well.
  const env = { ...(await setUp(stack)).env, TMPDIR: tmpdir() };
  await removeTestRemains(env);
  const grep = given.ONLY_TESTS === undefined ? [] : ["--grep", given.ONLY_TESTS];
  const [clean, unit] = await Promise.all([
    given.ONLY_TESTS !== undefined || statics(),
    mocha("unit", grep, env),
  ]);
  const runs = [unit, ...(await integration(grep, env))];
  const sum = (key: Exclude<keyof Counts, "failed">): number =>
    runs.reduce((total, counts) => total + counts[key], 0);
  const failed = runs.flatMap((counts) => counts.failed);
  printFailed(failed);
  console.log(
    `\nTests took ${formatDuration(performance.now() - started)}${clean ? "" : "; lint, type check or format failed"}`,
  );
  const skipped = sum("pending") > 0 ? `, ${sum("pending")} skipped` : "";
  console.log(`${sum("passes")} passed, ${failed.length} failed${skipped}`);
  return failed.length > 0 || !clean ? 1 : 0;
}

await runCommand(
  {
    name: "test",
    summary: "set up what is needed and run all tests (npm test runs those that need no cluster)",
    variables: ["ONLY_TESTS"],
    examples: ["make test", "make test ONLY_TESTS='NetworkPolicy'"],
  },
  (given) => {
    checkPattern(given.ONLY_TESTS ?? "");
    return withTestLock(() => test(given));
  },
);
