// A logical name is identity: what an older commit deployed must still be what today's program registers, or the next
// update would delete it and make another. (The engine's own word on it: test/integration/environments/upgrade.test.ts.)
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { deploy } from "../../infra/program";
import { readFixture, versions, type Fixture } from "../fixtures/state/fixture";
import { stackConfiguration } from "../support/stack-configuration";
import { record, type Graph, type RecordedResource } from "../support/graph";

const stack = "upgrade";

/** The URN that the engine gives a resource; the mocks' own leaves out the parents' parents. */
function urnOf(resource: RecordedResource, graph: Graph): string {
  const types = (each: RecordedResource): string[] => {
    const parent = graph.resources.find(({ urn }) => urn === each.parent);
    return parent === undefined || parent.type === "pulumi:pulumi:Stack"
      ? [each.type]
      : [...types(parent), each.type];
  };
  return `urn:pulumi:${stack}::sandlot::${types(resource).join("$")}::${resource.name}`;
}

/** Resources of an older state that nothing of today's program stands for, by URN. */
function orphans(fixture: Fixture, graph: Graph): string[] {
  const known = new Set(graph.resources.flatMap((each) => [urnOf(each, graph), ...each.aliases]));
  return fixture.resources
    .filter(({ type }) => type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:"))
    .map(({ urn }) => urn)
    .filter((urn) => !known.has(urn));
}

describe("identity of resources", () => {
  let root: string;
  let graph: Graph;

  before("today's program with the configuration of then", async () => {
    root = mkdtempSync(join(tmpdir(), "sandlot-identity-"));
    mkdirSync(join(root, "skills"));
    const images = {
      cluster: { image: "sandlot/node:1" },
      sandbox: { image: "sandlot/sandbox:1" },
      provisioner: { image: "sandlot/provisioner:1" },
    };
    graph = await record(() => deploy(root), { stack, config: stackConfiguration("test", images) });
  });

  after(() => {
    rmSync(root, { recursive: true });
  });

  assert.ok(versions.length > 0);
  for (const version of versions) {
    it(`${version}: everything that it deployed is still there under its name, or under an alias of it`, () => {
      assert.deepEqual(orphans(readFixture(version, { root: resolve(root), stack }), graph), []);
    });
  }

  it("would be missed by a rename without an alias, and not by one with an alias", async () => {
    class Part extends pulumi.ComponentResource {
      constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
        super("sandlot:index:Part", name, {}, opts);
        this.registerOutputs({});
      }
    }
    const state = (name: string): Fixture => ({
      version: "then",
      resources: [
        {
          urn: `urn:pulumi:${stack}::sandlot::sandlot:index:Part::${name}`,
          type: "sandlot:index:Part",
          custom: false,
        },
      ],
    });
    const renamed = await record(() => new Part("new"), { stack });
    assert.equal(orphans(state("old"), renamed).length, 1);
    const urn = `urn:pulumi:${stack}::sandlot::sandlot:index:Part::old`;
    const aliased = await record(() => new Part("new", { aliases: [urn] }), { stack });
    assert.deepEqual(orphans(state("old"), aliased), []);
  });
});
