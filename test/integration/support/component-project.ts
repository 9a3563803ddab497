// A Pulumi program of its own that uses this repository's components on a cluster that is there, with a state of its own: for
// tests of what the engine does with them.
import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { ensurePulumi } from "../../../toolchain/pulumi-engine/index.js";
import { projectRoot } from "./cluster.js";
import { run, type Result } from "./plugin-project.js";

/** What the engine reports of a run with --json, as far as tests read it. */
export interface Preview {
  readonly steps: readonly { readonly op: string; readonly urn: string }[];
  readonly changeSummary: Readonly<Record<string, number | undefined>>;
}

/** The project; every command runs without questions. */
export class ComponentProject {
  private constructor(
    readonly dir: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /**
   * Makes a project `name` with a stack `test`, whose programs find the cluster's kubeconfig at `kubeconfig`. The engine's plugins
   * are this checkout's, which `make up` has put there.
   */
  static async make(name: string, kubeconfig: string): Promise<ComponentProject> {
    const dir = mkdtempSync(join(tmpdir(), `sandlot-${name}-`));
    const engine = await ensurePulumi();
    mkdirSync(join(dir, "state"));
    writeFileSync(join(dir, "Pulumi.yaml"), `name: ${name}\nruntime: nodejs\n`);
    writeFileSync(join(dir, "package.json"), JSON.stringify({ name, main: "index.ts" }));
    writeFileSync(
      join(dir, "tsconfig.json"),
      JSON.stringify({ extends: join(projectRoot, "tsconfig.json"), compilerOptions: { types: ["node"] } }),
    );
    symlinkSync(join(projectRoot, "node_modules"), join(dir, "node_modules"));
    const project = new ComponentProject(dir, {
      PATH: [engine.bin, process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_HOME: engine.home,
      PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      TEST_KUBECONFIG: kubeconfig,
    });
    await project.must("stack", "init", "test");
    return project;
  }

  /** Replaces the program: the body of a module in which `components` and the cluster's `provider` are there. */
  program(body: string): void {
    const preamble = [
      'import * as kubernetes from "@pulumi/kubernetes";',
      'import * as components from "@sandlot/components";',
      'import { readFileSync } from "node:fs";',
      'const kubeconfig = readFileSync(process.env["TEST_KUBECONFIG"] ?? "", "utf8");',
      "const provider = new kubernetes.Provider(",
      '  "cluster", { kubeconfig, clusterIdentifier: "test", enableServerSideApply: true });',
      "",
    ].join("\n");
    writeFileSync(join(this.dir, "index.ts"), preamble + body);
  }

  /** The same project, its commands run with more in their environment. */
  with(env: NodeJS.ProcessEnv): ComponentProject {
    return new ComponentProject(this.dir, { ...this.env, ...env });
  }

  /** The same project, whose commands find the programs of a folder before all others. */
  withPrograms(folder: string): ComponentProject {
    return this.with({ PATH: [folder, this.env["PATH"] ?? ""].join(delimiter) });
  }

  /** Runs a Pulumi command to its end, whatever that is. */
  pulumi(...args: string[]): Promise<Result> {
    return run("pulumi", [...args, "--non-interactive", "--color", "never"], this.dir, this.env);
  }

  /** Like {@link pulumi}, but a failure fails the test. */
  async must(...args: string[]): Promise<string> {
    const { exitCode, output } = await this.pulumi(...args);
    assert.equal(exitCode, 0, `pulumi ${args.join(" ")} failed:\n${output}`);
    return output;
  }

  /** What `pulumi up` would do. */
  async preview(): Promise<Preview> {
    const { exitCode, stdout, output } = await this.pulumi("preview", "--json");
    assert.equal(exitCode, 0, `pulumi preview failed:\n${output}`);
    return JSON.parse(stdout) as Preview;
  }

  /** The resources in the stack's state. */
  state(): { urn: string; type: string; id?: string; custom: boolean }[] {
    const [folder = ""] = readdirSync(join(this.dir, "state/.pulumi/stacks"));
    const file = join(this.dir, "state/.pulumi/stacks", folder, "test.json");
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
      checkpoint: { latest: { resources?: { urn: string; type: string; id?: string; custom: boolean }[] } };
    };
    return checkpoint.latest.resources ?? [];
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
