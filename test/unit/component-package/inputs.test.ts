// What programs in other languages may give: the same as in TypeScript, with the same words where it is wrong.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "@sandlot/components";

import { checkedInputs } from "../../../component-package/inputs";
import type { PackageSpec } from "../../../component-package/generate/spec";
import { resolve as resolveCluster } from "../../../components/k3s-cluster/validate";
import { resolve as resolveNamespace } from "../../../components/sandbox-namespace/args";
import { resolve as resolveSkills } from "../../../components/skills-storage/resolve";

const schema = JSON.parse(
  readFileSync(resolve(__dirname, "../../../component-package/schema.json"), "utf8"),
) as PackageSpec;

const check = (component: string, inputs: pulumi.Inputs): pulumi.Inputs =>
  checkedInputs(schema, `sandlot:index:${component}`, "it", inputs);

/** What a function throws, which must be an ArgumentError. */
function problems(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ArgumentError, String(error));
    return error.problems;
  }
  return assert.fail("nothing is refused");
}

describe("inputs from other languages", () => {
  it("are taken as they are, outputs in their places, nulls left out", () => {
    const namespace = pulumi.output("sandboxes");
    const cidr = pulumi.output("10.0.0.0/8");
    const inputs = check("SandboxNetworkPolicies", {
      namespace,
      clusterCidrs: [cidr, "172.16.0.0/12"],
      dns: null,
      ingressPeers: [{ podLabels: { app: "client" }, cidr: null }],
    });
    assert.equal(inputs["namespace"], namespace);
    assert.deepEqual(Object.keys(inputs), ["namespace", "clusterCidrs", "ingressPeers"]);
    assert.equal((inputs["clusterCidrs"] as unknown[])[0], cidr);
    assert.deepEqual(inputs["ingressPeers"], [{ podLabels: { app: "client" } }]);
  });

  const cases: [string, pulumi.Inputs, string][] = [
    ["SandboxNamespace", { quotta: {} }, "quotta is not known; perhaps quota is meant."],
    ["SandboxNamespace", { quota: { pod: 3 } }, "quota.pod is not known; perhaps pods is meant."],
    [
      "SandboxRbac",
      { namespace: "n", everything: true },
      "everything is not known; there are accounts, namespace, serviceAccountName.",
    ],
    ["SandboxRbac", {}, "namespace is missing; give it."],
    ["SandboxRbac", { namespace: "n", accounts: [{ name: "a" }] }, "accounts[0].rules is missing; give it."],
    ["SandboxNamespace", { name: 7 }, "name is 7, but must be text."],
    ["SandboxNamespace", { quota: { pods: "7" } }, 'quota.pods is "7", but must be a number.'],
    ["SandboxNamespace", { protect: "yes" }, 'protect is "yes", but must be true or false.'],
    ["SandboxNamespace", { quota: [] }, "quota is [], but must be an object."],
    ["SandboxNamespace", { labels: ["a"] }, 'labels is ["a"], but must be a map.'],
    ["SandboxNamespace", { labels: { a: 1 } }, "labels.a is 1, but must be text."],
    [
      "SandboxRbac",
      { namespace: "n", accounts: { name: "a" } },
      'accounts is {"name":"a"}, but must be a list.',
    ],
    [
      "SandboxNamespace",
      { quota: { pods: pulumi.output(3) } },
      "quota.pods is an output, but which resources there are hangs on it, so that it must be known beforehand; give the value itself.",
    ],
    [
      "SandboxEnvironment",
      { name: pulumi.secret("e"), namespace: "n", sandboxImage: "i:1" },
      "name is an output, but which resources there are hangs on it, so that it must be known beforehand; give the value itself.",
    ],
  ];
  for (const [component, inputs, sentence] of cases) {
    it(`are refused: ${sentence}`, () => {
      const [problem, ...others] = problems(() => check(component, inputs));
      assert.equal(problem, `${component} "it": ${sentence}`);
      assert.deepEqual(others, []);
    });
  }

  it("are refused in the words of the component where they are not of an enum", () => {
    const skills = { namespace: "n", source: "Floppy" };
    const priority = { priority: { className: "c", value: 1, preemptionPolicy: "Sometimes" } };
    const cluster = { stack: "s", owner: "o", ports: [{ host: 1, node: 2, protocol: "sctp" }] };
    const both = [
      [() => check("SkillsStorage", skills), () => resolveSkills("it", skills as never)],
      [() => check("SandboxNamespace", priority), () => resolveNamespace("it", priority as never)],
      [() => check("K3sCluster", cluster), () => resolveCluster("it", cluster as never)],
    ] as const;
    for (const [ours, theirs] of both) {
      const [problem = ""] = problems(ours);
      assert.match(problem, /but must be one of /);
      assert.ok(problems(theirs).includes(problem), `${problem}\n${problems(theirs).join("\n")}`);
    }
  });

  it("are refused with every problem at once", () => {
    const all = problems(() => check("SandboxDeployment", { image: 1, replicas: "2", imagePull: "x" }));
    assert.equal(all.length, 5, all.join("\n"));
  });
});
