// The test stack's cluster as "an existing cluster": the production stack's settings, deployed into a namespace of its own.
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createHash, randomBytes } from "node:crypto";
import { delimiter, join } from "node:path";

import { execa } from "execa";
import { stringify } from "yaml";

import {
  cluster,
  kubectl,
  make,
  node,
  outputs,
  outsideMake,
  projectRoot,
  stack as host,
  type MakeResult,
} from "./cluster.js";

/** A stack with production's file: a stack that is really called production is none of a test's business. */
export const stack = "test-production";

/** Where its sandboxes live. */
export const namespace = "sandlot-production";

const stackFile = join(projectRoot, "stacks", `Pulumi.${stack}.yaml`);
/** Made anew by each {@link prepare}. */
let folder = "";

/** What a file laid over production's says by key, such as `sandbox`. */
export type Overlay = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the provisioner's tokens are made from; it gets into the stack's file as a secret. */
export const signingKey = randomBytes(32).toString("hex");

/** The API key of the provisioner's one tenant; the stack's file has its hash. */
export const apiKey = randomBytes(32).toString("hex");

/** The provisioner's image that is in the node; known once {@link prepare} has looked. */
let ownProvisioner = "";
export const provisionerImage = (): string => ownProvisioner;

/** Copies production's file, gives it its secret, and puts the node's kubectl to where commands find one. */
export async function prepare(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "sandlot-existing-"));
  copyFileSync(join(projectRoot, "stacks/Pulumi.production.yaml"), stackFile);
  const { stdout: path } = await execa("docker", ["exec", node, "sh", "-c", "command -v kubectl"]);
  await execa("docker", ["cp", "--follow-link", `${node}:${path}`, join(folder, "kubectl")]);
  const own = { name: "provisioner", namespace: "sandlot-system" };
  const { spec } = await cluster().apps.readNamespacedDeployment(own);
  ownProvisioner = spec?.template.spec?.containers[0]?.image ?? "";
  await execa("make", ["--silent", "secret", `STACK=${stack}`, "SETTING=provisioner.signingKey"], {
    cwd: projectRoot,
    env: { ...environment(), ...outsideMake },
    input: signingKey,
  });
}

/** Takes the stack away, whatever state it is in, and what {@link prepare} made. */
export async function cleanUp(): Promise<void> {
  if (!existsSync(stackFile)) return;
  await up({ namespace: { protect: false }, sandbox: { image: outputs()["sandboxImage"] } });
  await run("down");
  const namespaces = [namespace, `${namespace}-system`];
  await kubectl("delete", "namespace", ...namespaces, "--ignore-not-found", "--timeout=60s");
  // Kept on purpose, and in the way of the next claim.
  const { items } = await cluster().core.listPersistentVolume();
  for (const { metadata } of items.filter(({ spec }) => spec?.claimRef?.namespace === namespace))
    await kubectl("delete", "persistentvolume", metadata?.name ?? "");
  rmSync(stackFile);
  rmSync(folder, { recursive: true });
}

/** Runs a make target for the stack, with a kubectl on PATH and no Docker engine that could be asked. */
export function run(target: string, variables: Record<string, string> = {}): Promise<MakeResult> {
  return make(target, { STACK: stack, ...variables }, environment());
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: [folder, process.env["PATH"] ?? ""].join(delimiter), DOCKER_HOST: "tcp://127.0.0.1:1" };
}

/** What the test cluster differs in from production's: where it is, what it has, and how much of it there is. */
function overlay(settings: Overlay): Record<string, unknown> {
  const base: Overlay = {
    target: {
      kubeconfigPath: join(projectRoot, ".sandlot/stacks", host, "kubeconfig"),
      context: node,
      clusterIdentifier: "existing",
    },
    namespace: { name: namespace },
    runtime: { existing: true },
    skills: { nodePath: "/mnt/skills", retain: true },
    provisioner: {
      image: ownProvisioner,
      poolSize: 1,
      tenants: [{ name: "acme", keys: [{ name: "one", sha256: sha256(apiKey) }] }],
    },
    sandbox: {
      resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { cpu: "500m", memory: "256Mi" } },
    },
  };
  const keys = [...new Set([...Object.keys(base), ...Object.keys(settings)])];
  return Object.fromEntries(keys.map((key) => [`sandlot:${key}`, { ...base[key], ...settings[key] }]));
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Writes a file to be laid over production's and returns its path. */
export function overlayFile(settings: Overlay): string {
  const file = join(folder, "overlay.yaml");
  writeFileSync(file, stringify({ config: overlay(settings) }));
  return file;
}

/** Runs `make up` with settings laid over production's. */
export function up(settings: Overlay, variables: Record<string, string> = {}): Promise<MakeResult> {
  return run("up", { CONFIG: overlayFile(settings), ...variables });
}
