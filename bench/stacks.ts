// What each lasting stack comes to: its objects, what the engine takes for it, and what a pull request would be told. Rendered, so that no
// cluster is in these figures: what a cluster adds is in those of the stack `bench`.
import { readFileSync } from "node:fs";

import { comment } from "@sandlot/previews/comment.js";
import { Redactor } from "@sandlot/previews/redactor.js";
import { reportOf, type EngineResult } from "@sandlot/previews/report.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { step } from "@sandlot/toolchain/progress.js";
import { parseAllDocuments } from "yaml";

import { previewJson } from "../commands/support/preview-json.js";
import { stacksToPreview } from "../commands/support/previewable.js";
import { projectName } from "../commands/support/stack-file.js";
import type { Cleanup } from "./cleanup.js";
import { emptyProject, runEngine, type Engine } from "./engine.js";
import type { Figure } from "./figures.js";
import { prepareRendering, render, type Rendering } from "./rendering.js";
import { referenceFile } from "./scorers/manifests.js";
import { percentile } from "./statistics.js";

const rounds = 3;

/** What was measured of a stack. Milliseconds, and characters. */
interface Taken {
  readonly objects: number;
  readonly commentLength: number;
  /** The engine's own text of the same preview. */
  readonly previewLength: number;
  readonly preview: readonly number[];
  readonly up: readonly number[];
}

/** What the empty program takes. Milliseconds. */
interface Empty {
  readonly preview: readonly number[];
  readonly up: readonly number[];
}

/** The figures of all lasting stacks. Needs neither a cluster nor Docker. */
export async function stackFigures(signal: AbortSignal, cleanup: Cleanup): Promise<Figure[]> {
  const root = cleanup.folder("sandlot-stacks-");
  const taken = new Map<string, Taken>();
  let env: NodeJS.ProcessEnv = {};
  for (const { name } of stacksToPreview()) {
    const rendering = await prepareRendering(root, name);
    env = rendering.env;
    taken.set(
      name,
      await step(`Stack ${name}: previews and updates, rendered`, () => take(rendering, signal)),
    );
  }
  const empty = await step("Previews and updates of an empty program", async () =>
    nothingNew(await emptyProject({ env, signal, cleanup }), []),
  );
  return stackRows(taken, empty, parseAllDocuments(readFileSync(referenceFile, "utf8")).length);
}

async function take(rendering: Rendering, signal: AbortSignal): Promise<Taken> {
  const { stack, env, policies } = rendering;
  const engine = {
    cwd: projectRoot,
    env,
    where: ["--stack", stack.name, "--config-file", stack.file],
    signal,
  };
  const { said } = await runEngine(engine, ["preview", "--diff", ...policies]);
  const told = commentOf(await previewJson(stack, env, projectRoot, policies));
  const objects = parseAllDocuments(await render(rendering)).length;
  return {
    ...{ objects, commentLength: told.length, previewLength: said.length },
    ...(await nothingNew(engine, policies)),
  };
}

/** Previews and updates that change nothing. */
async function nothingNew(engine: Engine, policies: readonly string[]): Promise<Empty> {
  const [preview, up]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    preview.push((await runEngine(engine, ["preview", "--diff", ...policies])).ms);
    up.push((await runEngine(engine, ["up", "--yes", "--skip-preview"])).ms);
  }
  return { preview, up };
}

function commentOf(result: EngineResult): string {
  const redactor = new Redactor();
  return comment([reportOf(result, redactor)], redactor, { project: projectName, omitted: [] });
}

/** The rows. Pure. */
export function stackRows(
  taken: ReadonlyMap<string, Taken>,
  empty: Empty,
  referenceObjects: number,
): Figure[] {
  const median = (values: readonly number[]): number => percentile(values, 0.5);
  return [...taken].flatMap(([name, { objects, commentLength, previewLength, preview, up }]): Figure[] => [
    {
      ...{ figure: `stack ${name}: objects managed`, unit: "count", ours: objects },
      ...{ reference: referenceObjects, against: "a plain deployment of the same server" },
    },
    {
      ...{ figure: `  preview that changes nothing, with policies, median of ${preview.length}`, unit: "ms" },
      ...{
        ours: median(preview),
        reference: median(empty.preview),
        against: "pulumi preview of an empty program",
      },
    },
    {
      ...{ figure: `  update that changes nothing, median of ${up.length}`, unit: "ms", ours: median(up) },
      ...{ reference: median(empty.up), against: "pulumi up of an empty program" },
    },
    {
      ...{ figure: "  preview comment of all of it, characters", unit: "count", ours: commentLength },
      ...{ reference: previewLength, against: "what the engine prints of the same preview" },
    },
  ]);
}
