// SDKs of the component package: what `pulumi package gen-sdk` makes of the schema that the plugin hands out.
import { delimiter, join, resolve } from "node:path";

import { projectRoot } from "../paths.js";
import { ensureSdkGenerator, pulumiEnv, type PulumiEngine } from "../pulumi-engine/index.js";
import { run } from "../run.js";

/** The languages that there is a generator for with every engine. */
export const sdkLanguages = ["python"] as const;

/** One of {@link sdkLanguages}. */
export type SdkLanguage = (typeof sdkLanguages)[number];

const plugin = join(projectRoot, "component-package", "pulumi-resource-sandlot");

/**
 * Generates an SDK into the folder `out/<language>`, in place of what is there, and gives its path.
 * @throws UserError when the generator cannot be had, or the engine fails
 */
export async function generateSdk(engine: PulumiEngine, language: SdkLanguage, out: string): Promise<string> {
  const generator = await ensureSdkGenerator(engine);
  const env = pulumiEnv(engine);
  const folder = resolve(out);
  await run("pulumi", ["package", "gen-sdk", plugin, "--language", language, "--out", folder], {
    env: { ...env, PATH: [generator, env["PATH"]].join(delimiter) },
    log: "sdk",
  });
  return join(folder, language);
}
