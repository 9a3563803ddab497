// Sees pods come and go, by the Kubernetes watch API: no polling interval blurs the times.
import { setMaxListeners } from "node:events";

import { Watch, type KubeConfig, type V1Pod } from "@kubernetes/client-node";

/** A pod as last seen; undefined when it is gone. */
type Seen = V1Pod | undefined;

const limitMs = 90_000;

/** Whether the kubelet has said that the pod is Ready. */
export function isReady(pod: Seen): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** A watch over the pods of a namespace that a label selects. */
export class PodWatch {
  private readonly seen = new Map<string, V1Pod>();
  private readonly listeners = new Set<(error?: Error) => void>();
  private stop: AbortController | undefined;

  /** @param signal ends every wait */
  constructor(private readonly signal: AbortSignal) {
    // As many pods may be waited for at once as there are.
    setMaxListeners(0, signal);
  }

  async open(config: KubeConfig, namespace: string, labelSelector: string): Promise<void> {
    this.stop = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/pods`,
      { labelSelector },
      (phase, pod: V1Pod) => {
        const name = pod.metadata?.name ?? "";
        if (phase === "DELETED") this.seen.delete(name);
        else this.seen.set(name, pod);
        this.tell();
      },
      (error: unknown) => {
        this.tell(new Error("the watch over pods has ended", { cause: error }));
      },
    );
  }

  close(): void {
    this.stop?.abort();
  }

  /** The names of those pods that are there and `wanted`. */
  names(wanted: (pod: V1Pod) => boolean): string[] {
    return [...this.seen].flatMap(([name, pod]) => (wanted(pod) ? [name] : []));
  }

  /** Waits until the pod is as `wanted` says. @returns when that was seen, on the clock of `performance.now()` */
  until(name: string, what: string, wanted: (pod: Seen) => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const look = (error?: Error): void => {
        const pod = this.seen.get(name);
        // One that is told to go may end with whatever it likes.
        const stays = pod?.metadata?.deletionTimestamp === undefined;
        const failed = stays && pod?.status?.phase === "Failed" ? new Error(`pod ${name} failed`) : error;
        if (wanted(pod))
          end(() => {
            resolve(performance.now());
          });
        else if (failed !== undefined)
          end(() => {
            reject(failed);
          });
      };
      const stopped = (): void => {
        end(() => {
          reject(this.signal.reason as Error);
        });
      };
      const timer = setTimeout(() => {
        end(() => {
          reject(new Error(`pod ${name} was not ${what} after ${limitMs / 1000} seconds`));
        });
      }, limitMs);
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.listeners.delete(look);
        this.signal.removeEventListener("abort", stopped);
        settle();
      };
      this.listeners.add(look);
      this.signal.addEventListener("abort", stopped);
      if (this.signal.aborted) stopped();
      else look();
    });
  }

  private tell(error?: Error): void {
    for (const listener of [...this.listeners]) listener(error);
  }
}
