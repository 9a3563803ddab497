// The example in Python against the schema that its SDK is generated from: for where there is no Python to run it with, as the
// integration tests do.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { PackageSpec } from "../../../component-package/generate/spec";

const read = (path: string): string => readFileSync(resolve(__dirname, "../../..", path), "utf8");
const schema = JSON.parse(read("component-package/schema.json")) as PackageSpec;
const program = read("examples/python/__main__.py");

/** As SDKs for Python write a name. */
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe("the example in Python", () => {
  const calls = [...program.matchAll(/^(\w+) = sandlot\.(\w+)\(\n([\s\S]*?)^\)$/gm)];

  it("gives the components of the other examples what they take, and all that they need", () => {
    const yaml = read("examples/yaml/Pulumi.yaml").matchAll(/^ {2}(\w+):\n {4}type: sandlot:(\w+)$/gm);
    const made = (found: Iterable<RegExpExecArray>) => [...found].map((each) => each.slice(1, 3));
    assert.deepEqual(made(calls), made(yaml));
    for (const [, , component = "", body = ""] of calls) {
      const { inputProperties = {}, requiredInputs = [] } =
        schema.resources[`sandlot:index:${component}`] ?? {};
      const given = [...body.matchAll(/^ {4}(\w+)=/gm)].map(([, name = ""]) => name);
      const known = [...Object.keys(inputProperties).map(snakeCase), "opts"];
      assert.ok(given.length > 0, component);
      for (const name of given) assert.ok(known.includes(name), `${component} has ${name}`);
      for (const name of requiredInputs.map(snakeCase))
        assert.ok(given.includes(name), `${component}: ${name}`);
    }
  });

  it("reads outputs that there are, and enum values that there are", () => {
    const components = new Map(calls.map(([, name = "", component = ""]) => [name, component]));
    const outputs = [...program.matchAll(/\b(\w+)\.(\w+)\b(?!\()/g)].filter(([, name = ""]) =>
      components.has(name),
    );
    assert.ok(outputs.length >= 5);
    for (const [, name = "", output = ""] of outputs) {
      const { properties = {} } = schema.resources[`sandlot:index:${components.get(name) ?? ""}`] ?? {};
      assert.ok(Object.keys(properties).map(snakeCase).includes(output), `${name}.${output}`);
    }
    const values = [...program.matchAll(/sandlot\.(\w+)\.([A-Z_]+)\b/g)];
    assert.equal(values.length, 1);
    for (const [, name = "", member = ""] of values) {
      const type = schema.types[`sandlot:index:${name}`];
      assert.ok(type !== undefined && "enum" in type, name);
      assert.ok(
        type.enum.some((each) => each.name.toUpperCase() === member),
        `${name}.${member}`,
      );
    }
  });
});
