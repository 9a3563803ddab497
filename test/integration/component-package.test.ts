// The component package through the real engine without a cluster: the example of each language, whose objects are rendered as YAML;
// that in Python with the SDK that is generated for it.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ensurePython, pythonPackages } from "../../toolchain/python.js";
import { Examples, type Change, type Example } from "./support/example-project.js";

/** A namespace's name that is nobody's: nothing is made in any cluster. */
const place = "sandlot-test-rendered";

describe("the component package, rendered", function () {
  // Minutes where the machine has much else to do; the hosts are built, the first time.
  this.timeout(600_000);
  let examples: Examples;
  let python: Example | undefined;

  const rendered = (language: string): string => join(examples.root, "rendered", language);
  const config = (language: string) => ({
    "kubernetes:kubeconfig": "",
    "kubernetes:renderYamlToDirectory": rendered(language),
    image: "registry.example.com/sandbox:1.4.2",
    namespace: place,
  });

  /** Every object's file by its name. */
  const files = (language: string): Record<string, string> => {
    const folder = join(rendered(language), "1-manifest");
    return Object.fromEntries(
      readdirSync(folder)
        .sort()
        .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
    );
  };

  before(async () => {
    examples = await Examples.make();
    python = await examples.pythonStack(config("python"));
  });

  after(() => {
    examples.remove();
  });

  it("is the same objects from Python, TypeScript and YAML", async function () {
    if (python === undefined) return this.skip();
    const others = await Promise.all([
      examples.stack("typescript", config("typescript")),
      examples.stack("yaml", config("yaml")),
    ]);
    await Promise.all([python, ...others].map((each) => each.must("up", "--yes", "--skip-preview")));
    const ours = files("typescript");
    assert.ok(Object.keys(ours).length > 10, Object.keys(ours).join(", "));
    assert.deepEqual(files("python"), ours);
    assert.deepEqual(files("yaml"), ours);
    const [theirs, ...same] = await Promise.all(
      [python, ...others].map((each) => each.must("stack", "output", "--json")),
    );
    for (const outputs of same) assert.deepEqual(JSON.parse(outputs), JSON.parse(theirs ?? ""));
  });

  it("is changed by nothing when Python runs again, and goes when it is destroyed", async function () {
    if (python === undefined) return this.skip();
    await python.mustBeUnchanged();
    await python.must("destroy", "--yes", "--skip-preview");
    assert.deepEqual(files("python"), {});
  });

  it("refuses in Python what the SDK does not know, and what a component refuses, by name", async function () {
    if (python === undefined) return this.skip();
    const example = python;
    const refusal = async (...change: Change): Promise<string> => {
      const { exitCode, output } = await example.with([change], () => example.pulumi("preview"));
      assert.notEqual(exitCode, 0, output);
      return output;
    };
    assert.match(await refusal("quota=", "quotta="), /unexpected keyword argument 'quotta'/);
    assert.match(
      await refusal('{"pods": 10}', '{"podds": 10}'),
      /quota\.podds is not known; perhaps pods is meant/,
    );
    assert.match(
      await refusal("replicas=1", "replicas=-1"),
      /SandboxDeployment "sandboxes": replicas is -1, but must be a whole number/,
    );
  });

  it("takes no package from Python's registry whose hash is another than the pinned one", async function () {
    const interpreter = await ensurePython();
    if (interpreter === undefined) return this.skip();
    const requirements = join(examples.root, "requirements.txt");
    writeFileSync(requirements, `parver==1.0.1.post0 --hash=sha256:${"0".repeat(64)}\n`);
    await assert.rejects(() => pythonPackages(interpreter, requirements), /DO NOT MATCH THE HASHES/);
  });
});
