// schema.json is what the components are today, with nothing left out; and what could not be in a schema is noticed.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import * as components from "@sandlot/components";

import { packageSchema } from "../../../component-package/generate";
import type { EnumSpec, ObjectSpec, PackageSpec } from "../../../component-package/generate/spec";

const root = resolve(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const committed = JSON.parse(read("component-package/schema.json")) as PackageSpec;

/** Every source of the components, read as text: what the schema is held against is not found the way the schema is made. */
const sources = readdirSync(join(root, "components"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => read(join("components", name)));

/** The classes by name, each with the type that it registers itself as. */
const classes = new Map(
  sources.flatMap((text) =>
    [...text.matchAll(/^export class (\w+) extends pulumi\.ComponentResource \{/gm)].map(
      ({ 1: name = "" }) => [name, /super\("([\w:]+)"/.exec(text)?.[1] ?? ""],
    ),
  ),
);

/** The fields of an interface and of those that it extends. */
function fieldsOf(name: string): string[] {
  const pattern = new RegExp(`^export interface ${name}(?: extends ([\\w, ]+))? \\{$([\\s\\S]*?)^\\}$`, "m");
  const [, parents = "", body = ""] = sources.map((text) => pattern.exec(text)).find((found) => found) ?? [];
  const own = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(({ 1: field = "" }) => field);
  return [...parents.split(", ").filter(Boolean).flatMap(fieldsOf), ...own];
}

describe("the component package's schema", () => {
  it("is current (npm run schema)", function () {
    // A second where there is nothing else to do: all sources are read.
    this.timeout(60_000);
    assert.equal(JSON.stringify(committed), JSON.stringify(packageSchema()));
  });

  it("has every component, as the type that it registers itself as", () => {
    assert.ok(classes.size >= 14);
    assert.deepEqual(Object.keys(committed.resources), [...classes.values()].sort());
    for (const [name, type] of classes) {
      assert.equal(type, `sandlot:index:${name}`);
      assert.ok(name in components, `${name} is exported`);
    }
  });

  it("has every argument of every component, and requires those that have no default", () => {
    for (const [name, type] of classes) {
      const fields = fieldsOf(`${name}Args`);
      assert.ok(fields.length > 0, name);
      assert.deepEqual(Object.keys(committed.resources[type]?.inputProperties ?? {}).sort(), fields.sort());
    }
    const { requiredInputs } = committed.resources["sandlot:index:SandboxDeployment"] ?? {};
    assert.deepEqual(requiredInputs, ["namespace", "image", "serviceAccountName"]);
  });

  it("has every field of every type, and every value of every enum", () => {
    for (const [token, type] of Object.entries(committed.types)) {
      const name = token.split(":")[2] ?? "";
      if ("enum" in type) {
        const values = (components as unknown as Record<string, Record<string, string>>)[name];
        assert.deepEqual(Object.fromEntries(type.enum.map((each) => [each.name, each.value])), values, name);
      } else {
        const fields = fieldsOf(name.replace(/^Required/, ""));
        assert.deepEqual(Object.keys(type.properties).sort(), fields.sort(), name);
      }
    }
  });

  it("explains every component, argument, output and type", () => {
    for (const [name, { description, ...each }] of Object.entries({
      ...committed.resources,
      ...committed.types,
    })) {
      assert.ok(description, name);
      const inputs = "inputProperties" in each ? each.inputProperties : {};
      const outputs = "properties" in each ? each.properties : {};
      for (const [field, property] of [...Object.entries(inputs), ...Object.entries(outputs)])
        assert.ok(property.description, `${name}.${field}`);
    }
  });

  it("tells defaults and fills in none, because some arguments exclude each other", () => {
    const { replicas } = committed.resources["sandlot:index:SandboxDeployment"]?.inputProperties ?? {};
    assert.match(replicas?.description ?? "", /not with `autoscaling`\. Default: `2`\.$/);
    assert.doesNotMatch(JSON.stringify(committed), /"default":/);
  });

  it("takes outputs where the components do, and secrets as such", () => {
    const { inputProperties = {}, properties = {} } = committed.resources["sandlot:index:Provisioner"] ?? {};
    assert.equal(inputProperties["namespace"]?.plain, undefined);
    assert.equal(inputProperties["replicas"]?.plain, true);
    assert.equal(inputProperties["signingKey"]?.secret, true);
    assert.equal(properties["apiKey"]?.secret, true);
    assert.equal(committed.resources["sandlot:index:K3sCluster"]?.properties["kubeconfig"]?.secret, true);
  });
});

describe("a component that is added", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-schema-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** The schema of a component `Added` with these fields. */
  function schemaWith(fields: string, more = ""): PackageSpec {
    const text = `
import * as pulumi from "@pulumi/pulumi";
import { Kind, type Part } from "./part";
/** Arguments. */
export interface AddedArgs {
  ${fields}
}
${more}
/** Another one. */
export class Added extends pulumi.ComponentResource {
  /** An output. */
  public readonly out: pulumi.Output<string | undefined>;
  /** No output. */
  public readonly child: pulumi.Resource;
  constructor(name: string, args: AddedArgs) { super("sandlot:index:Added", name, args); }
}
`;
    writeFileSync(join(folder, "added.ts"), text);
    writeFileSync(
      join(folder, "part.ts"),
      'export enum Kind {\n/** First. */\nOne = "one",\nTwo = "two" }\n' +
        "/** A part. */\nexport interface Part { size: number; names?: string[] }\n",
    );
    writeFileSync(join(folder, "index.ts"), 'export { Added } from "./added";\n');
    return packageSchema(join(folder, "index.ts"));
  }

  it("is in the schema: so the committed one is no longer current", () => {
    const { resources, types } = schemaWith(
      `/** How many. @default 2 */ count?: number;
  /** Which. @default Kind.One */ kind?: Kind;
  /** Where, {@link Part}. */ place: pulumi.Input<string>;
  parts?: Part[];
  whole?: Required<Part>;
  labels?: { [name: string]: pulumi.Input<string> };
  on?: boolean;`,
    );
    assert.deepEqual(resources["sandlot:index:Added"], {
      isComponent: true,
      description: "Another one.",
      properties: { out: { type: "string", description: "An output." } },
      required: [],
      inputProperties: {
        count: { type: "number", plain: true, description: "How many. Default: `2`." },
        kind: {
          $ref: "#/types/sandlot:index:Kind",
          plain: true,
          description: 'Which. Default: `"one"`.',
        },
        place: { type: "string", description: "Where, `Part`." },
        parts: {
          type: "array",
          items: { $ref: "#/types/sandlot:index:Part", plain: true },
          plain: true,
        },
        whole: { $ref: "#/types/sandlot:index:RequiredPart", plain: true },
        labels: { type: "object", additionalProperties: { type: "string" }, plain: true },
        on: { type: "boolean", plain: true },
      },
      requiredInputs: ["place"],
    });
    assert.deepEqual((types["sandlot:index:Kind"] as EnumSpec).enum, [
      { name: "One", description: "First.", value: "one" },
      { name: "Two", value: "two" },
    ]);
    assert.deepEqual((types["sandlot:index:Part"] as ObjectSpec).required, ["size"]);
    assert.deepEqual((types["sandlot:index:RequiredPart"] as ObjectSpec).required, ["size", "names"]);
  });

  const impossible: [string, RegExp][] = [
    ['size: "small" | "large";', /^Error: AddedArgs\.size: the type "small" \| "large" has no place/],
    ["size: string | number;", /AddedArgs\.size: the type string \| number/],
    ["transform: (args: Part) => void;", /AddedArgs\.transform: the type \(args: Part\) => void/],
    ["transform(args: Part): void;", /AddedArgs\.transform\(args: Part\): void;: has no place/],
    ["parts: Pick<Part, 'size'>[];", /AddedArgs\.parts: the type Pick/],
    ["anything: unknown;", /AddedArgs\.anything: the type unknown/],
  ];
  for (const [field, message] of impossible) {
    it(`is refused with ${field}`, () => {
      assert.throws(() => schemaWith(field), message);
    });
  }

  it("is refused with a type that is named like another one", () => {
    writeFileSync(join(folder, "other.ts"), "export interface Part { weight: number }\n");
    const fields = 'one: Part; other: import("./other").Part;';
    assert.throws(() => schemaWith(fields), /AddedArgs\.other: the type import/);
    const renamed = schemaWith.bind(
      undefined,
      "one: Part; other: Other.Part;",
      'import * as Other from "./other";',
    );
    assert.throws(renamed, /Part is declared in .*part\.ts and .*other\.ts; rename one of them/);
  });
});
