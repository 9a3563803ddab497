// agent-sandbox in the namespace of the provisioner's stand: a pool of pods like the stack's sandboxes, and claims of it.
import { RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { isTrue, ObjectWatch, type Conditioned } from "../object-watch.js";
import { isReady, PodWatch } from "../pod-watch.js";
import type { Stand } from "../provisioner/stand.js";
import type { Pool } from "../provisioner/warm.js";
import type { Surroundings } from "../surroundings.js";
import type { Release } from "./controller.js";
import * as manifests from "./manifests.js";

const name = "bench";

/** One agent-sandbox. What a claim comes to are the milliseconds until it is seen Ready. */
export class Peer implements Pool<number> {
  private constructor(
    private readonly stand: Stand,
    private readonly sandboxes: ObjectWatch<manifests.SandboxObject>,
    private readonly claims: ObjectWatch<manifests.SandboxObject>,
  ) {}

  /** Installs it in the cluster of `node`, a container. What it leaves there goes with that. */
  static async open(
    stand: Stand,
    release: Release,
    node: string,
    { signal, cleanup, env }: Surroundings,
  ): Promise<{ peer: Peer; close: () => Promise<void> }> {
    const { namespace, cluster } = stand;
    await step(`agent-sandbox ${release.version}`, async () => {
      await define(stand, release);
      const docker = (...args: string[]) => execa("docker", args, { env, cancelSignal: signal });
      await docker("exec", node, "mkdir", "-p", manifests.programFolder);
      await docker("cp", release.program, `${node}:${manifests.programFolder}/${manifests.controller.name}`);
      await startController(stand, release);
    });
    const sandboxes = new ObjectWatch<manifests.SandboxObject>("Sandbox", signal);
    const claims = new ObjectWatch<manifests.SandboxObject>("SandboxClaim", signal);
    await sandboxes.openPath(cluster.config, manifests.paths.sandboxes(namespace));
    await claims.openPath(cluster.config, manifests.paths.claims(namespace));
    const close = cleanup.add("The watches over agent-sandbox's objects", () => {
      sandboxes.close();
      claims.close();
      return Promise.resolve();
    });
    return { peer: new Peer(stand, sandboxes, claims), close };
  }

  /** Sets the size of the pool, which is made when it is asked for first, and waits until so many are Ready. */
  async resize(size: number): Promise<void> {
    const { api, namespace } = this.stand;
    const path = manifests.paths.pools(namespace);
    const { items } = await api.json<{ items: unknown[] }>({ path });
    if (items.length === 0) {
      const labels = this.stand.pod("sandbox", name).metadata?.labels ?? {};
      const template = manifests.sandboxTemplate(name, await this.stand.idlePod(), labels);
      await api.json({ method: "POST", path: manifests.paths.templates(namespace), body: template });
      await api.json({ method: "POST", path, body: manifests.warmPool(name, name, size) });
    } else
      await api.json({
        ...{ method: "PATCH", path: `${path}/${name}`, body: { spec: { replicas: size } } },
        contentType: "application/merge-patch+json",
      });
    await this.filled(size);
  }

  /** Waits until so many are idle and Ready. @returns milliseconds */
  async filled(size: number): Promise<number> {
    const started = performance.now();
    return (await this.sandboxes.untilCount(size, "idle and Ready", manifests.isIdle)) - started;
  }

  /** Nothing: its claims go over connections that are open. */
  prepare(): Promise<void> {
    return Promise.resolve();
  }

  /** Claims a sandbox. @returns milliseconds until its claim is seen Ready */
  async claim(id: string): Promise<number> {
    const { api, namespace } = this.stand;
    const started = performance.now();
    const ready = this.claims.until(id, "Ready", manifests.isReady);
    // Whoever waits hears of it; until then nobody does.
    ready.catch(() => undefined);
    await api.json({
      ...{ method: "POST", path: manifests.paths.claims(namespace) },
      body: manifests.sandboxClaim(id, name),
    });
    return (await ready) - started;
  }

  /** Deletes claims and waits until their pods are gone. */
  async remove(ids: readonly string[]): Promise<void> {
    const { api, namespace, pods } = this.stand;
    const theirs = ids.flatMap((id) => this.claims.get(id)?.status?.sandbox?.name ?? []);
    await Promise.all(
      ids.map((id) => api.json({ method: "DELETE", path: `${manifests.paths.claims(namespace)}/${id}` })),
    );
    await Promise.all(theirs.map((pod) => pods.until(pod, "gone", (seen) => seen === undefined)));
  }
}

/** Defines its resources and waits until the API server serves them. */
async function define(stand: Stand, { definitions }: Release): Promise<void> {
  for (const body of definitions)
    await stand.api.json({ method: "POST", path: manifests.paths.definitions, body });
  for (const { metadata } of definitions) {
    const path = `${manifests.paths.definitions}/${metadata.name ?? ""}`;
    for (;;) {
      if (isTrue(await stand.api.json<Conditioned>({ path }), "Established")) break;
      await stand.settle(100);
    }
  }
}

/** Starts its controller beside the provisioner and waits until it is there. */
async function startController(stand: Stand, { roles }: Release): Promise<void> {
  const { cluster, system: namespace } = stand;
  const { name } = manifests.controller;
  await cluster.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  const rbac = cluster.config.makeApiClient(RbacAuthorizationV1Api);
  for (const body of roles) {
    await rbac.createClusterRole({ body });
    await rbac.createClusterRoleBinding({ body: manifests.binding(body.metadata?.name ?? "", namespace) });
  }
  const pods = new PodWatch(stand.signal);
  await pods.open(cluster.config, namespace, "");
  try {
    const [container] = stand.pod("bare", name).spec?.containers ?? [];
    const body = manifests.controllerPod(namespace, container?.image ?? "");
    await cluster.core.createNamespacedPod({ namespace, body });
    await pods.until(name, "Ready", isReady);
  } finally {
    pods.close();
  }
}
