// docs/commands.md knows every command and every variable, and no others.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { stackVariables, variables, type Variable } from "../../../commands/support/variables.js";
import { configurationSettings } from "../../../infra/config/reference.js";
import { inCode, read, root, section } from "./documents.js";

const document = read("docs/commands.md");
const targets = /^commands := (.+)$/m.exec(read("Makefile"))?.[1]?.split(" ") ?? [];

/** The variables in a command's description, as it hands them to runCommand. */
function declared(command: string): string[] {
  const list = /variables: \[([^\]]*)\]/.exec(read(`commands/${command}.ts`))?.[1] ?? "";
  const shared = list.includes("...stackVariables") ? stackVariables : [];
  return [...shared, ...[...list.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name)];
}

describe("docs/commands.md", () => {
  it("has a section for each target of the Makefile, and for no other", () => {
    assert.ok(targets.includes("up"));
    const titles = [...document.matchAll(/^## make ([\w-]+)$/gm)].map(([, name]) => name);
    assert.deepEqual(titles.sort(), [...targets].sort());
  });

  it("has a row for each of them, and so has make help", () => {
    const rows = [...document.matchAll(/^\| \[`make ([\w-]+)`\]/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), [...targets].sort());
    const told = [...read("commands/help.ts").matchAll(/^  "?([\w-]+)"?: "/gm)].map(([, name]) => name);
    assert.deepEqual([...told, "help"].sort(), [...targets].sort());
  });

  it("describes every npm script", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const rows = [...(section(document, "npm scripts") ?? "").matchAll(/`npm (?:run )?([\w:]+)`/g)];
    const parts = ["integration:stack", "integration:apart"]; // of `make test`, which says where
    assert.deepEqual([...rows.map(([, name]) => name), ...parts].sort(), Object.keys(scripts).sort());
  });

  for (const target of targets.filter((name) => existsSync(join(root, `commands/${name}.ts`)))) {
    it(`lists the variables of make ${target}`, () => {
      const listed = /^Variables: ([^.]+)\.$/m.exec(section(document, `make ${target}`) ?? "")?.[1] ?? "";
      assert.deepEqual(inCode(listed).sort(), declared(target).sort());
    });
  }

  it("describes every variable, with the setting that it sets", () => {
    const rows = [...(section(document, "Variables") ?? "").matchAll(/^\| `(\w+)`\s*\|[^|]*\|(.*)\|$/gm)];
    assert.deepEqual(rows.map(([, name]) => name).sort(), Object.keys(variables).sort());
    for (const [, name = "", setting = ""] of rows) {
      const { config }: Variable = variables[name as keyof typeof variables];
      if (config !== undefined) assert.equal(setting.trim(), `\`${config.join(".")}\``, name);
    }
  });

  it("names only settings that there are in the table of counterparts", () => {
    const known = configurationSettings();
    const named = inCode(section(document, "Counterparts") ?? "").filter((name) =>
      /^(cluster|namespace|network|runtime|sandbox|skills)\.\w+$/.test(name),
    );
    assert.ok(named.length > 15);
    for (const name of named) {
      assert.ok(
        known.some((path) => path === name || path.startsWith(`${name}.`)),
        name,
      );
    }
  });
});
