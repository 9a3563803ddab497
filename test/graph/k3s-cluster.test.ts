// What K3sCluster registers: names, parents, options, inputs.
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import { K3sCluster, ImagePullPolicy, PortProtocol, type K3sClusterArgs } from "@sandlot/components";

import { record, recordFailure, type Graph } from "../support/graph";

const given: K3sClusterArgs = { stack: "dev", owner: "/home/me/sandlot/.sandlot" };
const labels = [
  { label: "sandlot.dev/owner", value: "/home/me/sandlot/.sandlot" },
  { label: "sandlot.dev/stack", value: "dev" },
];

function cluster(args: Partial<K3sClusterArgs> = {}): Promise<Graph> {
  return record(() => new K3sCluster("cluster", { ...given, ...args }));
}

describe("K3sCluster's graph", () => {
  let graph: Graph;
  before(async () => {
    graph = await cluster();
  });

  it("is a network, a volume, an image, a container and a wait, all its children, all named after it", () => {
    const component = graph.get("cluster");
    assert.equal(component.type, "sandlot:index:K3sCluster");
    const children = graph.childrenOf(component).map(({ name, type }) => `${name} ${type}`);
    assert.deepEqual(children.sort(), [
      "cluster-image docker:index/remoteImage:RemoteImage",
      "cluster-network docker:index/network:Network",
      "cluster-node docker:index/container:Container",
      "cluster-ready command:local:Command",
      "cluster-volume docker:index/volume:Volume",
    ]);
    assert.equal(graph.resources.length, 6);
  });

  it("labels every Docker object with its stack and owner", () => {
    for (const name of ["cluster-network", "cluster-volume", "cluster-node"]) {
      assert.deepEqual(graph.get(name).inputs["labels"], labels, name);
      assert.equal(graph.get(name).inputs["name"], "sandlot-dev", name);
    }
  });

  it("runs a privileged container with a name of its own, restarted unless stopped, its data in the volume", () => {
    const { inputs, deleteBeforeReplace } = graph.get("cluster-node");
    assert.equal(inputs["privileged"], true);
    assert.equal(inputs["hostname"], "sandlot-dev");
    assert.equal(inputs["restart"], "unless-stopped");
    assert.deepEqual(inputs["volumes"], [
      { containerPath: "/var/lib/rancher/k3s", volumeName: "sandlot-dev" },
    ]);
    assert.deepEqual(inputs["networksAdvanced"], [{ name: "sandlot-dev" }]);
    assert.equal(inputs["image"], "sha256:0123456789abcdef");
    assert.equal(deleteBeforeReplace, true, "the name is taken until the old container is gone");
  });

  it("offers the API on the loopback address and nothing else", () => {
    assert.deepEqual(graph.get("cluster-node").inputs["ports"], [
      { external: 6443, internal: 6443, ip: "127.0.0.1", protocol: "tcp" },
    ]);
  });

  it("bounds a pod's processes and leaves out what a sandbox cluster does not need", () => {
    assert.deepEqual(graph.get("cluster-node").inputs["command"], [
      "server",
      "--node-name=sandlot-dev",
      "--disable=traefik",
      "--disable=servicelb",
      "--disable=metrics-server",
      "--kubelet-arg=pod-max-pids=1024",
    ]);
  });

  it("keeps the data when the cluster goes, unless asked not to", async () => {
    assert.equal(graph.get("cluster-volume").retainOnDelete, true);
    assert.equal((await cluster({ retainData: false })).get("cluster-volume").retainOnDelete, false);
  });

  it("keeps the kubeconfig secret: as output, in the command's state and out of logs", () => {
    const component = graph.get("cluster");
    assert.deepEqual(component.secretOutputs, ["kubeconfig"]);
    const ready = graph.get("cluster-ready");
    assert.deepEqual(ready.additionalSecretOutputs, ["stdout"]);
    assert.equal(ready.inputs["logging"], "stderr");
    assert.equal(ready.inputs["addPreviousOutputInEnv"], false);
  });

  it("waits again for a new container", () => {
    const ready = graph.get("cluster-ready");
    assert.deepEqual(ready.inputs["triggers"], ["cluster-node-id"]);
    assert.deepEqual(ready.inputs["environment"], {
      NODE: "sandlot-dev",
      SERVER: "https://127.0.0.1:6443",
      TIMEOUT: "300",
    });
    assert.ok(ready.dependencies.includes(graph.get("cluster-node").urn));
  });

  it("registers its outputs once, and all of them", () => {
    const [outputs, ...more] = graph.get("cluster").registered;
    assert.equal(more.length, 0);
    assert.deepEqual(outputs, {
      kubeconfig: "standard output\n",
      containerName: "sandlot-dev",
      containerId: "cluster-node-id",
      gateway: "172.18.0.1",
      callers: "172.18.0.1/32",
      agents: [],
      nodeName: "sandlot-dev",
      clusterIdentifier: "sandlot-dev",
    });
  });

  it("passes its arguments on to the engine", () => {
    assert.equal(graph.get("cluster").inputs["apiPort"], 6443);
    assert.equal(graph.get("cluster").inputs["owner"], "/home/me/sandlot/.sandlot");
  });

  it("keeps the image when the cluster goes", () => {
    assert.deepEqual(graph.get("cluster-image").inputs, {
      name: "rancher/k3s:v1.34.6-k3s1",
      keepLocally: true,
    });
  });

  it("fetches the image anew or not at all, as the pull policy says", async () => {
    const always = (await cluster({ imagePullPolicy: ImagePullPolicy.Always, image: "k3s:1" })).get(
      "cluster-image",
    );
    assert.equal(always.type, "command:local:Command");
    assert.match(always.inputs["create"] as string, /docker pull/);
    const never = await cluster({ imagePullPolicy: ImagePullPolicy.Never, image: "k3s:1" });
    assert.doesNotMatch(never.get("cluster-image").inputs["create"] as string, /docker pull --quiet/);
    assert.deepEqual(never.get("cluster-image").inputs["environment"], { IMAGE: "k3s:1" });
    assert.equal(never.get("cluster-node").inputs["image"], "standard output");
  });

  it("takes every option to the container", async () => {
    const node = (
      await cluster({
        containerName: "lab",
        apiPort: 7443,
        bindAddress: "0.0.0.0",
        ports: [
          { host: 8080, node: 30080 },
          { host: 5300, node: 30053, protocol: PortProtocol.Udp },
        ],
        environment: { B: "2", A: pulumi.secret("1") },
        memory: 4096,
        cpus: 1.5,
        tlsSans: ["lab.example.com"],
        registryMirrors: [{ registry: "docker.io", endpoints: ["https://mirror.example.com"] }],
        imageArchives: ["/srv/images/sandbox.tar"],
        mounts: [{ source: "/srv/skills", target: "/skills" }],
        podPidsLimit: 256,
        disable: ["traefik"],
        extraServerArgs: ["--kube-apiserver-arg=v=2"],
      })
    ).get("cluster-node");
    const { inputs } = node;
    assert.equal(inputs["name"], "lab");
    assert.deepEqual(inputs["envs"], ["A=1", "B=2"]);
    assert.ok(node.secretInputs.includes("envs[0]"), "a secret stays one");
    assert.equal(inputs["memory"], 4096);
    assert.equal(inputs["cpus"], "1.5");
    assert.deepEqual(inputs["ports"], [
      { external: 7443, internal: 6443, ip: "0.0.0.0", protocol: "tcp" },
      { external: 8080, internal: 30080, ip: "0.0.0.0", protocol: "tcp" },
      { external: 5300, internal: 30053, ip: "0.0.0.0", protocol: "udp" },
    ]);
    assert.deepEqual(inputs["mounts"], [
      {
        type: "bind",
        source: "/srv/images/sandbox.tar",
        target: "/var/lib/rancher/k3s/agent/images/sandbox.tar",
        readOnly: true,
      },
      { type: "bind", source: "/srv/skills", target: "/skills", readOnly: true },
    ]);
    assert.deepEqual(inputs["uploads"], [
      {
        file: "/etc/rancher/k3s/registries.yaml",
        content:
          '{\n  "mirrors": {\n    "docker.io": {\n      "endpoint": [\n        "https://mirror.example.com"\n      ]\n    }\n  }\n}\n',
      },
    ]);
    assert.deepEqual(inputs["command"], [
      "server",
      "--node-name=lab",
      "--disable=traefik",
      "--tls-san=lab.example.com",
      "--kubelet-arg=pod-max-pids=256",
      "--kube-apiserver-arg=v=2",
    ]);
  });

  describe("with agents", () => {
    before(async () => {
      graph = await cluster({
        agents: 2,
        registryMirrors: [{ registry: "docker.io", endpoints: ["https://mirror.example.com"] }],
        memory: 2048,
        mounts: [{ source: "/srv/skills", target: "/skills" }],
        ports: [{ host: 8080, node: 30080 }],
        extraServerArgs: ["--kube-apiserver-arg=v=2", "--kubelet-arg=max-pods=50"],
      });
    });

    it("has for each a volume, a container and a wait, and one token for all", () => {
      const names = graph.childrenOf(graph.get("cluster")).map(({ name, type }) => `${name} ${type}`);
      assert.deepEqual(names.filter((name) => name.includes("agent")).sort(), [
        "cluster-agent-1 docker:index/container:Container",
        "cluster-agent-1-ready command:local:Command",
        "cluster-agent-1-volume docker:index/volume:Volume",
        "cluster-agent-2 docker:index/container:Container",
        "cluster-agent-2-ready command:local:Command",
        "cluster-agent-2-volume docker:index/volume:Volume",
        "cluster-agent-token command:local:Command",
      ]);
    });

    it("leaves the server's resources as they are without agents", async () => {
      const { ports, registryMirrors, memory, mounts, extraServerArgs } = graph.get("cluster")
        .inputs as unknown as K3sClusterArgs;
      const alone = await cluster({ ports, registryMirrors, memory, mounts, extraServerArgs });
      for (const name of ["cluster-network", "cluster-volume", "cluster-node", "cluster-ready"])
        assert.deepEqual(graph.get(name).inputs, alone.get(name).inputs, name);
    });

    it("makes a container like the server's that joins it by its name, publishes nothing and says whose it is", () => {
      const { inputs, deleteBeforeReplace } = graph.get("cluster-agent-2");
      const name = "sandlot-dev-agent-2";
      assert.deepEqual(
        [inputs["name"], inputs["hostname"], inputs["privileged"], inputs["restart"]],
        [name, name, true, "unless-stopped"],
      );
      assert.deepEqual(inputs["command"], [
        "agent",
        "--server=https://sandlot-dev:6443",
        "--token-file=/etc/rancher/k3s/agent-token",
        `--node-name=${name}`,
        "--kubelet-arg=pod-max-pids=1024",
        "--kubelet-arg=max-pods=50",
      ]);
      assert.equal(inputs["ports"], undefined);
      assert.deepEqual(inputs["networksAdvanced"], [{ name: "sandlot-dev" }]);
      assert.deepEqual(inputs["volumes"], [{ containerPath: "/var/lib/rancher/k3s", volumeName: name }]);
      for (const same of ["image", "memory", "mounts", "labels", "hosts"])
        assert.deepEqual(inputs[same], graph.get("cluster-node").inputs[same], same);
      assert.equal(deleteBeforeReplace, true);
      assert.deepEqual(graph.get("cluster-agent-2-volume").inputs, { name, labels });
      assert.equal(graph.get("cluster-agent-2-volume").retainOnDelete, true);
    });

    it("hands the token over in a file, secret wherever it is kept, never in a command line or environment", () => {
      const token = graph.get("cluster-agent-token");
      assert.deepEqual(token.additionalSecretOutputs, ["stdout"]);
      assert.equal(token.inputs["logging"], "stderr");
      const agent = graph.get("cluster-agent-1");
      const uploads = agent.inputs["uploads"] as { file: string; content: string }[];
      assert.deepEqual(
        uploads.map(({ file }) => file),
        ["/etc/rancher/k3s/registries.yaml", "/etc/rancher/k3s/agent-token"],
      );
      assert.equal(uploads[1]?.content, "standard output\n");
      assert.ok(
        agent.secretInputs.some((path) => path.startsWith("uploads")),
        agent.secretInputs.join(", "),
      );
      assert.deepEqual(agent.inputs["envs"], []);
    });

    it("waits for a new container without taking the node down, and drains a node that is no longer wanted", () => {
      const { inputs } = graph.get("cluster-agent-1-ready");
      assert.equal(inputs["triggers"], undefined, "a trigger would replace it, and so drain the node");
      assert.deepEqual(inputs["environment"], {
        SERVER: "sandlot-dev",
        NODE: "sandlot-dev-agent-1",
        CONTAINER: "cluster-agent-1-id",
        TIMEOUT: "300",
      });
      assert.match(inputs["delete"] as string, /kubectl drain .*\n[^]*kubectl delete node/);
    });

    it("says where calls come from: the network that the nodes share", () => {
      const [outputs] = graph.get("cluster").registered;
      assert.equal(outputs?.["callers"], "172.18.0.0/16");
      assert.deepEqual(outputs["agents"], [
        { containerName: "sandlot-dev-agent-1", containerId: "cluster-agent-1-id" },
        { containerName: "sandlot-dev-agent-2", containerId: "cluster-agent-2-id" },
      ]);
    });
  });

  it("refuses more agents than there may be, and a name too long for theirs", async () => {
    for (const [args, says] of [
      [{ agents: 6 }, /agents is 6, but must be a number of nodes from 0 to 5/],
      [{ agents: 1, containerName: "a".repeat(56) }, /containerName is a{56}, which is too long/],
    ] as const) {
      const { error } = await recordFailure(() => new K3sCluster("cluster", { ...given, ...args }));
      assert.match(error.message, says);
    }
  });

  it("registers nothing when an argument is bad", async () => {
    const { error, graph: nothing } = await recordFailure(
      () => new K3sCluster("cluster", { ...given, apiPort: 0 }),
    );
    assert.equal(error.message, 'K3sCluster "cluster": apiPort is 0, but must be a port from 1 to 65535.');
    assert.deepEqual(nothing.names(), []);
  });
});
