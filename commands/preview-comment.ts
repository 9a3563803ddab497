// make preview-comment: what a pull request would change, in one comment that is edited in place.
import { statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { comment, marker, type Omission } from "@sandlot/previews/comment.js";
import { GitHub } from "@sandlot/previews/github.js";
import { Redactor } from "@sandlot/previews/redactor.js";
import { hasFailed, reportOf, type EngineResult } from "@sandlot/previews/report.js";
import { isSensitiveName } from "@sandlot/previews/secrets.js";
import { UserError } from "@sandlot/toolchain/errors.js";
import { note, step } from "@sandlot/toolchain/progress.js";

import { runCommand } from "./support/command.js";
import { previewJson } from "./support/preview-json.js";
import { stacksToPreview } from "./support/previewable.js";
import { initStack } from "./support/pulumi.js";
import { previewedCommit, pullRequestOf } from "./support/pull-request.js";
import { setUp } from "./support/setup.js";
import { composeStackFile, projectName, stackSource, writeStackFile } from "./support/stack-file.js";

await runCommand(
  {
    name: "preview-comment",
    summary:
      "tell in a comment on a pull request what `make up` would change in each stack; fails if one cannot be",
    variables: ["STACKS", "PR", "OUT"],
    examples: [
      "make -s preview-comment OUT=-   # look at it here",
      "GITHUB_TOKEN=… GITHUB_REPOSITORY=owner/name make preview-comment STACKS=dev,render PR=12",
    ],
  },
  async (given) => {
    // Before the previews, which take their time.
    const publish = given.OUT === undefined ? commenter(given.PR) : writer(given.OUT);
    const { names, omitted } = stacksFor(given.STACKS);
    const results: EngineResult[] = [];
    for (const name of names) results.push(await preview(name));

    const redactor = new Redactor();
    for (const [name, value] of Object.entries(process.env))
      if (value !== undefined && isSensitiveName(name)) redactor.add(value);
    // All are read before the first is written down: a secret of one may stand in another.
    const reports = results.map((result) => reportOf(result, redactor));
    const commit = previewedCommit();
    const subject = { project: projectName, omitted, ...(commit === undefined ? {} : { commit }) };
    const text = comment(reports, redactor, subject);

    await publish(text);
    const failed = reports.filter(hasFailed).map(({ stack }) => stack);
    if (failed.length > 0) note(`Cannot be updated as they are: ${failed.join(", ")}`);
    return failed.length > 0 ? 1 : 0;
  },
);

/** What is done with the finished comment. */
type Publish = (text: string) => Promise<void>;

/** Puts it on the pull request. @throws UserError at once, if that is not known or cannot be reached safely. */
function commenter(number: string | undefined): Publish {
  const { pullRequest, access } = pullRequestOf(number);
  const github = new GitHub(access);
  return async (text) => {
    const { done, url } = await github.placeComment(pullRequest, marker(projectName), text);
    note(`The comment was ${done}: ${url}`);
  };
}

/** Writes it into a file, or to standard output. @throws UserError at once, if there can be no such file. */
function writer(out: string): Publish {
  if (out !== "-") checkWritable(out);
  return (text) => {
    if (out === "-") process.stdout.write(text);
    else writeFileSync(out, text);
    return Promise.resolve();
  };
}

function checkWritable(out: string): void {
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const folder = dirname(resolve(out));
  if (isFolder(folder) && !isFolder(out)) return;
  throw new UserError(
    `OUT is ${out}, but ${isFolder(out) ? "that is a folder" : `there is no folder ${folder}`}.`,
    "Name a file in a folder that is there, or - for standard output.",
  );
}

/** The stacks that are asked for; else those that can be previewed here, and of the others why not. */
function stacksFor(given: string | undefined): { names: string[]; omitted: Omission[] } {
  if (given !== undefined) {
    const names = [...new Set(given.split(","))];
    // Before the first preview, which takes its time.
    for (const name of names) stackSource(name);
    return { names, omitted: [] };
  }
  const choices = stacksToPreview();
  const names = choices.flatMap(({ name, obstacle }) => (obstacle === undefined ? [name] : []));
  const omitted = choices.flatMap(({ name, obstacle }) =>
    obstacle === undefined ? [] : [{ stack: name, reason: obstacle }],
  );
  for (const { stack, reason } of omitted) note(`Stack ${stack} is left out: ${reason}`);
  if (names.length > 0) return { names, omitted };
  throw new UserError(
    "No stack of stacks/ can be previewed here.",
    "Name those to preview nevertheless: STACKS=…",
  );
}

/** Previews one stack. What stands in its way before the engine runs is told like a failure of the engine's. */
async function preview(name: string): Promise<EngineResult> {
  const composed = composeStackFile({ STACK: name });
  const { stack } = composed;
  try {
    writeStackFile(composed);
    const { env } = await setUp(stack);
    await initStack(stack, env);
    return await step(`Stack ${name}: preview`, () => previewJson(stack, env));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { stack: name, exitCode: 1, stdout: "", stderr: `${error.message}\n${error.remedy}`, events: "" };
  }
}
