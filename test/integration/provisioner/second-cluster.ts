// A second cluster for a test: a node of its own, of the image of the stack's node, that runs sandboxes as the stack's does.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { KubeConfig, NodeV1Api } from "@kubernetes/client-node";

import { node as stackNode } from "../support/cluster.js";
import { output } from "../support/shell.js";
import { TestNode, until } from "../support/test-node.js";
import { kubeconfigPath, sharedSandbox, type Site } from "./stage.js";

export class SecondCluster implements Site {
  /** Apart from those of the stack's cluster, so that one router can reach both. */
  readonly pods = "10.62.0.0/16";
  readonly #folder = mkdtempSync(join(tmpdir(), "sandlot-second-"));
  readonly #node: TestNode;

  private constructor(image: string) {
    this.#node = new TestNode(image);
  }

  /** Starts it; resolves when pods can run. */
  static async start(): Promise<SecondCluster> {
    const image = await output("docker", ["inspect", "-f", "{{.Config.Image}}", stackNode]);
    const made = new SecondCluster(image);
    try {
      await made.#start();
      return made;
    } catch (error) {
      await made.remove();
      throw error;
    }
  }

  get node(): string {
    return this.#node.name;
  }

  get kubeconfig(): string {
    return join(this.#folder, "kubeconfig");
  }

  /** Nothing of it answers from now on, and nobody is told so: as if the way to it were cut. */
  async freeze(): Promise<void> {
    await output("docker", ["pause", this.node]);
  }

  async thaw(): Promise<void> {
    await output("docker", ["unpause", this.node]);
  }

  /** Its machine fails, and all that ran on it ends. */
  async crash(): Promise<void> {
    await output("docker", ["kill", this.node]);
  }

  /** Its machine starts again. */
  async restart(): Promise<void> {
    await output("docker", ["start", this.node]);
  }

  async remove(): Promise<void> {
    await this.#node.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    await this.#node.start(`--cluster-cidr=${this.pods}`, "--service-cidr=10.63.0.0/16");
    const ready = (status: string): boolean => status === "True";
    const path = '{.status.conditions[?(@.type=="Ready")].status}';
    await until("the second node is Ready", () => this.#node.jsonPath("node", "node", path), ready, 120);
    const { image, runtimeClassName } = await sharedSandbox();
    const copy =
      'set -e; docker exec "$1" ctr -n k8s.io images export - "$3" | docker exec -i "$2" ctr -n k8s.io images import -';
    await output("sh", ["-c", copy, "sh", stackNode, this.node, await this.#fullName(image)]);
    if (runtimeClassName !== undefined) await this.#copyRuntimeClass(runtimeClassName);
    // By the node's address: ports that the engine chooses change when the container starts again.
    const server = `https://${await this.#node.address()}:6443`;
    writeFileSync(this.kubeconfig, withServer(this.#node.kubeconfig, server));
    const account = () => this.#node.tryKubectl(["get", "serviceaccount", "default"]);
    await until("accounts are made", account, ({ code }) => code === 0, 60);
  }

  /** As containerd knows it: with the registry that is meant where none is named. */
  async #fullName(image: string): Promise<string> {
    const names = await output("docker", ["exec", stackNode, "ctr", "-n", "k8s.io", "images", "ls", "-q"]);
    const found = names.split("\n").find((name) => name === image || name.endsWith(`/${image}`));
    if (found === undefined) throw new Error(`the stack's node has no image ${image}`);
    return found;
  }

  async #copyRuntimeClass(name: string): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigPath);
    const { handler } = await config.makeApiClient(NodeV1Api).readRuntimeClass({ name });
    const runtimeClass = { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata: { name }, handler };
    await this.#node.apply(JSON.stringify(runtimeClass));
  }
}

/** A kubeconfig of one cluster that leads to another address. */
export function withServer(kubeconfig: string, server: string): string {
  return kubeconfig.replace(/(server: ).*/, `$1${server}`);
}
