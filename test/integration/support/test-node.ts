// A node of the node image with names, ports and a volume of its own, for one test file.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { attempt, output, type Finished } from "./shell.js";
import { ensureTestbox, loadImage, testboxImage, testboxReference } from "./testbox.js";

const fixtures = fileURLToPath(new URL("../node-image", import.meta.url));

/** By this a later run finds what one that was cut off has left: see commands/support/test-remains.ts. */
const label = ["--label", "sandlot.dev/stack=test-node"];

/** The node, and how the tests talk to it. */
export class TestNode {
  readonly name = `sandlot-test-node-${process.pid}`;
  private readonly handover = mkdtempSync(join(tmpdir(), "sandlot-test-node-"));

  constructor(private readonly image: string) {}

  /** Where the container's kubeconfig is handed over. */
  get kubeconfig(): string {
    return readFileSync(join(this.handover, "kubeconfig"), "utf8");
  }

  /** Starts a container on the node's volume, as the K3sCluster component does; it may be there already. */
  async start(...serverFlags: string[]): Promise<void> {
    await attempt("docker", ["network", "create", ...label, this.name]);
    await output("docker", ["volume", "create", ...label, this.name]);
    const publish = ["-p", "127.0.0.1::6443", "-p", "127.0.0.1::30080"];
    const volumes = ["-v", `${this.name}:/var/lib/rancher/k3s`, "-v", `${this.handover}:/output`];
    const env = ["-e", "K3S_KUBECONFIG_OUTPUT=/output/kubeconfig", "-e", "K3S_KUBECONFIG_MODE=644"];
    const identity = ["--name", this.name, "--hostname", "node", "--network", this.name];
    const server = ["server", "--tls-san=127.0.0.1", "--disable=traefik", ...serverFlags];
    await output("docker", [
      "run",
      "-d",
      "--privileged",
      ...label,
      ...identity,
      ...publish,
      ...volumes,
      ...env,
      this.image,
      ...server,
    ]);
  }

  /** Removes all that {@link start} made, whatever state it is in. */
  async remove(): Promise<void> {
    await attempt("docker", ["rm", "-f", "-v", this.name]);
    await attempt("docker", ["volume", "rm", this.name]);
    await attempt("docker", ["network", "rm", this.name]);
    rmSync(this.handover, { recursive: true, force: true });
  }

  /** Removes the container only. */
  async removeContainer(): Promise<void> {
    await output("docker", ["rm", "-f", "-v", this.name]);
  }

  /** Puts the test image onto the node. */
  async loadTestbox(): Promise<void> {
    await ensureTestbox();
    await loadImage(this.name, testboxImage);
  }

  /** Where a port of the node is published on this machine, as host:port. */
  async published(port: number): Promise<string> {
    const lines = await output("docker", ["port", this.name, `${port}/tcp`]);
    return lines.split("\n")[0] ?? "";
  }

  /** The address that the engine has in the node's network. */
  gateway(): Promise<string> {
    return output("docker", ["network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", this.name]);
  }

  address(): Promise<string> {
    const format = `{{(index .NetworkSettings.Networks "${this.name}").IPAddress}}`;
    return output("docker", ["inspect", "-f", format, this.name]);
  }

  /** Runs a program on the node. */
  run(...args: string[]): Promise<string> {
    return output("docker", ["exec", this.name, ...args]);
  }

  /** Runs kubectl; its output must be a success. */
  kubectl(...args: string[]): Promise<string> {
    return this.run("kubectl", ...args);
  }

  /** Runs kubectl, whatever comes of it. */
  tryKubectl(args: readonly string[], input?: string): Promise<Finished> {
    return attempt("docker", ["exec", "-i", this.name, "kubectl", ...args], { input });
  }

  /** Applies a manifest. */
  async apply(manifest: string, ...args: string[]): Promise<void> {
    await output("docker", ["exec", "-i", this.name, "kubectl", "apply", ...args, "-f", "-"], {
      input: manifest,
    });
  }

  /** A shell command in a pod: its output, or undefined when it fails. */
  async inPod(pod: string, command: string): Promise<string | undefined> {
    const { code, stdout } = await this.tryKubectl(["exec", pod, "--", "sh", "-c", command]);
    return code === 0 ? stdout : undefined;
  }

  /** What a pod gets from a URL: the page, or undefined when it cannot be had within a second. */
  fetchFrom(pod: string, url: string): Promise<string | undefined> {
    return this.inPod(pod, `timeout 1 wget -qO- ${url}`);
  }

  jsonPath(kind: string, name: string, path: string): Promise<string> {
    return this.kubectl("get", kind, name, "-o", `jsonpath=${path}`);
  }
}

/** A fixture with the test image and further words in capitals filled in. */
export function fixture(name: string, values: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({ TESTBOX: testboxReference, ...values });
  return all.reduce(
    (text, [word, value]) => text.replaceAll(word, value),
    readFileSync(join(fixtures, name), "utf8"),
  );
}

/** Waits until `probe` gives what is wanted; fails with what it gave last. */
export async function until<T>(
  what: string,
  probe: () => Promise<T>,
  wanted: (value: T) => boolean,
  seconds = 30,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const value = await probe().catch((error: unknown) => error);
    if (!(value instanceof Error) && wanted(value as T)) return value as T;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}; last: ${String(value)}`);
    await sleep(200);
  }
}
