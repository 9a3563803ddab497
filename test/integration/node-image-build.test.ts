// Which node image is chosen, and what is said when none can be: decided by a docker client that knows only the images
// it is told of and reaches no registry.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureNodeImage } from "../../toolchain/node-image/build.js";
import { writeProgramImage } from "../../toolchain/node-image/image-archive.js";
import { output } from "./support/shell.js";

/** Answers `image inspect` by the files IMAGES (names) and GVISOR (names of those with the label); pulls what PULLABLE names. */
const client = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
for last; do :; done
case "$1 $2" in
"image inspect")
  grep -qxF "$last" IMAGES || exit 1
  case "$*" in *Labels*) grep -qxF "$last" GVISOR && echo true; exit 0 ;; esac
  echo "sha256:$last" ;;
pull*) grep -qxF "$last" PULLABLE || { echo "no such host" >&2; exit 1; }; echo "$last" >> IMAGES ;;
build*) while [ "$1" != --tag ]; do shift; done; echo "$2" >> IMAGES ;;
esac
`;

describe("choice of the node image", function () {
  this.timeout(30_000);
  let dir = "";
  const files = (name: string, ...lines: string[]): void => {
    writeFileSync(join(dir, name), lines.map((line) => `${line}\n`).join(""));
  };
  const calls = (): string =>
    existsSync(join(dir, "calls")) ? readFileSync(join(dir, "calls"), "utf8") : "";
  const docker = (): { cli: string } => ({ cli: join(dir, "docker") });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "sandlot-node-image-"));
    writeFileSync(join(dir, "docker"), client);
    chmodSync(join(dir, "docker"), 0o755);
    for (const name of ["IMAGES", "GVISOR", "PULLABLE"]) files(name);
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it("takes an image with gVisor as it is, without a pull", async () => {
    files("IMAGES", "registry.test/node:1");
    files("GVISOR", "registry.test/node:1");
    const chosen = await ensureNodeImage(docker(), { image: "registry.test/node:1" });
    assert.deepEqual(chosen, { ref: "registry.test/node:1", source: "present" });
    assert.doesNotMatch(calls(), /^(pull|build)/m);
  });

  it("renews an image under the policy Always, and uses the one at hand when that fails", async () => {
    // Two registries: one that is out of reach is asked once in a process.
    const [gone, there] = ["gone.test/node:1", "there.test/node:1"];
    files("IMAGES", gone, there);
    files("GVISOR", gone, there);
    assert.equal((await ensureNodeImage(docker(), { image: gone, pullPolicy: "Always" })).source, "present");
    assert.match(calls(), /^pull --quiet gone\.test\/node:1$/m);
    files("PULLABLE", there);
    assert.equal((await ensureNodeImage(docker(), { image: there, pullPolicy: "Always" })).source, "pulled");
  });

  it("says which image is missing, and never pulls under the policy Never", async () => {
    await assert.rejects(
      ensureNodeImage(docker(), { image: "registry.test/node:1", pullPolicy: "Never" }),
      /registry\.test\/node:1 is not on the Docker engine and must not be pulled \(pull policy Never\)/,
    );
    assert.doesNotMatch(calls(), /^pull/m);
  });

  it("says so when an image cannot be pulled, in seconds", async () => {
    const started = performance.now();
    await assert.rejects(
      ensureNodeImage(docker(), { image: "unreachable.invalid/node:1" }),
      /unreachable\.invalid\/node:1 is not on the Docker engine and cannot be pulled/,
    );
    assert.ok(performance.now() - started < 20_000);
  });
});

describe("image archive of one program", () => {
  it("is the same for the same program, and names image and entry point", async () => {
    const dir = mkdtempSync(join(tmpdir(), "sandlot-archive-"));
    try {
      writeFileSync(join(dir, "program"), "#!/bin/true\n");
      const image = { program: join(dir, "program"), name: "tool", reference: "localhost/tool:1" };
      for (const name of ["a.tar", "b.tar"]) await writeProgramImage(image, join(dir, name));
      assert.ok(readFileSync(join(dir, "a.tar")).equals(readFileSync(join(dir, "b.tar"))));
      const manifest = JSON.parse(await output("tar", ["-xOf", join(dir, "a.tar"), "manifest.json"])) as [
        { RepoTags: string[]; Config: string },
      ];
      assert.deepEqual(manifest[0].RepoTags, ["localhost/tool:1"]);
      assert.match(
        await output("tar", ["-xOf", join(dir, "a.tar"), manifest[0].Config]),
        /"Entrypoint":\["\/tool"\]/,
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
