// A Pulumi program of its own in a temporary folder, for running the policy pack by the real engine: it registers what a test
// gives it, as YAML files and with no cluster.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { installPluginStandIn } from "../../../toolchain/plugins/install.js";
import { ensurePlugins, ensurePulumi } from "../../../toolchain/pulumi-engine/index.js";
import { pulumiVersions } from "../../../toolchain/versions.js";
import { unknownText, type Resource } from "../../support/policy.js";
import { run } from "./plugin-project.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What the engine says of a policy. */
export interface EngineViolation {
  readonly policyName: string;
  /** The resource's logical name. */
  readonly resource: string;
  readonly enforcementLevel: string;
  readonly message: string;
}

/** How a command of the engine's ended. */
export interface EngineRun {
  readonly exitCode: number;
  readonly output: string;
  readonly violations: readonly EngineViolation[];
  /** The logical names of the resources that it got to. */
  readonly seen: ReadonlySet<string>;
  /** Whether the pack was shown all of them together. */
  readonly hasJudgedStack: boolean;
}

/** The project. */
export interface PolicyProject {
  /** The folder that objects are rendered into. */
  readonly rendered: string;
  /** Previews or updates a stack of these resources, held against the pack as `config` (a file) has it. */
  run(action: "preview" | "up", resources: readonly Resource[], config?: string): Promise<EngineRun>;
  /** A file with this configuration of the pack. */
  configFile(config: object): string;
  remove(): void;
}

/**
 * Registers resources.json. Types are given as the engine knows them, so that none of the SDK's classes are needed. An id is
 * what no preview knows; it takes the place of `unknownText`.
 */
const program = `
const pulumi = require("@pulumi/pulumi");
const version = ${JSON.stringify(pulumiVersions.kubernetes)};
const cluster = new pulumi.ProviderResource("kubernetes", "cluster", { renderYamlToDirectory: "rendered", kubeconfig: "" }, { version });
const first = new pulumi.CustomResource("kubernetes:core/v1:ConfigMap", "first",
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "first", namespace: "default" } }, { provider: cluster });
const replaced = (value) => {
  if (value === ${JSON.stringify(unknownText)}) return first.id;
  if (Array.isArray(value)) return value.map(replaced);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each)]));
};
for (const { type, name, props, protect } of require("./resources.json")) {
  const [, group, kind] = /^kubernetes:(.+):(\\w+)$/.exec(type) ?? [];
  if (group === undefined) new pulumi.ProviderResource("kubernetes", name, replaced(props), { version });
  else {
    const header = { apiVersion: group.replace(/^core\\//, ""), kind };
    new pulumi.CustomResource(type, name, { ...header, ...replaced(props) }, { provider: cluster, protect });
  }
}
`;

/** Makes an empty project with a stack `test`. */
export async function makePolicyProject(): Promise<PolicyProject> {
  const engine = await ensurePulumi();
  await ensurePlugins(engine.home, installPluginStandIn);
  const dir = mkdtempSync(join(tmpdir(), "sandlot-policies-"));
  mkdirSync(join(dir, "state"));
  writeFileSync(
    join(dir, "Pulumi.yaml"),
    "name: policies\nruntime: { name: nodejs, options: { typescript: false } }\n",
  );
  writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "policies", main: "index.js" }));
  writeFileSync(join(dir, "index.js"), program);
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  const env = {
    PATH: [engine.bin, process.env["PATH"] ?? ""].join(delimiter),
    PULUMI_HOME: engine.home,
    PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    // The engine offers its event log, which alone has the policies' results, with this variable only.
    PULUMI_DEBUG_COMMANDS: "true",
    KUBECONFIG: join(dir, "none"),
  };
  const pulumi = (...args: string[]) => run("pulumi", [...args, "--non-interactive"], dir, env);
  const made = await pulumi("stack", "init", "test");
  if (made.exitCode !== 0) throw new Error(made.output);
  let files = 0;
  return {
    rendered: join(dir, "rendered"),
    configFile: (config) => {
      files += 1;
      const file = join(dir, `config-${files}.json`);
      writeFileSync(file, JSON.stringify(config));
      return file;
    },
    run: async (action, resources, config) => {
      writeFileSync(join(dir, "resources.json"), JSON.stringify(resources));
      const log = join(dir, "events.json");
      rmSync(log, { force: true });
      const how = action === "up" ? ["--yes", "--skip-preview"] : [];
      const pack = ["--policy-pack", join(root, "policies")];
      const configured = config === undefined ? [] : ["--policy-pack-config", config];
      const { exitCode, output } = await pulumi(action, ...how, ...pack, ...configured, "--event-log", log);
      const events = eventsIn(readFileSync(log, "utf8"));
      return {
        exitCode,
        output,
        violations: violationsIn(events),
        seen: seenIn(events),
        hasJudgedStack: events.some((event) => event.policyAnalyzeStackSummaryEvent),
      };
    },
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Event {
  readonly policyAnalyzeStackSummaryEvent?: object;
  readonly resourcePreEvent?: { readonly metadata: { readonly urn: string } };
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly policyName: string;
    readonly enforcementLevel: string;
    readonly message: string;
  };
}

function eventsIn(log: string): Event[] {
  const lines = log.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Event);
}

function violationsIn(events: readonly Event[]): EngineViolation[] {
  return events.flatMap(({ policyEvent }) => {
    if (policyEvent === undefined) return [];
    const { resourceUrn = "", ...rest } = policyEvent;
    return [{ ...rest, resource: nameIn(resourceUrn) }];
  });
}

function seenIn(events: readonly Event[]): Set<string> {
  return new Set(
    events.flatMap(({ resourcePreEvent: event }) => (event ? [nameIn(event.metadata.urn)] : [])),
  );
}

function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}
