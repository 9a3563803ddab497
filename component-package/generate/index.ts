// The package's schema, made from the components' classes, argument interfaces and comments.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { descriptionOf } from "./documentation";
import { secretFields } from "./secrets";
import { readSources } from "./sources";
import type { PackageSpec, ResourceSpec } from "./spec";
import { TypeReader } from "./types";

/** The package's name: the first part of every component's type. */
export const packageName = "sandlot";

const components = resolve(__dirname, "../../components/index.ts");

/** @throws Error that names what has no place in a schema. */
export function packageSchema(entry = components): PackageSpec {
  const sources = readSources(entry);
  const reader = new TypeReader(sources, packageName);
  const resources = sources.components.map(({ name, declaration, args }): [string, ResourceSpec] => {
    const description = descriptionOf(declaration, sources.enumValues);
    const inputs = reader.inputs(args);
    return [
      `${packageName}:index:${name}`,
      {
        isComponent: true,
        ...(description === undefined ? {} : { description }),
        ...reader.outputs(declaration),
        inputProperties: inputs.properties,
        requiredInputs: inputs.required,
      },
    ];
  });
  if (entry === components) {
    const gone = secretFields.filter((field) => !reader.secretsSeen.has(field));
    if (gone.length > 0) throw new Error(`secrets.ts names ${gone.join(", ")}, which are not there`);
  }
  const byName = <T>(entries: [string, T][]): Record<string, T> =>
    Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    name: packageName,
    version: version(),
    displayName: "Sandlot",
    description: "Run untrusted, AI-written code on Kubernetes: the components of Sandlot.",
    license: "Apache-2.0",
    language: {
      nodejs: { respectSchemaVersion: true },
      python: { respectSchemaVersion: true, pyproject: { enabled: true } },
      go: { respectSchemaVersion: true },
      csharp: { respectSchemaVersion: true },
    },
    types: byName(Object.entries(reader.types)),
    resources: byName(resources),
  };
}

function version(): string {
  const text = readFileSync(join(__dirname, "../package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
