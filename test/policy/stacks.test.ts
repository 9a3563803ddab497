// Every committed stack passes the policies, as its environment configures them.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { deploy } from "../../infra/program";
import { rules } from "../../policies/rules";
import { record } from "../support/graph";
import { violations, type Resource } from "../support/policy";
import { policyConfigFile, readPolicyConfig } from "../support/policy-config";

type Config = Record<string, Record<string, unknown> | unknown[] | string>;

const stacks = resolve(__dirname, "../../stacks");
const names = readdirSync(stacks).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
const digest = `registry.example.com/team/sandbox@sha256:${"0".repeat(64)}`;

/** The environment whose policies hold for a stack, as commands/support/policies.ts chooses it. */
function environmentOf(stack: string): string {
  if (existsSync(policyConfigFile(stack))) return stack;
  return configOf(stack)["sandlot:target"] === undefined ? "development" : "production";
}

/** The stack's configuration, with what its file leaves to whoever uses it. */
function configOf(stack: string): Config {
  const { config } = parse(readFileSync(join(stacks, `Pulumi.${stack}.yaml`), "utf8")) as { config: Config };
  const target = config["sandlot:target"] as Record<string, unknown> | undefined;
  if (target?.["kind"] !== "existing") return config;
  return {
    ...config,
    "sandlot:target": { ...target, kubeconfigPath: "kubeconfig" },
    "sandlot:sandbox": { ...(config["sandlot:sandbox"] as object), image: digest },
    "sandlot:provisioner": {
      ...(config["sandlot:provisioner"] as object),
      image: digest,
      existingSecret: "provisioner-keys",
    },
  };
}

function kubeconfig(): string {
  return JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "https://cluster.example.com" } }],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: names.map((name) => ({ name, context: { cluster: "c", user: "u" } })),
  });
}

describe("the committed stacks", () => {
  let root: string;

  before("a project folder whose images and clusters are known", () => {
    root = mkdtempSync(join(tmpdir(), "sandlot-stacks-"));
    mkdirSync(join(root, "skills"));
    writeFileSync(join(root, "kubeconfig"), kubeconfig());
    const images = {
      nodeImage: { ref: "sandlot/node:1" },
      sandboxImage: { ref: "sandlot/sandbox:1" },
      provisionerImage: { ref: "sandlot/provisioner:1" },
    };
    for (const name of names) {
      mkdirSync(join(root, ".sandlot/stacks", name), { recursive: true });
      writeFileSync(join(root, ".sandlot/stacks", name, "resolved.json"), JSON.stringify(images));
    }
  });

  after(() => {
    rmSync(root, { recursive: true });
  });

  for (const stack of names) {
    it(`${stack} passes`, async () => {
      const config = Object.entries(configOf(stack)).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]);
      const graph = await record(() => deploy(root), {
        stack,
        config: Object.fromEntries(config) as Record<string, string>,
      });
      const resources = graph.resources.map(
        ({ type, name, inputs, protect }): Resource => ({ type, name, props: inputs, protect }),
      );
      assert.ok(resources.some(({ type }) => type === "kubernetes:apps/v1:Deployment"));
      const policies = readPolicyConfig(environmentOf(stack));
      for (const rule of rules) {
        if (policies.level(rule) !== "mandatory") continue;
        assert.deepEqual(await violations(rule, resources, policies.settings(rule.name)), [], rule.name);
      }
    });
  }
});
