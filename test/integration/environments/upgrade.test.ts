// States that older commits wrote, previewed with today's program by the real engine and its plugins: nothing is replaced or
// deleted. No cluster is needed: the kubeconfig in the state leads nowhere, and previews do without.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { parseDocument } from "yaml";

import { readFixture, versions, type Fixture } from "../../fixtures/state/fixture.js";
import { projectRoot } from "../support/cluster.js";

const stack = "upgrade";
const stackDir = join(projectRoot, ".sandlot/stacks", stack);

/** A kubeconfig of a cluster that does not answer. */
const nowhere = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "nowhere",
  clusters: [{ name: "nowhere", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "nobody", user: {} }],
  contexts: [{ name: "nowhere", context: { cluster: "nowhere", user: "nobody" } }],
});

/** The part of `pulumi preview --json` that is read here. */
interface Digest {
  readonly steps?: readonly { readonly op: string; readonly urn: string }[];
}

describe("an upgrade", function () {
  this.timeout(300_000);
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let salt: string;

  before("an engine with a state of its own", async () => {
    const { setUpEngine } = await import("../../../commands/support/setup.js");
    folder = mkdtempSync(join(tmpdir(), "sandlot-upgrade-"));
    mkdirSync(join(folder, "state"));
    const setup = await setUpEngine(parseDocument(""));
    env = {
      ...setup.env,
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    };
    writeFileSync(join(folder, "Pulumi.yaml"), "name: sandlot\nruntime: nodejs\n");
    await pulumi("-C", folder, "stack", "init", stack);
    const committed = parseDocument(readFileSync(join(projectRoot, "stacks/Pulumi.test.yaml"), "utf8"));
    // What the node's container is newly given makes it anew, whoever gives it: a published port, a part of k3s, a mirror, a flag.
    committed.deleteIn(["config", "sandlot:provisioner", "hostPort"]);
    for (const setting of ["disable", "registryMirrors", "extraServerArgs"])
      committed.deleteIn(["config", "sandlot:cluster", setting]);
    const made = readFileSync(join(folder, `Pulumi.${stack}.yaml`), "utf8");
    salt = String(parseDocument(made).get("encryptionsalt"));
    writeFileSync(join(folder, `Pulumi.${stack}.yaml`), `${made}${String(committed)}`);
  });

  after(() => {
    rmSync(folder, { recursive: true });
    rmSync(stackDir, { recursive: true, force: true });
  });

  async function pulumi(...args: string[]): Promise<string> {
    const { stdout } = await execa("pulumi", [...args, "--non-interactive"], {
      cwd: projectRoot,
      env,
      stdin: "ignore",
    });
    return stdout;
  }

  /** What today's program would do to a state: the operations that are not `same`. */
  async function previewed({ resources }: Fixture): Promise<string[]> {
    const input = (name: string, key: string): unknown =>
      resources.find(({ urn }) => urn.endsWith(`::${name}`))?.inputs?.[key];
    mkdirSync(stackDir, { recursive: true });
    const images = {
      nodeImage: { ref: input("cluster-image", "name") },
      sandboxImage: { ref: input("sandbox-image", "image") },
      // What an older state has none of is made.
      provisionerImage: { ref: input("provisioner-image", "image") ?? "sandlot/provisioner:1" },
    };
    writeFileSync(join(stackDir, "resolved.json"), JSON.stringify(images));
    const deployment = {
      manifest: { time: new Date().toISOString(), magic: "", version: "" },
      secrets_providers: { type: "passphrase", state: { salt } },
      resources,
    };
    writeFileSync(join(folder, "state.json"), JSON.stringify({ version: 3, deployment }));
    await pulumi("-C", folder, "stack", "import", "--stack", stack, "--file", join(folder, "state.json"));
    const file = join(folder, `Pulumi.${stack}.yaml`);
    const digest = JSON.parse(
      await pulumi("preview", "--json", "--stack", stack, "--config-file", file),
    ) as Digest;
    return (digest.steps ?? []).flatMap(({ op, urn }) =>
      op === "same" ? [] : [`${op} ${urn.split("::").at(-1) ?? urn}`],
    );
  }

  const destructive = (steps: readonly string[]): string[] =>
    steps.filter((step) => /^(delete|replace|create-replacement|delete-replaced|discard)/.test(step));

  for (const version of versions) {
    it(`from ${version} replaces and deletes nothing`, async () => {
      const steps = await previewed(readFixture(version, { root: projectRoot, stack, secret: nowhere }));
      console.log(`      ${steps.length === 0 ? "no change" : steps.join(", ")}`);
      assert.deepEqual(destructive(steps), []);
    });
  }

  it("after a rename without an alias would be destructive, and this test would say so", async () => {
    const fixture = readFixture(versions[0] ?? "", { root: projectRoot, stack, secret: nowhere });
    const renamed = JSON.parse(
      JSON.stringify(fixture).replaceAll("::sandlot-home-quota", "::sandlot-home-limit"),
    ) as Fixture;
    const steps = await previewed(renamed);
    assert.deepEqual(destructive(steps), ["delete sandlot-home-limit"]);
    assert.ok(steps.includes("create sandlot-home-quota"), steps.join(", "));
  });
});
