// Every rule of the policy pack, called directly: what it lets through, what it refuses, what it cannot know yet, and that it can
// be told exceptions. Each case spoils a good stack in one place, and all rules judge all of it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import type { Policies } from "@pulumi/policy";

import { groups } from "../../policies/lib/rule";
import { rules } from "../../policies/rules";
import { urnOf, violations, type Resource, type Violation } from "../support/policy";
import { goodStack, podTemplate, type Fields } from "../support/policy-objects";
import { allowed, notKnownYet, refused } from "./cases";
import { spoilt } from "./cases/case";

type Rule = Policies[number];

function rule(name: string): Rule {
  const found = rules.find((each) => each.name === name);
  assert.ok(found, `there is a rule ${name}`);
  return found;
}

/** What all rules find, by their defaults. */
async function findings(
  stack: Readonly<Record<string, Resource>>,
): Promise<(Violation & { rule: string })[]> {
  const found = await Promise.all(
    rules.map(async (each) =>
      (await violations(each, Object.values(stack))).map((one) => ({ ...one, rule: each.name })),
    ),
  );
  return found.flat();
}

describe("the policy pack", () => {
  it("has at least 25 rules, one a file, named like it", () => {
    const files = readdirSync(join(__dirname, "../../policies/rules"));
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), files.sort());
    assert.ok(rules.length >= 25);
  });

  it("says of every rule what it wants, how grave it is, what to do, and can be told exceptions", () => {
    for (const each of rules) {
      assert.match(each.name, /^[a-z]+(?:-[a-z]+)*$/);
      assert.match(each.description, /^[A-Z].*\.$/, each.name);
      assert.ok(["low", "medium", "high", "critical"].includes(each.severity ?? ""), each.name);
      assert.match(each.remediationSteps ?? "", /^[A-Z].*[^.]$/, each.name);
      assert.match(each.url ?? "", /^https:/, each.name);
      assert.ok(["mandatory", "advisory"].includes(each.enforcementLevel ?? ""), each.name);
      assert.ok(
        groups.some((group) => each.tags?.includes(group)),
        each.name,
      );
      const settings = Object.entries(each.configSchema?.properties ?? {});
      assert.ok(
        settings.some(([name]) => name === "exclude"),
        each.name,
      );
      for (const [name, schema] of settings) {
        assert.ok(schema.description, `${each.name}.${name} has a description`);
        assert.notEqual(schema.default, undefined, `${each.name}.${name} has a default`);
      }
    }
  });

  it("has, for every rule, a case that it refuses and one that it cannot know", () => {
    for (const { name } of rules) {
      assert.ok(
        refused.some((each) => each.rule === name),
        `something refused by ${name}`,
      );
      assert.ok(
        notKnownYet.some((each) => each.rule === name),
        `something unknown to ${name}`,
      );
    }
    for (const each of [...refused, ...allowed, ...notKnownYet]) rule(each.rule);
  });

  it("lets a good stack through", async () => {
    assert.deepEqual(await findings(goodStack("good")), []);
  });

  it("waits for the update where not even metadata are known", async () => {
    const stack = Object.fromEntries(
      Object.entries(goodStack("good")).map(([part, resource]) => [part, { ...resource, props: {} }]),
    );
    const stackRules = rules.filter((each) => "validateStack" in each).map(({ name }) => name);
    const found = await findings(stack);
    assert.deepEqual(
      found.filter((each) => stackRules.includes(each.rule)),
      [],
    );
  });

  for (const { rule: name, title, spoil, on, message, also } of refused) {
    it(`${name} refuses: ${title}`, async () => {
      const stack = spoilt("home", spoil);
      const place = stack[on];
      assert.ok(place, `the stack has a part ${on}`);
      const found = await findings(stack);
      const own = found.filter((each) => each.rule === name);
      assert.ok(own.length > 0, "there is a violation");
      assert.match(own.map((each) => each.message).join("\n"), message);
      for (const each of own)
        assert.ok(each.message.endsWith(rule(name).remediationSteps ?? "?"), "says what to do");
      for (const each of found) {
        assert.ok(
          [name, ...also].includes(each.rule),
          `no other rule is violated: ${each.rule}, ${each.message}`,
        );
        assert.equal(each.urn, urnOf(place), "the violation is where it was planted");
      }
      const judge = (exclude: string): Promise<Violation[]> =>
        violations(rule(name), Object.values(stack), { exclude: [exclude] });
      assert.deepEqual(await judge(`::${place.name ?? ""}$`), [], "an exception silences it");
      assert.equal(
        (await judge("::other-stack-")).length,
        own.length,
        "an exception for something else does not",
      );
    });
  }

  for (const { rule: name, title, spoil, config } of allowed) {
    it(`${name} lets through: ${title}`, async () => {
      const stack = Object.values(spoilt("home", spoil));
      assert.deepEqual(await violations(rule(name), stack, config), []);
    });
    if (config === undefined) continue;
    it(`${name} would not, had it not been configured: ${title}`, async () => {
      const stack = Object.values(spoilt("home", spoil));
      assert.notDeepEqual(await violations(rule(name), stack), []);
    });
  }

  for (const { rule: name, title, spoil } of notKnownYet) {
    it(`${name} waits for the update to know: ${title}`, async () => {
      assert.deepEqual(await violations(rule(name), Object.values(spoilt("home", spoil))), []);
    });
  }

  for (const kind of [
    "core/v1:Pod",
    "core/v1:PodTemplate",
    "apps/v1:Deployment",
    "apps/v1:StatefulSet",
    "apps/v1:DaemonSet",
    "apps/v1:ReplicaSet",
    "core/v1:ReplicationController",
    "batch/v1:Job",
    "batch/v1:CronJob",
  ]) {
    it(`sees the pods of ${kind}`, async () => {
      const pod = podTemplate({ spec: { hostNetwork: true } });
      const places: Record<string, Fields> = {
        "core/v1:Pod": pod,
        "core/v1:PodTemplate": { template: pod },
        "batch/v1:CronJob": { spec: { jobTemplate: { spec: { template: pod } } } },
      };
      const props = places[kind] ?? { spec: { template: pod } };
      const found = await violations(rule("no-host-namespaces"), [{ type: `kubernetes:${kind}`, props }]);
      assert.equal(found.length, 1);
    });
  }

  it("leaves alone what only has the name of a Kubernetes kind", async () => {
    const props = { spec: { type: "NodePort" } };
    const type = "kubernetes:serving.example.com/v1:Service";
    assert.deepEqual(await violations(rule("service-types"), [{ type, props }]), []);
  });
});
