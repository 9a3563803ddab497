// The example programs in a temporary tree that is laid out like this repository, run by the real engine with a state of its own:
// what a run writes beside a program shows up in no checkout.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";

import { installPluginStandIn } from "../../../toolchain/plugins/install.js";
import {
  ensurePlugins,
  ensurePulumi,
  ensurePythonHost,
  ensureYamlHost,
  type PulumiEngine,
} from "../../../toolchain/pulumi-engine/index.js";
import { generateSdk } from "../../../toolchain/sdk/generate.js";
import { projectRoot } from "./cluster.js";
import { run, type Result, type Summary } from "./plugin-project.js";
import { makeVirtualEnvironment, pythonFor, type VirtualEnvironment } from "./virtual-environment.js";

/** The folders of `examples/`, each with the file that is its program. */
const programs = { python: "__main__.py", typescript: "index.ts", yaml: "Pulumi.yaml" } as const;

/** One of the folders of `examples/`. */
export type Language = keyof typeof programs;

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
    /** The folder that stands for this repository's. */
    readonly root: string,
    private readonly engine: PulumiEngine,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async make(): Promise<Examples> {
    const engine = await ensurePulumi();
    const [yamlHost] = await Promise.all([
      ensureYamlHost(engine),
      ensurePlugins(engine.home, installPluginStandIn),
    ]);
    const root = mkdtempSync(join(tmpdir(), "sandlot-examples-"));
    // Without what somebody has installed to try one out.
    const filter = (path: string) => !["node_modules", "sdk", "venv"].includes(basename(path));
    cpSync(join(projectRoot, "examples"), join(root, "examples"), { recursive: true, filter });
    for (const name of ["component-package", "node_modules", "tsconfig.json"])
      symlinkSync(join(projectRoot, name), join(root, name));
    mkdirSync(join(root, "state"));
    return new Examples(root, engine, {
      PATH: [engine.bin, yamlHost, process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_HOME: engine.home,
      PULUMI_BACKEND_URL: pathToFileURL(join(root, "state")).href,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    });
  }

  /** Makes a stack `test` of an example that needs nothing installed, with this configuration. */
  stack(language: Exclude<Language, "python">, config: Readonly<Record<string, string>>): Promise<Example> {
    return this.initialized(new Example(this.root, language, this.env), config);
  }

  /**
   * Like {@link stack}, for the example in Python, with the SDK that is generated for it installed as its users do. Undefined, and
   * said, where there is no Python.
   */
  async pythonStack(config: Readonly<Record<string, string>>): Promise<Example | undefined> {
    const python = await pythonFor("the example in Python");
    if (python === undefined) return undefined;
    const [environment, sdk, host] = await Promise.all([
      makeVirtualEnvironment(python, join(this.root, "examples", "python", "venv")),
      generateSdk(this.engine, "python", join(this.root, "sdk")),
      ensurePythonHost(this.engine),
    ]);
    await environment.install(sdk);
    const path = [environment.bin, host, this.env["PATH"]].join(delimiter);
    return this.initialized(
      new Example(this.root, "python", { ...this.env, PATH: path }, environment),
      config,
    );
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private async initialized(example: Example, config: Readonly<Record<string, string>>): Promise<Example> {
    await example.must("stack", "init", "test");
    const pairs = Object.entries(config).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    await example.must("config", "set-all", ...pairs);
    return example;
  }
}

/** An example's stack; every command runs without questions. */
export class Example {
  private readonly dir: string;

  constructor(
    root: string,
    private readonly language: Language,
    private readonly env: NodeJS.ProcessEnv,
    /** Where its program's packages are, if it is in Python. */
    readonly environment?: VirtualEnvironment,
  ) {
    this.dir = join(root, "examples", language);
  }

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

  /** What `pulumi up` would do. Resources that stay as they are, all but the stack itself, are in no step. */
  async preview(): Promise<Step[]> {
    return (await this.previewed()).steps;
  }

  /** Fails the test if `pulumi up` would do anything, or if there is nothing that could stay as it is. */
  async mustBeUnchanged(): Promise<void> {
    const { same = 0, ...others } = (await this.previewed()).changeSummary;
    assert.deepEqual(others, {});
    assert.ok(same > 15, `only ${same} resources stay as they are`);
  }

  private async previewed(): Promise<Summary & { steps: Step[] }> {
    return JSON.parse(await this.must("preview", "--json")) as Summary & { steps: Step[] };
  }

  /** Runs `work` with a program in which each text `before` is `after`. */
  async with<T>(changes: readonly Change[], work: () => Promise<T>): Promise<T> {
    const file = join(this.dir, programs[this.language]);
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
