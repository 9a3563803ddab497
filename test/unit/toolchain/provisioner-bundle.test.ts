// What is put into the provisioner's image: the services start, and load only what they need.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bundle } from "../../../toolchain/provisioner-image/bundle.js";
import { execa } from "execa";

describe("the provisioner's services as files", function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-bundle-"));
    await bundle(folder);
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  const start = (service: string, env: Record<string, string>) =>
    execa(process.execPath, [join(folder, service)], {
      ...{ env, extendEnv: false, reject: false, timeout: 20_000 },
    });

  /** The text of a file and of all that is loaded with it. */
  function loaded(file: string, seen = new Set<string>()): string {
    if (seen.has(file)) return "";
    seen.add(file);
    const text = readFileSync(join(folder, file), "utf8");
    const imported = [...text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)].map(([, name = ""]) => name);
    return [text, ...imported.map((name) => loaded(name, seen))].join("\n");
  }

  it("say in plain lines what they cannot be told, from a file that is loaded on demand as well", async () => {
    for (const service of ["main.mjs", "egress.mjs"]) {
      const { exitCode, stderr } = await start(service, {
        ...{ PROVISIONER_API_KEY: "0123456789abcdef-key", SANDBOX_IMAGE: "example/sandbox:1" },
        KUBECONFIG_PATH: tmpdir(),
      });
      assert.equal(exitCode, 1, service);
      assert.match(stderr, /must be a file: that is a folder/, service);
      assert.doesNotMatch(stderr, /^ +at /m, service);
    }
  });

  it("do not load what reads kubeconfigs and makes traces with the rest", () => {
    for (const service of ["main.mjs", "egress.mjs"]) {
      const text = loaded(service);
      assert.match(text, /KUBERNETES_SERVICE_HOST/, service);
      assert.doesNotMatch(text, /loadFromFile|BatchSpanProcessor/, service);
      assert.ok(text.length < 3_000_000, `${service} loads ${text.length} characters`);
    }
  });
});
