// The example programs in a temporary tree that is laid out like this repository, run by the real engine with a state of its own:
// what a run writes beside a program shows up in no checkout.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";

import { installPluginStandIn } from "../../../toolchain/plugins/install.js";
import { ensurePlugins, ensurePulumi, ensureYamlHost } from "../../../toolchain/pulumi-engine/index.js";
import { projectRoot } from "./cluster.js";
import { run, type Result } from "./plugin-project.js";

/** One of the folders of `examples/`. */
export type Language = "typescript" | "yaml";

/** A text of a program, and what it is to be. */
export type Change = readonly [before: string, after: string];

/** What the engine would do with a resource. */
export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly newState?: { readonly provider?: string };
}

/** The tree. */
export class Examples {
  private constructor(
    private readonly root: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async make(): Promise<Examples> {
    const engine = await ensurePulumi();
    const [yamlHost] = await Promise.all([
      ensureYamlHost(engine),
      ensurePlugins(engine.home, installPluginStandIn),
    ]);
    const root = mkdtempSync(join(tmpdir(), "sandlot-examples-"));
    cpSync(join(projectRoot, "examples"), join(root, "examples"), { recursive: true });
    for (const name of ["component-package", "node_modules", "tsconfig.json"])
      symlinkSync(join(projectRoot, name), join(root, name));
    mkdirSync(join(root, "state"));
    return new Examples(root, {
      PATH: [engine.bin, yamlHost, process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_HOME: engine.home,
      PULUMI_BACKEND_URL: pathToFileURL(join(root, "state")).href,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    });
  }

  /** Makes a stack `test` of an example, with this configuration. */
  async stack(language: Language, config: Readonly<Record<string, string>>): Promise<Example> {
    const example = new Example(join(this.root, "examples", language), this.env);
    await example.must("stack", "init", "test");
    const pairs = Object.entries(config).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    await example.must("config", "set-all", ...pairs);
    return example;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** An example's stack; every command runs without questions. */
export class Example {
  constructor(
    private readonly dir: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Runs a Pulumi command to its end, whatever that is. */
  pulumi(...args: string[]): Promise<Result> {
    return run("pulumi", [...args, "--non-interactive", "--color", "never"], this.dir, this.env);
  }

  /** Like {@link pulumi}, but a failure fails the test. */
  async must(...args: string[]): Promise<string> {
    const { exitCode, output, stdout } = await this.pulumi(...args);
    assert.equal(exitCode, 0, `pulumi ${args.join(" ")} failed:\n${output}`);
    return stdout;
  }

  /** What `pulumi up` would do. */
  async preview(): Promise<Step[]> {
    const { steps } = JSON.parse(await this.must("preview", "--json")) as { steps: Step[] };
    return steps;
  }

  /** Runs `work` with a program in which each text `before` is `after`. */
  async with<T>(changes: readonly Change[], work: () => Promise<T>): Promise<T> {
    const file = join(this.dir, "Pulumi.yaml");
    const program = readFileSync(file, "utf8");
    let changed = program;
    for (const [before, after] of changes) {
      assert.ok(changed.includes(before), `the example has ${before}`);
      changed = changed.replace(before, () => after);
    }
    writeFileSync(file, changed);
    try {
      return await work();
    } finally {
      writeFileSync(file, program);
    }
  }
}
