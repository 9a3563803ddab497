// What documents call by name is there by that name: settings, commands and their variables, variables of the environment, labels,
// metrics, panels. And the configuration that they show is one that the program takes.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { parse } from "yaml";
import type { z } from "zod";

import { stackVariables } from "../../../commands/support/variables.js";
import { egressProxyDashboard } from "../../../components/observability/egress-proxy-panels.js";
import { provisionerDashboard } from "../../../components/observability/provisioner-panels.js";
import { sandboxDashboard } from "../../../components/observability/sandbox-panels.js";
import { configurationSettings } from "../../../infra/config/reference.js";
import { configSchema } from "../../../infra/config/schema.js";
import { codeBlocks, documents, inCode, read, root } from "./documents.js";

/** The folders of code that other names come from. */
const sources = [
  "bench",
  "commands",
  "components",
  "images",
  "infra",
  "provisioner",
  "sandboxd",
  "toolchain",
];
const code = sources.flatMap(sourcesIn).map(read).join("\n");

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /(\.(ts|go|sh)|Dockerfile)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.includes("node_modules"));
}

const settings = configurationSettings().map((path) => path.replaceAll("[]", ""));
const keys = new Set(settings.map((path) => path.split(".")[0]));
/** What looks like a setting and is another's: DeerFlow's configuration, names of hosts. */
const others = ["sandbox.base_url", "cluster.local"];

/** The setting that a piece of code names, as in `sandbox.replicas` and `runtime.isolation: gvisor`; undefined where it names none. */
function settingIn(text: string): string | undefined {
  const [, path = ""] = /^(?:sandlot:)?([a-zA-Z]+(?:\.\w+|\[\])+)(?::.*)?$/.exec(text) ?? [];
  return keys.has(path.split(".")[0]) && !others.includes(path) ? path.replaceAll("[]", "") : undefined;
}

const targets = /^commands := (.+)$/m.exec(read("Makefile"))?.[1]?.split(" ") ?? [];

/** The variables of a command, HELP included. */
function variablesOf(command: string): string[] {
  const list = /variables: \[([^\]]*)\]/.exec(read(`commands/${command}.ts`))?.[1] ?? "";
  const shared = list.includes("...stackVariables") ? stackVariables : [];
  return [...shared, ...[...list.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name), "HELP"];
}

const dashboards = [sandboxDashboard, provisionerDashboard, egressProxyDashboard];
const panels = dashboards.flatMap(({ rows }) => rows.flatMap((row) => row.panels.map(({ title }) => title)));

const texts = documents.map((document) => ({ document, text: read(document) }));

describe("names in documents", () => {
  it("settings are settings", () => {
    const named = texts.flatMap(({ document, text }) =>
      inCode(text).flatMap((piece) => {
        const path = settingIn(piece);
        return path === undefined ? [] : [{ path, where: `${document}: ${piece}` }];
      }),
    );
    assert.ok(named.length > 200);
    for (const { path, where } of named)
      assert.ok(
        settings.some((each) => each === path || each.startsWith(`${path}.`)),
        where,
      );
  });

  it("configuration is taken by the program", () => {
    const blocks = texts.flatMap(({ document, text }) =>
      codeBlocks(text, "yaml")
        .filter((body) => /^ *sandlot:/m.test(body))
        .map((body) => ({ document, body })),
    );
    assert.ok(blocks.length > 10);
    for (const { document, body } of blocks) {
      // What the reader is to fill in.
      const filled = body.replaceAll(/(sha256[:"\s]+)…/g, `$1${"0".repeat(64)}`);
      const values = parse(filled) as Record<string, unknown>;
      const config = (values["config"] ?? values) as Record<string, unknown>;
      for (const [key, value] of Object.entries(config)) {
        if (!key.startsWith("sandlot:")) continue;
        const schema = (configSchema.shape as Record<string, z.ZodType>)[key.slice("sandlot:".length)];
        assert.ok(schema !== undefined, `${document}: ${key}`);
        const { error } = schema.safeParse(value);
        assert.equal(error, undefined, `${document}: ${key}: ${error?.message ?? ""}`);
      }
    }
  });

  it("commands are make's, and their variables theirs", () => {
    const calls = texts.flatMap(({ document, text }) =>
      [...codeBlocks(text, "sh", ""), ...inCode(text)]
        .flatMap((each) => each.split("\n"))
        .flatMap((line) => [...line.matchAll(/(?:^|[\s(|])make (?:-s )?([a-z][\w-]*)([^|;)#]*)/g)])
        .map(([, target = "", rest = ""]) => ({ target, rest, where: `${document}: make ${target}${rest}` })),
    );
    assert.ok(calls.length > 100);
    for (const { target, rest, where } of calls) {
      assert.ok(targets.includes(target), where);
      for (const [, variable = ""] of rest.matchAll(/ ([A-Z_]+)=/g))
        assert.ok(variablesOf(target).includes(variable), where);
    }
  });

  it("variables of the environment, labels and metrics are in the code", () => {
    const pattern =
      /\b(?:(?:SANDLOT|SANDBOXD)_[A-Z0-9_]*[A-Z0-9]|sandlot\.dev\/[a-z-]+|(?:sandlot|sandboxd)_[a-z_]*[a-z])\b/g;
    for (const { document, text } of texts) {
      for (const [name] of text.matchAll(pattern)) assert.ok(code.includes(name), `${document}: ${name}`);
    }
  });

  it("panels are on a dashboard", () => {
    const named = texts.flatMap(({ document, text }) =>
      [...text.matchAll(/panels? ("[^"]+"(?:(?:,| and) "[^"]+")*)/g)].flatMap(([, list = ""]) =>
        [...list.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({ document, title })),
      ),
    );
    assert.ok(named.length > 10);
    for (const { document, title } of named)
      assert.ok(
        panels.some((panel) => panel.startsWith(title)),
        `${document}: ${title}`,
      );
  });

  for (const [document, folder] of [
    ["sandboxd/README.md", "internal"],
    ["provisioner/README.md", "src"],
  ] as const) {
    it(`${document} has a row for each folder of ${folder}`, () => {
      const rows = [...read(document).matchAll(/^\| `(\w+)\/(\w+)` /gm)];
      const told = rows.flatMap(([, parent, name = ""]) => (parent === folder ? [name] : []));
      const there = readdirSync(join(root, dirname(document), folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
      assert.deepEqual(told.sort(), there.sort());
    });
  }

  it("docs/design.md has a row for each component", () => {
    const { resources } = JSON.parse(read("component-package/schema.json")) as { resources: object };
    const table = /^\| Component .*?\n\n/ms.exec(read("docs/design.md"))?.[0] ?? "";
    const told = [...table.matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
    const there = Object.keys(resources).map((type) => type.split(":").at(-1));
    assert.deepEqual(told.sort(), there.sort());
  });
});
