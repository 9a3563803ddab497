// A Pulumi program of its own in a temporary folder, with its own state and the plugin stand-ins: for testing these.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
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
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** How a Pulumi command ended. */
export interface Result {
  exitCode: number;
  /** Both streams. */
  output: string;
  stdout: string;
}

/** What Pulumi reports of a command that was run with --json. */
export interface Summary {
  changeSummary: Record<string, number | undefined>;
}

/** The project; every command runs without questions. */
export interface PluginProject {
  dir: string;
  /** Replaces the program: the body of a CommonJS module in which `pulumi`, `docker` and `command` are there. */
  program(body: string): void;
  pulumi(...args: string[]): Promise<Result>;
  /** Like pulumi, but a failure fails the test. */
  must(...args: string[]): Promise<string>;
  outputs(): Promise<Record<string, unknown>>;
  /** What `pulumi preview` would do, by kind of step. */
  previewed(): Promise<Summary["changeSummary"]>;
  /** The stack's state as the backend keeps it. */
  state(): string;
  docker(...args: string[]): Promise<Result>;
  remove(): void;
}

const preamble = [
  'const pulumi = require("@pulumi/pulumi");',
  'const docker = require("@pulumi/docker");',
  'const command = require("@pulumi/command");',
  "",
].join("\n");

/** Runs a program to its end, whatever that is. */
export function run(
  file: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ exitCode: code ?? 1, output: output.trim(), stdout });
    });
  });
}

/** The toolchain is made of ES modules: a static import would `require` them. */
async function toolchain() {
  const [{ ensureDocker }, { ensurePulumi }, { installPluginStandIn }, { pulumiVersions }] =
    await Promise.all([
      import("../../../toolchain/docker-engine/index.js"),
      import("../../../toolchain/pulumi-engine/index.js"),
      import("../../../toolchain/plugins/install.js"),
      import("../../../toolchain/versions.js"),
    ]);
  return { ensureDocker, ensurePulumi, installPluginStandIn, pulumiVersions };
}

/** Makes an empty project with a stack `test`. */
export async function makePluginProject(): Promise<PluginProject> {
  const { ensureDocker, ensurePulumi, installPluginStandIn, pulumiVersions } = await toolchain();
  const dir = mkdtempSync(join(tmpdir(), "sandlot-plugins-"));
  const home = join(dir, "home");
  const stateDir = join(dir, "state");
  const [docker, engine] = await Promise.all([ensureDocker(), ensurePulumi({ home })]);
  await Promise.all([
    installPluginStandIn("docker", pulumiVersions.docker, home),
    installPluginStandIn("command", pulumiVersions.command, home),
  ]);
  writeFileSync(
    join(dir, "Pulumi.yaml"),
    "name: plugins\nruntime:\n  name: nodejs\n  options: { typescript: false }\n",
  );
  writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "plugins", main: "index.js" }));
  symlinkSync(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(dir, "node_modules"));
  const env = {
    PATH: [engine.bin, process.env["PATH"] ?? "", dirname(docker.cli)].join(delimiter),
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${stateDir}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    ...(docker.host === "" ? {} : { DOCKER_HOST: docker.host }),
  };
  mkdirSync(stateDir);

  const pulumi = (...args: string[]): Promise<Result> =>
    run("pulumi", [...args, "--non-interactive"], dir, env);
  const must = async (...args: string[]): Promise<string> => {
    const { exitCode, output } = await pulumi(...args);
    assert.equal(exitCode, 0, `pulumi ${args.join(" ")} failed:\n${output}`);
    return output;
  };
  const json = async (...args: string[]): Promise<unknown> => {
    const { exitCode, stdout, output } = await pulumi(...args, "--json");
    assert.equal(exitCode, 0, `pulumi ${args.join(" ")} failed:\n${output}`);
    return JSON.parse(stdout) as unknown;
  };
  await must("stack", "init", "test");
  return {
    dir,
    program: (body) => {
      writeFileSync(join(dir, "index.js"), preamble + body);
    },
    pulumi,
    must,
    outputs: async () => (await json("stack", "output", "--show-secrets")) as Record<string, unknown>,
    previewed: async () => ((await json("preview")) as Summary).changeSummary,
    state: () => {
      const stacks = join(stateDir, ".pulumi/stacks/plugins");
      const [file = ""] = readdirSync(stacks).filter((name) => name === "test.json");
      return readFileSync(join(stacks, file), "utf8");
    },
    docker: (...args) => run(docker.cli, args, dir, env),
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
