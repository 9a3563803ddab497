// The policy pack, run by the real engine: against good stacks, against stacks in which every violation was planted, and against
// what no preview can know. The cases are those of test/policy; here it is the engine that hands objects over, fills in
// configuration and decides what a violation stops.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { rules } from "../../policies/rules.js";
import { allowed, notKnownYet, refused } from "../policy/cases/index.js";
import { spoilt, type Spoil } from "../policy/cases/case.js";
import type { Resource } from "../support/policy.js";
import { goodStack } from "../support/policy-objects.js";
import { makePolicyProject, type EngineViolation, type PolicyProject } from "./support/policy-project.js";

const configs = fileURLToPath(new URL("../../policies/config/", import.meta.url));

/** A case as a stack of its own, whose resources' names begin with `home`. */
interface CaseStack<Case> {
  readonly of: Case;
  readonly home: string;
  readonly stack: Record<string, Resource>;
}

/** Cases to be previewed together. Each provider is a process, so that only those stay that a case is about. */
function stacksOf<Case extends { rule: string; spoil: Spoil }>(
  cases: readonly Case[],
  prefix: string,
): CaseStack<Case>[] {
  return cases.map((each, i) => {
    const home = `${prefix}-${i}`;
    const { provider, ...stack } = spoilt(home, each.spoil);
    const isAboutIt = provider !== undefined && each.rule === "cluster-identifier";
    return { of: each, home, stack: isAboutIt ? { ...stack, provider } : stack };
  });
}

/** The violations of each case's own rule in its own stack. */
function ownViolations(
  violations: readonly EngineViolation[],
  stacks: readonly CaseStack<{ rule: string }>[],
): EngineViolation[] {
  return violations.filter(({ policyName, resource }) =>
    stacks.some(({ of, home }) => resource.startsWith(`${home}-`) && of.rule === policyName),
  );
}

/** The stack's one part. */
function pick(stack: Record<string, Resource>, part: string): Record<string, Resource> {
  const only = stack[part];
  return only === undefined ? {} : { [part]: only };
}

const resourcesOf = (stacks: readonly { stack: Record<string, Resource> }[]): Resource[] =>
  stacks.flatMap(({ stack }) => Object.values(stack));

describe("the policy pack, with the engine", function () {
  this.timeout(300_000);
  let project: PolicyProject;

  before(async () => {
    project = await makePolicyProject();
  });

  after(() => {
    project.remove();
  });

  /** Previews what must be judged to its end, one by one and all together. */
  async function preview(
    resources: readonly Resource[],
    config: string,
  ): Promise<readonly EngineViolation[]> {
    const { output, seen, violations, hasJudgedStack } = await project.run("preview", resources, config);
    const missed = resources.flatMap(({ name = "" }) => (seen.has(name) ? [] : [name]));
    assert.deepEqual(missed, [], output);
    assert.ok(hasJudgedStack, output);
    return violations;
  }

  for (const file of ["development.json", "production.json"]) {
    it(`lets a good stack through, as ${file} configures it`, async () => {
      const { exitCode, output, violations } = await project.run(
        "preview",
        Object.values(goodStack("good")),
        `${configs}${file}`,
      );
      assert.deepEqual(violations, []);
      assert.equal(exitCode, 0, output);
    });
  }

  describe("against stacks in which violations were planted", () => {
    // Patches and Releases have no place among YAML files: the Kubernetes plugin ends a preview at the first of them.
    const isHidden = ({ rule }: { rule: string }): boolean => rule === "no-hidden-objects";
    const shown = stacksOf(
      refused.filter((each) => !isHidden(each)),
      "bad",
    );
    const hidden = stacksOf(refused.filter(isHidden), "hidden");
    const planted = [...shown, ...hidden];
    let violations: EngineViolation[];

    before(async () => {
      violations = [...(await preview(resourcesOf(shown), `${configs}production.json`))];
      for (const { stack } of hidden) {
        const alone = resourcesOf([{ stack: pick(stack, "hidden") }]);
        const result = await project.run("preview", alone, `${configs}production.json`);
        assert.notEqual(result.exitCode, 0, result.output);
        violations.push(...result.violations);
      }
    });

    it("says so of nothing but what was planted", () => {
      const stray = violations.filter(
        ({ policyName, resource }) =>
          !planted.some(
            ({ of, stack }) => stack[of.on]?.name === resource && [of.rule, ...of.also].includes(policyName),
          ),
      );
      assert.deepEqual(stray, []);
    });

    it("has every rule of the pack in a stack", () => {
      const fired = new Set(violations.map(({ policyName }) => policyName));
      assert.deepEqual(
        rules.map(({ name }) => name).filter((name) => !fired.has(name)),
        [],
      );
    });

    for (const { of, stack } of planted) {
      const { rule, title, on, message } = of;
      it(`${rule}: ${title}`, () => {
        const resource = stack[on]?.name;
        const found = violations.filter((each) => each.policyName === rule && each.resource === resource);
        assert.ok(found.length > 0, "there is a violation where it was planted");
        assert.match(found.map((each) => each.message).join("\n"), message);
        for (const each of found) assert.equal(each.enforcementLevel, "mandatory");
      });
    }
  });

  it("lets through what only looks near", async () => {
    const near = allowed.filter(({ config }) => config === undefined);
    const stacks = stacksOf(near, "near");
    const violations = await preview(resourcesOf(stacks), `${configs}production.json`);
    assert.deepEqual(ownViolations(violations, stacks), []);
  });

  it("waits for the update to know what a preview cannot", async () => {
    const stacks = stacksOf(notKnownYet, "unknown");
    const violations = await preview(resourcesOf(stacks), `${configs}production.json`);
    assert.deepEqual(ownViolations(violations, stacks), []);
    // What a rule cannot know, and stumbles over, the engine turns into a warning of its own.
    assert.deepEqual(
      violations.filter((each) => each.message.includes("can't run policy")),
      [],
    );
  });

  it("is told exceptions and settings by a file", async () => {
    const asked = refused.filter(({ rule }) =>
      ["service-types", "no-host-ports", "seccomp-profile"].includes(rule),
    );
    const stacks = stacksOf(asked, "told");
    const config = project.configFile({
      // The good stacks' own Services are of type ClusterIP.
      "service-types": { allowed: ["ClusterIP", "NodePort", "LoadBalancer"] },
      "no-host-ports": { exclude: ["::told-\\d+-deployment$"] },
    });
    const violations = await preview(resourcesOf(stacks), config);
    assert.deepEqual([...new Set(violations.map(({ policyName }) => policyName))], ["seccomp-profile"]);
  });

  it("refuses configuration that its rules do not know", async () => {
    const config = project.configFile({ "service-types": { allowed: ["Anything"] } });
    const { exitCode, output } = await project.run("preview", [], config);
    assert.notEqual(exitCode, 0);
    assert.match(output, /allowed\.0 must be one of the following/);
  });

  it("stops an update before what is refused is written, and only warns of what is advisory", async () => {
    const project = await makePolicyProject();
    const [root] = stacksOf(
      refused.filter(({ rule }) => rule === "no-host-namespaces"),
      "stopped",
    );
    assert.ok(root);
    const stopped = await project.run("up", Object.values(root.stack), `${configs}production.json`);
    assert.notEqual(stopped.exitCode, 0);
    assert.deepEqual(
      stopped.violations.map(({ policyName }) => policyName),
      ["no-host-namespaces"],
    );
    const written = (): string[] =>
      existsSync(project.rendered) ? readdirSync(project.rendered, { recursive: true }).map(String) : [];
    assert.deepEqual(
      written().filter((file) => file.includes("deployment")),
      [],
    );

    const config = project.configFile({ "no-host-namespaces": "advisory" });
    const warned = await project.run("up", Object.values(root.stack), config);
    assert.equal(warned.exitCode, 0, warned.output);
    assert.deepEqual(
      warned.violations.map(({ policyName, enforcementLevel }) => [policyName, enforcementLevel]),
      [["no-host-namespaces", "advisory"]],
    );
    assert.equal(written().filter((file) => file.includes("deployment")).length, 1);
    project.remove();
  });
});
