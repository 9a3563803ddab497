// Sandbox pods against bare pods: time from create to Ready, and memory when idle.
import { setTimeout as sleep } from "node:timers/promises";

import { ApiException, type V1PodTemplateSpec } from "@kubernetes/client-node";
import { step } from "@sandlot/toolchain/progress.js";

import type { Cluster } from "./cluster.js";
import { execInPod } from "./exec.js";
import type { Figure } from "./figures.js";
import { podMemory } from "./memory.js";
import { benchLabel, benchPod, type PodKind } from "./pod-manifests.js";
import { isReady, PodWatch } from "./pod-watch.js";
import { residentBytes } from "./sizes.js";
import { summarise, type Summary } from "./statistics.js";
import type { Surroundings } from "./surroundings.js";

const rounds = 10;
const deploymentName = "sandbox";

/** Longer than the kubelet's interval of looking at pods, so that it has seen them idle, in milliseconds. */
const idleMs = 15_000;
const bare = "a bare pod: same image, security context and runtime; sleep, no probes, no volumes";

/** Makes pods in the namespace of the sandboxes, sees when they are Ready, and removes them. */
export class PodBench {
  private readonly watch: PodWatch;

  private constructor(
    private readonly cluster: Cluster,
    private readonly namespace: string,
    private readonly template: V1PodTemplateSpec,
    private readonly signal: AbortSignal,
  ) {
    this.watch = new PodWatch(signal);
  }

  /** Needs a stack that is up. What is left of its pods when the run ends is removed. */
  static async open(
    cluster: Cluster,
    namespace: string,
    { signal, cleanup }: Surroundings,
  ): Promise<{ pods: PodBench; close: () => Promise<void> }> {
    const { spec } = await cluster.apps.readNamespacedDeployment({ name: deploymentName, namespace });
    if (spec === undefined) throw new Error("the Deployment of the sandboxes is empty");
    const bench = new PodBench(cluster, namespace, spec.template, signal);
    await bench.watch.open(cluster.config, namespace, benchLabel);
    // A pod that is left would hold on to the skills' claim, and `make down` would wait for it.
    const close = cleanup.add("The pods of the benchmarks", async () => {
      bench.watch.close();
      await cluster.core.deleteCollectionNamespacedPod({
        namespace,
        labelSelector: benchLabel,
        gracePeriodSeconds: 0,
      });
    });
    return { pods: bench, close };
  }

  /** Milliseconds from the call that creates a pod until the watch says that it is Ready. */
  async create(kind: PodKind, name: string): Promise<number> {
    const { namespace } = this;
    const started = performance.now();
    await this.cluster.core.createNamespacedPod({
      namespace,
      body: benchPod(kind, this.template, { namespace, name }),
    });
    return (await this.watch.until(name, "Ready", isReady)) - started;
  }

  /** Removes a pod and waits until it is gone, so that it takes nothing from what is measured next. */
  async remove(name: string): Promise<void> {
    try {
      await this.cluster.core.deleteNamespacedPod({ name, namespace: this.namespace, gracePeriodSeconds: 0 });
    } catch (error) {
      if (!(error instanceof ApiException && error.code === 404)) throw error;
    }
    await this.watch.until(name, "gone", (pod) => pod === undefined);
  }

  /** Create → Ready, one of each kind in turn, so that whatever else the machine does meets both alike. */
  async startFigures(): Promise<Figure[]> {
    const times: Record<PodKind, number[]> = { sandbox: [], unprobed: [], bare: [] };
    const kinds = Object.keys(times) as PodKind[];
    await step(`Pods from create to Ready, ${rounds} of each kind`, async (progress) => {
      for (let round = 0; round < rounds; round++) {
        progress.detail(`round ${round + 1} of ${rounds}`);
        for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
          const name = `bench-${kind}-${round}`;
          times[kind].push(await this.create(kind, name));
          await this.remove(name);
          // The kubelet looks at its containers once a second: pods made at the same point of that second, round after
          // round, would all see the same luck.
          await sleep(200 + Math.random() * 1000, undefined, { signal: this.signal });
        }
      }
    });
    const reference = summarise(times.bare);
    const rows = (figure: string, ours: Summary): Figure[] =>
      (["p50", "p95"] as const).map((rank) => ({
        figure: `${figure}, ${rank} of ${ours.n}`,
        unit: "ms",
        ours: ours[rank],
        reference: reference[rank],
        against: bare,
      }));
    return [
      ...rows("sandbox pod create → Ready", summarise(times.sandbox)),
      ...rows("  the same without a startup probe", summarise(times.unprobed)),
    ];
  }

  /** Makes a pod of each kind that will be idle until {@link idleFigures} reads it. */
  async startIdle(): Promise<void> {
    await step("An idle pod of each kind", async () => {
      await Promise.all([
        this.create("sandbox", "bench-idle-sandbox"),
        this.create("bare", "bench-idle-bare"),
      ]);
    });
  }

  /** Memory of the idle pods, and of the server alone. */
  async idleFigures(): Promise<Figure[]> {
    const pods = ["bench-idle-sandbox", "bench-idle-bare"] as const;
    return step("Memory of idle pods", async () => {
      await sleep(idleMs, undefined, { signal: this.signal });
      const [sandbox = 0, reference = 0] = await podMemory(this.cluster, this.namespace, pods, this.signal);
      const inPod = (pod: string, command: string[]): Promise<string> =>
        execInPod(this.cluster, { namespace: this.namespace, pod, container: "sandbox" }, command);
      const server = residentBytes(await inPod(pods[0], ["cat", "/proc/1/status"]));
      const python = residentBytes(await inPod(pods[1], ["python3", "-c", pythonServer]));
      await Promise.all(pods.map((pod) => this.remove(pod)));
      return [
        { figure: "idle sandbox pod, working set", unit: "bytes", ours: sandbox, reference, against: bare },
        {
          figure: "idle sandbox server, resident",
          unit: "bytes",
          ours: server,
          reference: python,
          against: "Python's own http.server, idle, in the same image and runtime",
        },
      ];
    });
  }
}

/** A web server of Python's standard library that has just begun to listen, and says what it holds. */
const pythonServer = [
  "from http.server import ThreadingHTTPServer, SimpleHTTPRequestHandler",
  'server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)',
  'print(open("/proc/self/status").read())',
].join("\n");
