// The components as a plugin of Pulumi: it hands out the schema, and makes a component for programs in any language.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type * as pulumi from "@pulumi/pulumi";
import * as components from "@sandlot/components";

import { checkedInputs } from "./inputs";
import type { PackageSpec } from "./generate/spec";

type Component = new (
  name: string,
  args: pulumi.Inputs,
  options: pulumi.ComponentResourceOptions,
) => pulumi.ComponentResource & Readonly<Record<string, unknown>>;

/** The provider, with the schema that is committed beside this file. */
export function componentProvider(): pulumi.provider.Provider {
  const schema = readFileSync(join(__dirname, "schema.json"), "utf8");
  const spec = JSON.parse(schema) as PackageSpec;
  return {
    version: spec.version,
    schema,
    construct: (name, type, inputs, options) =>
      Promise.resolve().then(() => construct(spec, name, type, inputs, options)),
  };
}

/** @throws ArgumentError, before anything is registered, if an input is bad. */
function construct(
  spec: PackageSpec,
  name: string,
  type: string,
  inputs: pulumi.Inputs,
  options: pulumi.ComponentResourceOptions,
): pulumi.provider.ConstructResult {
  const resource = spec.resources[type];
  if (resource === undefined)
    throw new Error(
      `the package ${spec.name} has no component ${type}; it has ${Object.keys(spec.resources).join(", ")}`,
    );
  const className = type.slice(type.lastIndexOf(":") + 1);
  const args = checkedInputs(spec, type, name, inputs);
  const Class = (components as unknown as Record<string, Component>)[className];
  if (Class === undefined)
    throw new Error(`schema.json has ${type}, but the components have no ${className}`);
  const made = new Class(name, args, options);
  const state = Object.keys(resource.properties).map((property) => [property, made[property]]);
  return { urn: made.urn, state: Object.fromEntries(state) as pulumi.Inputs };
}
