// What the plugin stand-ins do with inputs before anything is made: refusals, defaults, differences, secrets, unknowns.
import assert from "node:assert/strict";

import * as fc from "fast-check";

import { containerResource } from "../../../toolchain/plugins/docker/container.js";
import { networkResource } from "../../../toolchain/plugins/docker/network.js";
import { volumeResource } from "../../../toolchain/plugins/docker/volume.js";
import { command } from "../../../toolchain/plugins/command/command.js";
import * as provider from "../../../toolchain/plugins/provider/provider.js";
import type { Plugin, Resource } from "../../../toolchain/plugins/provider/resource.js";
import {
  decode,
  encode,
  redact,
  Secret,
  secretTexts,
  Unknown,
  type Properties,
  type Value,
} from "../../../toolchain/plugins/provider/values.js";

const plugin: Plugin = {
  name: "docker",
  version: "5.2.0",
  resources: {},
  functions: {},
  configure: () => undefined,
};
const never = (): never => assert.fail("nothing must be asked of Docker");
const container = containerResource(never);
const volume = volumeResource(never);
const network = networkResource(never);
const seed = new Uint8Array([1, 2, 3]);

function check(resource: Resource, news: Properties, olds: Properties = {}): provider.Checked {
  return provider.check(plugin, resource, "logical", olds, news, seed);
}

function inputsOf(resource: Resource, news: Properties): Properties {
  const { inputs, failures } = check(resource, news);
  assert.deepEqual(failures, []);
  return inputs;
}

function difference(resource: Resource, before: Properties, after: Properties): provider.Difference {
  return provider.diff(resource, inputsOf(resource, before), inputsOf(resource, after));
}

const minimal = { name: "c", image: "i" };

describe("plugin stand-ins: Check", () => {
  const refusals: [string, Resource, Properties, string][] = [
    [
      "an argument that is not supported",
      container,
      { ...minimal, gpus: "all" },
      "does not support the argument gpus of Container",
    ],
    [
      "one inside an object",
      container,
      { ...minimal, mounts: [{ type: "bind", target: "/x", consistency: "x" }] },
      "mounts[0].consistency",
    ],
    ["a missing argument", container, { name: "c" }, "the argument image is missing"],
    [
      "a wrong type",
      container,
      { ...minimal, privileged: "yes" },
      'privileged is "yes"; allowed: true or false',
    ],
    [
      "a port out of range",
      container,
      { ...minimal, ports: [{ internal: 70000 }] },
      "ports[0].internal is 70000; allowed: a whole number from 0 to 65535",
    ],
    [
      "an unknown protocol",
      container,
      { ...minimal, ports: [{ internal: 1, protocol: "icmp" }] },
      'allowed: "tcp", "udp", "sctp"',
    ],
    [
      "a restart policy",
      container,
      { ...minimal, restart: "sometimes" },
      'restart is "sometimes"; allowed: "no", "on-failure"',
    ],
    [
      "a relative path",
      container,
      { ...minimal, volumes: [{ hostPath: "here", containerPath: "/x" }] },
      "an absolute path",
    ],
    ["a number of CPUs", container, { ...minimal, cpus: "many" }, 'a number of CPUs such as "1.5"'],
    [
      "a duration",
      container,
      { ...minimal, healthcheck: { tests: ["CMD"], interval: "soon" } },
      "healthcheck.interval",
    ],
    ["a map's value", container, { ...minimal, sysctls: { a: 1 } }, "sysctls.a is 1"],
    ["a name", volume, { name: "no spaces" }, "letters, digits"],
    [
      "an upload of two things",
      container,
      { ...minimal, uploads: [{ file: "/x", content: "a", source: "/b" }] },
      "content and source",
    ],
    [
      "a volume of two sources",
      container,
      { ...minimal, volumes: [{ hostPath: "/a", volumeName: "b", containerPath: "/c" }] },
      "both hostPath and volumeName",
    ],
    [
      "a volume without a place",
      container,
      { ...minimal, volumes: [{ volumeName: "b" }] },
      "neither containerPath nor fromContainer",
    ],
    ["asset paths of a command", command, { assetPaths: ["*"] }, "assetPaths"],
    ["a logging mode", command, { logging: "all" }, 'allowed: "stdout", "stderr", "stdoutAndStderr", "none"'],
  ];
  for (const [what, resource, inputs, message] of refusals) {
    it(`refuses ${what}`, () => {
      const { failures } = check(resource, inputs);
      assert.equal(failures.length, 1, JSON.stringify(failures));
      assert.ok(failures[0]?.reason.includes(message), failures[0]?.reason);
    });
  }

  it("fills in the official defaults and notes which", () => {
    const inputs = inputsOf(container, { ...minimal, ports: [{ internal: 1 }] });
    assert.equal(inputs["restart"], "no");
    assert.equal(inputs["mustRun"], true);
    assert.deepEqual(inputs["ports"], [
      { internal: 1, ip: "0.0.0.0", protocol: "tcp", __defaults: ["ip", "protocol"] },
    ]);
    assert.ok((inputs["__defaults"] as string[]).includes("restart"));
    assert.ok(!(inputs["__defaults"] as string[]).includes("image"));
  });

  it("makes a name from the logical one, the same in preview and update, and keeps it", () => {
    const first = inputsOf(volume, {});
    assert.match(first["name"] as string, /^logical-[0-9a-f]{7}$/);
    assert.deepEqual(inputsOf(volume, {}), first);
    const later = provider.check(plugin, volume, "logical", first, {}, new Uint8Array([9]));
    assert.equal(later.inputs["name"], first["name"]);
  });

  it("lets unknown values pass, at any depth", () => {
    const { failures, inputs } = check(container, {
      ...minimal,
      image: Unknown.value,
      ports: [{ internal: Unknown.value }],
      volumes: Unknown.value,
      uploads: [Unknown.value],
      envs: ["A=1", Unknown.value],
    });
    assert.deepEqual(failures, []);
    assert.equal(inputs["image"], Unknown.value);
  });

  it("keeps secrets secret, exactly where they are", () => {
    const { inputs } = check(container, {
      ...minimal,
      envs: ["A=1", new Secret("B=2")],
      ports: [{ internal: new Secret(8080) }],
    });
    assert.deepEqual(inputs["envs"], ["A=1", new Secret("B=2")]);
    const [port] = inputs["ports"] as Properties[];
    assert.deepEqual(port?.["internal"], new Secret(8080));
    assert.equal(port["protocol"], "tcp");
  });
});

describe("plugin stand-ins: Diff", () => {
  it("sees nothing where only the order of a set, an empty list or a secret mark differs", () => {
    const labels = [
      { label: "a", value: "1" },
      { label: "b", value: "2" },
    ];
    const before = { ...minimal, labels, envs: ["A=1", "B=2"], dns: [] };
    const after = { ...minimal, labels: labels.toReversed(), envs: ["B=2", new Secret("A=1")] };
    assert.deepEqual(difference(container, before, after).changes, []);
  });

  it("updates limits and restart policy in place", () => {
    const { changes, deleteBeforeReplace } = difference(
      container,
      { ...minimal, memory: 1 },
      { ...minimal, memory: 2, restart: "always" },
    );
    assert.deepEqual(changes, [
      { path: "memory", kind: "update", replaces: false },
      { path: "restart", kind: "update", replaces: false },
    ]);
    assert.equal(deleteBeforeReplace, false);
  });

  it("replaces for the rest, the old container first, and tells the exact path", () => {
    const ports = (external: number): Properties => ({ ...minimal, ports: [{ internal: 1, external }] });
    const { changes, deleteBeforeReplace } = difference(container, ports(2), ports(3));
    assert.deepEqual(changes, [{ path: "ports[0].external", kind: "update", replaces: true }]);
    assert.equal(deleteBeforeReplace, true);
  });

  it("tells additions from removals, in maps with keys that need quotes too", () => {
    const sysctls = (map: Record<string, string>): Properties => ({ ...minimal, sysctls: map });
    const { changes } = difference(
      container,
      sysctls({ "net.a": "1", plain: "1" }),
      sysctls({ "net.b": "1", plain: "2" }),
    );
    assert.deepEqual(
      changes.map(({ path, kind }) => [path, kind]),
      [
        ['sysctls["net.a"]', "delete"],
        ['sysctls["net.b"]', "add"],
        ["sysctls.plain", "update"],
      ],
    );
  });

  it("counts something unknown as a change", () => {
    const { changes } = difference(container, minimal, { ...minimal, image: Unknown.value });
    assert.deepEqual(changes, [{ path: "image", kind: "update", replaces: true }]);
  });

  it("makes a network of a given name anew only after the old one is gone", () => {
    const given = difference(network, { name: "n", driver: "bridge" }, { name: "n", driver: "macvlan" });
    assert.equal(given.deleteBeforeReplace, true);
    const renamed = difference(network, { name: "n" }, { name: "m" });
    assert.equal(renamed.deleteBeforeReplace, false);
    const generated = difference(network, { driver: "bridge" }, { driver: "macvlan" });
    assert.equal(generated.deleteBeforeReplace, false);
  });

  it("replaces a command on a trigger, unless it has a command for updates", () => {
    const replaces = (more: Properties): boolean | undefined =>
      difference(command, { triggers: [1], ...more }, { triggers: [2], ...more }).changes[0]?.replaces;
    assert.equal(replaces({ create: "x" }), true);
    assert.equal(replaces({ create: "x", update: "y" }), false);
    assert.equal(difference(command, { create: "x" }, { create: "y" }).changes[0]?.replaces, false);
  });

  it("never sees a difference between equal inputs", () => {
    const environment = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(environment, fc.array(fc.string()), (map, envs) => {
        assert.deepEqual(
          difference(container, { ...minimal, tmpfs: map, envs }, { ...minimal, tmpfs: map, envs }).changes,
          [],
        );
      }),
    );
  });
});

describe("plugin stand-ins: previews", () => {
  it("knows of a container to come what its arguments say, and of its ports what Docker will not choose", () => {
    const outputs = provider.previewCreate(
      container,
      inputsOf(container, { ...minimal, ports: [{ internal: 1 }, { internal: 2, external: 3 }] }),
    );
    assert.equal(outputs["name"], "c");
    assert.equal(outputs["networkDatas"], Unknown.value);
    const [free, fixed] = outputs["ports"] as Properties[];
    assert.equal(free?.["external"], Unknown.value);
    assert.equal(fixed?.["external"], 3);
  });

  it("does not know a command's next output, and marks it secret when an argument is", () => {
    const inputs = inputsOf(command, { create: "x", environment: { A: new Secret("abcd") } });
    assert.deepEqual(provider.previewCreate(command, inputs)["stdout"], new Secret(Unknown.value));
    const outputs = provider.previewUpdate(
      command,
      { stdout: "old", stderr: "" },
      inputsOf(command, { create: "y" }),
    );
    assert.equal(outputs["stdout"], Unknown.value);
    assert.equal(outputs["create"], "y");
  });
});

describe("plugin stand-ins: property values", () => {
  const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.string().filter((text) => !/^[0-9a-f]{8}-/.test(text)),
      fc.integer(),
      fc.boolean(),
      fc.constant(Unknown.value),
      fc.array(tie("value")),
      fc
        .dictionary(
          fc.string({ maxLength: 8 }).filter((key) => key !== "__proto__"),
          tie("value"),
        )
        .map((entries) => ({ ...entries })),
      tie("value").map((inner) => new Secret(inner)),
    ),
  })).value;

  it("survive the way to the engine and back", () => {
    fc.assert(
      fc.property(value, (original) => {
        assert.deepEqual(decode(JSON.parse(JSON.stringify(encode(original)))), original);
      }),
    );
  });

  it("are taken out of messages when secret", () => {
    const secrets = secretTexts({ a: new Secret(["hush-hush", "abc"]), b: "plain" });
    assert.deepEqual(secrets, ["hush-hush"]);
    assert.equal(redact("it says hush-hush plain", secrets), "it says [secret] plain");
  });
});
