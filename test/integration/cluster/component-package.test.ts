// The components from other languages: the example programs of every language ask for the same resources, those in YAML and Python
// go through the plugin's process, on a real cluster, each in a namespace of its own. Nothing is said here of hosts for other
// languages than those that run: they are given the same schema.
import assert from "node:assert/strict";
import { resolve } from "node:path";

import { kubectl, namespace as stackNamespace, stackDir } from "../support/cluster.js";
import { Examples, type Change, type Example, type Step } from "../support/example-project.js";

const place = "sandlot-test-example";

const pythonPlace = `${place}-python`;

/** Deploys an example, whose walls and sandbox are then looked at in its namespace; a second run would change nothing. */
async function deploys(example: Example, name: string): Promise<void> {
  const jsonpath = async (...args: string[]): Promise<string> => {
    const path = args.pop() ?? "";
    const { ok, output } = await kubectl("get", "-n", name, ...args, "-o", `jsonpath={${path}}`);
    assert.ok(ok, output);
    return output;
  };
  await example.must("up", "--yes", "--skip-preview");
  const outputs = JSON.parse(await example.must("stack", "output", "--json")) as Record<string, unknown>;
  assert.deepEqual(outputs, {
    namespace: name,
    egressProfiles: ["blocked", "allowlist", "open"],
    serviceUrl: `http://sandbox.${name}.svc.cluster.local:8080`,
  });
  assert.equal(await jsonpath("pods", ".items[*].spec.runtimeClassName"), "gvisor");
  assert.equal(await jsonpath("deployment", "sandbox", ".status.readyReplicas"), "1");
  assert.match(await jsonpath("networkpolicy", ".items[*].metadata.name"), /sandbox-deny-all/);
  assert.equal(await jsonpath("resourcequota", "sandbox-quota", ".spec.hard.pods"), "10");
  assert.equal(await jsonpath("rolebinding", "reader", ".subjects[0].name"), "reader");
  await example.mustBeUnchanged();
}

/** The kind of step, type and name for each resource, but for stack and providers. */
const withoutProviders = (steps: readonly Step[]): string[] =>
  steps
    .map(({ op, urn }) => [op, ...urn.split("::").slice(2)].join(" "))
    .filter((step) => !/ pulumi:(?:pulumi:Stack|providers:\w+) /.test(step))
    .sort();

describe("the component package", function () {
  // Minutes where the machine has much else to do.
  this.timeout(600_000);
  let examples: Examples;
  let yaml: Example;
  let python: Example | undefined;
  let config: Record<string, string>;

  before(async () => {
    examples = await Examples.make();
    const path = "jsonpath={.spec.template.spec.containers[0].image}";
    const { output: image } = await kubectl("get", "deployment", "sandbox", "-n", stackNamespace, "-o", path);
    config = { "kubernetes:kubeconfig": resolve(stackDir, "kubeconfig"), image, namespace: place };
    yaml = await examples.stack("yaml", config);
    python = await examples.pythonStack({ ...config, namespace: pythonPlace });
  });

  after(async () => {
    const deployed = [yaml, ...(python === undefined ? [] : [python])];
    await Promise.all(deployed.map((each) => each.pulumi("destroy", "--yes", "--skip-preview")));
    await kubectl("delete", "namespace", place, pythonPlace, "--ignore-not-found", "--timeout=60s");
    examples.remove();
  });

  it("refuses what is not in the schema, and what a component refuses, by name and before anything is made", async () => {
    const refusal = async (...changes: Change[]): Promise<string> => {
      const { exitCode, output } = await yaml.with(changes, () => yaml.pulumi("preview"));
      assert.notEqual(exitCode, 0, output);
      return output;
    };
    const byHost = await refusal(["egress: blocked", "egress: everywhere"], ["quota:", "quotta:"]);
    assert.match(byHost, /everywhere/);
    assert.match(byHost, /quotta/);
    const byComponent = await refusal(["replicas: 1", "replicas: -1"]);
    assert.match(byComponent, /SandboxDeployment "sandboxes": replicas is -1, but must be a whole number/);
  });

  it("makes the same resources from every language, with the provider that it is given", async () => {
    const typescript = await examples.stack("typescript", config);
    const ours = await typescript.preview();
    const withProvider: Change[] = [
      ["resources:\n", "resources:\n  cluster: { type: pulumi:providers:kubernetes }\n"],
      ["quota: { pods: 10 }\n", 'quota: { pods: 10 }\n    options: { providers: ["${cluster}"] }\n'],
    ];
    const theirs = await yaml.with(withProvider, () => yaml.preview());
    assert.ok(ours.length > 15, JSON.stringify(ours));
    assert.deepEqual(withoutProviders(theirs), withoutProviders(ours));
    const namespace = theirs.find(({ urn }) => urn.endsWith("::home-namespace"));
    assert.match(namespace?.newState?.provider ?? "", /::pulumi:providers:kubernetes::cluster::/);
  });

  it("deploys sandboxes behind their walls from YAML, and changes nothing the second time", () =>
    deploys(yaml, place));

  it("deploys sandboxes behind their walls from Python, and changes nothing the second time", async function () {
    if (python === undefined) return this.skip();
    await deploys(python, pythonPlace);
  });
});
