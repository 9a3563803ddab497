// What a named environment registers: the build, the node's or the registry's image, the Secret, the record.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import { SandboxEnvironment, SandboxPlatform, type SandboxEnvironmentArgs } from "@sandlot/components";

import { record, recordFailure, type Graph } from "../support/graph";

const base: SandboxEnvironmentArgs = {
  name: "tools",
  namespace: "sandlot",
  sandboxImage: "sandlot/sandbox:0123456789abcdef",
};
const node = { containerName: "sandlot-dev", containerId: "c0ffee" };

/** What the build says, as the script would. */
const outputs = ({ type, inputs }: { type: string; inputs: unknown }): Record<string, unknown> => {
  const { environment } = inputs as { environment?: Record<string, string> };
  const image = environment?.["IMAGE"] ?? "";
  const said = environment?.["PUSH"] === undefined ? image : `${image}@sha256:${"a".repeat(64)}`;
  return type === "command:local:Command" && environment?.["DOCKERFILE"] !== undefined
    ? { stdout: `${said}\n` }
    : {};
};

const environment = (args: Partial<SandboxEnvironmentArgs> = {}): Promise<Graph> =>
  record(() => new SandboxEnvironment("tools", { ...base, ...args }), { outputs });

function recordOf(graph: Graph): { image: string; imagePullSecrets: string[]; runtimeClassName?: string } {
  const { metadata, data } = graph.get("tools-record").inputs as {
    metadata: { name: string; labels: Record<string, string> };
    data: Record<string, string>;
  };
  assert.equal(metadata.name, "sandbox-environment-tools");
  assert.equal(metadata.labels["sandlot.dev/environment"], "tools");
  return JSON.parse(data["environment.json"] ?? "") as ReturnType<typeof recordOf>;
}

describe("SandboxEnvironment's graph", () => {
  it("with nothing to build: the record alone", async () => {
    const graph = await environment();
    assert.deepEqual(
      graph.names().filter((name) => name.startsWith("tools-")),
      ["tools-record"],
    );
    assert.equal(recordOf(graph).image, base.sandboxImage);
    assert.equal(recordOf(await environment({ image: "team/tools:1" })).image, "team/tools:1");
  });

  it("builds, loads into the node, and writes the record when pods could use it", async () => {
    const graph = await environment({ build: { pip: ["six==1.17.0"] }, node });
    const { environment: values } = graph.get("tools-build").inputs as {
      environment: Record<string, string>;
    };
    assert.match(values["IMAGE"] ?? "", /^sandlot\/environment-tools:[0-9a-f]{16}$/);
    assert.equal(values["REQUIREMENTS"], "six==1.17.0\n");
    assert.equal("PUSH" in values, false);
    const load = graph.get("tools-node-image-load");
    assert.ok(graph.comesAfter(load, graph.get("tools-build")));
    assert.ok(graph.comesAfter(graph.get("tools-record"), load));
    assert.equal(recordOf(graph).image, values["IMAGE"]);
  });

  it("pushes, and names the image by tag and digest", async () => {
    const registry = { repository: "registry.example.com/team/sandboxes" };
    const graph = await environment({ build: { commands: ["true"] }, registry, node });
    assert.match(
      recordOf(graph).image,
      /^registry\.example\.com\/team\/sandboxes:tools-[0-9a-f]{16}@sha256:a{64}$/,
    );
    assert.equal(graph.has("tools-node-image"), false, "what is pushed is pulled by the node");
  });

  it("keeps passwords secret wherever they go", async () => {
    const graph = await environment({
      build: {},
      registry: {
        repository: "registry.example.com/team",
        pushCredentials: { username: "ci", password: "push-word" },
        pullCredentials: { username: "node", password: "pull-word" },
      },
    });
    const build = graph.get("tools-build");
    assert.ok(
      build.secretInputs.some((path) => path.startsWith("environment")),
      build.secretInputs.join(),
    );
    const secret = graph.get("tools-pull-secret");
    assert.ok(secret.secretInputs.length > 0);
    const { stringData, type } = secret.inputs as { stringData: Record<string, string>; type: string };
    assert.equal(type, "kubernetes.io/dockerconfigjson");
    const config = JSON.parse(stringData[".dockerconfigjson"] ?? "") as { auths: Record<string, object> };
    assert.deepEqual(config.auths["registry.example.com"], {
      username: "node",
      password: "pull-word",
      auth: Buffer.from("node:pull-word").toString("base64"),
    });
    assert.deepEqual(recordOf(graph).imagePullSecrets, ["sandbox-environment-tools-pull"]);
    assert.doesNotMatch(JSON.stringify(graph.get("tools-record").inputs), /word/);
    assert.deepEqual(graph.get("tools").secretInputs.toSorted(), [
      "registry.pullCredentials.password",
      "registry.pushCredentials.password",
    ]);
  });

  it("registers nothing when an argument is bad", async () => {
    const { graph } = await recordFailure(() => new SandboxEnvironment("tools", { ...base, poolSize: -1 }));
    assert.deepEqual(graph.names(), []);
  });
});

describe("SandboxPlatform with environments", () => {
  const platform = (environments: { name: string; runtimeClassName?: string }[]) => () => {
    const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
    new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", environments }, { provider });
  };

  it("gives each the platform's RuntimeClass, unless it names another", async () => {
    const graph = await record(platform([{ name: "one" }, { name: "two", runtimeClassName: "kata" }]));
    const runtime = (name: string) => {
      const { data } = graph.get(`sandlot-environment-${name}-record`).inputs as {
        data: Record<string, string>;
      };
      return (JSON.parse(data["environment.json"] ?? "") as { runtimeClassName: string }).runtimeClassName;
    };
    assert.deepEqual([runtime("one"), runtime("two")], ["gvisor", "kata"]);
  });

  it("writes the namespace's priority into each record, which pods of it are made with", async () => {
    const graph = await record(() => {
      const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
      new SandboxPlatform(
        "sandlot",
        {
          image: "sandlot/sandbox:1.0.0",
          namespace: { priority: { className: "sandboxes", value: -10 } },
          provisioner: { image: "sandlot/provisioner:1.0.0", generateKeys: true },
          environments: [{ name: "one" }],
        },
        { provider },
      );
    });
    for (const name of ["one", "default"]) {
      const made = graph.get(`sandlot-environment-${name}-record`);
      const { data } = made.inputs as { data: Record<string, string> };
      const { priorityClassName } = JSON.parse(data["environment.json"] ?? "") as Record<string, string>;
      assert.equal(priorityClassName, "sandboxes");
      assert.ok(graph.comesAfter(made, graph.get("sandlot-home-priority")));
    }
  });

  it("refuses two of one name", async () => {
    const { error } = await recordFailure(platform([{ name: "one" }, { name: "one" }]));
    assert.match(error.message, /two environments are named "one"/);
  });
});
