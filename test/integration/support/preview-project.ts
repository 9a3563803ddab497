// A Pulumi program of our components in a temporary folder, rendered to YAML by the real engine, with a state of its own:
// for previews of changes, without a cluster.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { execa } from "execa";

import { previewJson } from "../../../commands/support/preview-json.js";
import type { EngineResult } from "../../../previews/report.js";
import { installPluginStandIn } from "../../../toolchain/plugins/install.js";
import { projectRoot } from "../../../toolchain/paths.js";
import { ensurePlugins, ensurePulumi, pulumiEnv } from "../../../toolchain/pulumi-engine/index.js";

/** What the program is told; each test changes some of it. */
export interface ProgramArgs {
  /** The platform's logical name. */
  readonly name: string;
  readonly image: string;
  readonly replicas: number;
  readonly egress: "blocked" | "open";
  readonly namespace: string;
  /** In a Kubernetes Secret. */
  readonly password: string;
  /** Whether there is a pod that the policies refuse. */
  readonly badPod: boolean;
  /** Whether the program fails, with a secret of configuration in its message. */
  readonly fails: boolean;
}

const program = `
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { EgressProfile, SandboxPlatform } from "@sandlot/components";
import { join } from "node:path";

const args = require("./args.json");
const provider = new kubernetes.Provider("cluster", { renderYamlToDirectory: join(__dirname, "out"), kubeconfig: "" });
new SandboxPlatform(
  args.name,
  {
    image: args.image,
    namespace: { name: args.namespace },
    deployment: { replicas: args.replicas, egress: args.egress as EgressProfile },
    gvisorCheck: { enabled: false },
  },
  { provider },
);
new kubernetes.core.v1.Secret(
  "login",
  { metadata: { name: "login", namespace: args.namespace }, stringData: { password: args.password } },
  { provider },
);
new kubernetes.core.v1.ConfigMap(
  "notes",
  {
    metadata: { name: "notes", namespace: args.namespace },
    data: { about: pulumi.interpolate\`the password is \${pulumi.secret(args.password)}\`, NOTES_TOKEN: args.password },
  },
  { provider },
);
if (args.badPod) {
  new kubernetes.core.v1.Pod(
    "bad",
    {
      metadata: { name: "bad", namespace: args.namespace },
      spec: { hostNetwork: true, containers: [{ name: "bad", image: "nginx:latest" }] },
    },
    { provider },
  );
}
if (args.fails) throw new pulumi.RunError("cannot go on with " + new pulumi.Config().require("key"));
`;

/** The project. */
export interface PreviewProject {
  /** Deploys the program with these arguments; what is left out is as it was at first. */
  up(args?: Partial<ProgramArgs>): Promise<void>;
  /** Previews it as `make preview-comment` does. */
  preview(args?: Partial<ProgramArgs>): Promise<EngineResult>;
  remove(): void;
}

/** Makes the project with a stack `dev`, not yet deployed. @param first the arguments that others differ from */
export async function makePreviewProject(first: ProgramArgs, configSecret: string): Promise<PreviewProject> {
  const dir = mkdtempSync(join(tmpdir(), "sandlot-previews-"));
  const engine = await ensurePulumi();
  await ensurePlugins(engine.home, installPluginStandIn);
  const state = join(dir, "state");
  mkdirSync(state);
  const env = {
    ...pulumiEnv(engine),
    PULUMI_BACKEND_URL: pathToFileURL(state).href,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
  };
  writeFileSync(join(dir, "Pulumi.yaml"), "name: previews\nruntime: nodejs\n");
  writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "previews", main: "index.ts" }));
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ extends: join(projectRoot, "tsconfig.json") }));
  writeFileSync(join(dir, "index.ts"), program);
  symlinkSync(join(projectRoot, "node_modules"), join(dir, "node_modules"));

  const pulumi = async (...args: string[]): Promise<void> => {
    const { exitCode, all } = await execa("pulumi", [...args, "--non-interactive"], {
      cwd: dir,
      env,
      stdin: "ignore",
      all: true,
      reject: false,
    });
    assert.equal(exitCode, 0, `pulumi ${args.join(" ")} failed:\n${all}`);
  };
  const tell = (args: Partial<ProgramArgs>): void => {
    writeFileSync(join(dir, "args.json"), JSON.stringify({ ...first, ...args }));
  };
  await pulumi("stack", "init", "dev");
  await pulumi("config", "set", "--secret", "key", configSecret);
  return {
    up: async (args = {}) => {
      tell(args);
      await pulumi("up", "--yes", "--skip-preview", "--stack", "dev");
    },
    preview: (args = {}) => {
      tell(args);
      return previewJson({ name: "dev", dir, file: join(dir, "Pulumi.dev.yaml") }, env, dir);
    },
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
