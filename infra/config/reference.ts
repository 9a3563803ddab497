// The reference of stack configuration, docs/configuration.md, made from the schema and from the components' defaults.
import { withDefaults as clusterDefaults } from "@sandlot/components/k3s-cluster/args";
import { withDefaults as sandboxDefaults } from "@sandlot/components/sandbox-deployment/resolve";
import { withDefaults as namespaceDefaults } from "@sandlot/components/sandbox-namespace/args";
import { z } from "zod";

import { configSchema } from "./schema";

/** One setting: its path below `sandlot:`, such as `cluster.ports[].host`. */
export interface Setting {
  readonly path: string;
  readonly description: string;
  readonly allowed: string;
  /** In words, or undefined where nothing takes its place. */
  readonly defaultValue?: string;
}

interface Meta {
  readonly description?: string;
  readonly allowed?: string;
}

const unwrap = (schema: unknown): unknown => (schema instanceof z.ZodOptional ? schema.unwrap() : schema);

/** Every setting under `schema`, groups left out, in the schema's order. */
function collect(schema: unknown, path: string): Setting[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, unknown>).flatMap(([key, value]) =>
      collect(value, path === "" ? key : `${path}.${key}`),
    );
  }
  if (!(inner instanceof z.ZodType)) return [];
  const { description = "", allowed = "" } = (inner.meta() ?? {}) as Meta;
  const [words, stated] = splitDefault(description);
  const defaultValue = componentDefaults()[path] ?? stated;
  const setting: Setting = {
    path,
    description: words,
    allowed,
    ...(defaultValue === undefined ? {} : { defaultValue }),
  };
  const items = inner instanceof z.ZodArray ? unwrap(inner.element) : undefined;
  if (items instanceof z.ZodObject) return [setting, ...collect(items, `${path}[]`)];
  return [items instanceof z.ZodType ? { ...setting, allowed: listOf(items, allowed) } : setting];
}

function listOf(items: z.ZodType, allowed: string): string {
  const each = ((items.meta() ?? {}) as Meta).allowed;
  return each === undefined ? allowed : `a list, each ${each}`;
}

/** Takes the sentence "Default: …" off a description. */
function splitDefault(description: string): [words: string, stated: string | undefined] {
  const match = /^(.*?)(?:\.\s+|^)Default: (.+)$/s.exec(description);
  return match?.[1] === undefined ? [description, undefined] : [match[1], match[2]];
}

/** The defaults that are the components' own, by setting: what holds is shown, whatever a description says. */
function componentDefaults(): Readonly<Record<string, string>> {
  const { quota } = namespaceDefaults({});
  const { resources, writable, probes, terminationGracePeriodSeconds } = sandboxDefaults({
    namespace: "",
    image: "",
    serviceAccountName: "",
  });
  return {
    "cluster.disable": clusterDefaults({ stack: "", owner: "" }).disable.join(", "),
    "namespace.quota.pods": String(quota.pods),
    "namespace.quota.cpu": quota.limitsCpu,
    "namespace.quota.memory": quota.limitsMemory,
    "namespace.quota.ephemeralStorage": quota.limitsEphemeralStorage,
    "sandbox.storage.home": writable.home,
    "sandbox.storage.temporary": writable.tmp,
    "sandbox.storage.userData": writable.userData,
    "sandbox.terminationGracePeriodSeconds": String(terminationGracePeriodSeconds),
    ...under("sandbox.resources.requests", resources.requests),
    ...under("sandbox.resources.limits", resources.limits),
    ...under("sandbox.startupProbe", probes.startup ?? {}),
    ...under("sandbox.readinessProbe", probes.readiness),
    ...under("sandbox.livenessProbe", probes.liveness),
  };
}

function under(path: string, values: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${path}.${key}`, String(value)]));
}

/** The path of every setting. */
export function configurationSettings(): string[] {
  return collect(configSchema, "").map(({ path }) => path);
}

const preamble = `<!-- Written by npm run reference from infra/config/schema.ts. -->

# Configuration

A stack's configuration is one file, \`stacks/Pulumi.<stack>.yaml\`. Everything in it is optional. It is checked as a whole before
anything is changed: each mistake is named with its path, its value, what is allowed, and the nearest right spelling. Settings
that are not listed here are refused. Editors complete and check the file from [schema.json](../stacks/schema.json), which its first
line names.

\`\`\`yaml
# yaml-language-server: $schema=schema.json
config:
  sandlot:cluster:
    apiPort: 6443
  sandlot:sandbox:
    replicas: 2
    nodePort: 30080
    hostPort: 8080
\`\`\`

Some settings can be given for one run by a [make variable](commands.md#variables). \`[]\` in a path stands for an item of a list.`;

/** The whole of docs/configuration.md; Prettier has the last word on its layout. */
export function configurationReference(): string {
  const sections = Object.entries(configSchema.shape).map(([key, schema]) => {
    const group = unwrap(schema);
    const { description = "" } = (group instanceof z.ZodType ? (group.meta() ?? {}) : {}) as Meta;
    const title = group instanceof z.ZodObject ? `\n${description}.\n` : "";
    return [`## sandlot:${key}`, title, ...table(collect(schema, key))].join("\n");
  });
  return `${[preamble, ...sections].join("\n\n")}\n`;
}

function table(settings: readonly Setting[]): string[] {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [
    "| Setting | For | Default | Allowed |",
    "| --- | --- | --- | --- |",
    ...settings.map(({ path, description, defaultValue, allowed }) =>
      ["", `\`${path}\``, cell(description), cell(defaultValue ?? ""), cell(allowed), ""].join(" | ").trim(),
    ),
  ];
}
