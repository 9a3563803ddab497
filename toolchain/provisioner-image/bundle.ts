// The provisioner's services as one file each, and what they load only where it is needed beside them: they start at once, keep no
// more text in memory than they run, and the image needs no node_modules.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { build } from "esbuild";

import { projectRoot } from "../paths.js";

/** The services by the name of their file in the image, each with its entry. */
const services = { main: "main.ts", egress: "egress-main.ts" };

/** Where the sources are. */
export const source = join(projectRoot, "provisioner/src");

/** The entries that there are. */
export function entryPoints(): Record<string, string> {
  const entries = Object.entries(services).map(([name, file]) => [name, join(source, file)] as const);
  return Object.fromEntries(entries.filter(([, file]) => existsSync(file)));
}

/** Packages that npm puts into several places, because an older version of them stands where one would do. */
const repeated = ["@opentelemetry/core", "@opentelemetry/resources"];

/** One copy of each of them: those of the provisioner's own dependencies, whose versions are pinned to go together. */
function onlyOnce(): Record<string, string> {
  const own = createRequire(join(source, "main.ts"));
  // Of this one the provisioner needs nothing itself.
  const conventions = createRequire(own.resolve("@opentelemetry/core")).resolve(
    "@opentelemetry/semantic-conventions",
  );
  return {
    ...Object.fromEntries(repeated.map((name) => [name, own.resolve(name)])),
    "@opentelemetry/semantic-conventions": conventions,
  };
}

/** Packages that are CommonJS ask for Node's own modules by `require`, which a module does not have. */
const requireInModules =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** Writes `<service>.mjs` for each service into `folder`, with the licences of what went into it beside it. */
export async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: entryPoints(),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    // What is imported by import() is a file of its own.
    splitting: true,
    alias: onlyOnce(),
    platform: "node",
    target: "node22",
    format: "esm",
    banner: { js: requireInModules },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "linked",
    logLevel: "silent",
  });
}
