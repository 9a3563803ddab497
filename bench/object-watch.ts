// Sees objects come and go, by the Kubernetes watch API: no polling interval blurs the times.
import { setMaxListeners } from "node:events";

import { Watch, type KubeConfig, type V1Condition, type V1ObjectMeta } from "@kubernetes/client-node";

/** What every object has. */
export interface Watched {
  readonly metadata?: V1ObjectMeta;
}

/** What tells by conditions how it stands with it. */
export interface Conditioned {
  readonly status?: {
    readonly conditions?: readonly Pick<V1Condition, "type" | "status">[];
  };
}

/** Whether an object has this condition, and it holds. */
export function isTrue(object: Conditioned | undefined, condition: string): boolean {
  return (
    object?.status?.conditions?.some(({ type, status }) => type === condition && status === "True") ?? false
  );
}

const limitMs = 90_000;

/** A watch over the objects of one kind. */
export class ObjectWatch<T extends Watched> {
  private readonly seen = new Map<string, T>();
  private readonly listeners = new Set<(error?: Error) => void>();
  private stop: AbortController | undefined;

  /**
   * @param kind in words, for errors
   * @param signal ends every wait
   * @param failed whether an object will never be what it is waited for
   */
  constructor(
    private readonly kind: string,
    private readonly signal: AbortSignal,
    private readonly failed: (object: T) => boolean = () => false,
  ) {
    // As many objects may be waited for at once as there are.
    setMaxListeners(0, signal);
  }

  /** @param path such as `/api/v1/namespaces/sandlot/pods` */
  async openPath(config: KubeConfig, path: string, labelSelector = ""): Promise<void> {
    this.stop = await new Watch(config).watch(
      path,
      { labelSelector },
      (phase, object: T) => {
        const name = object.metadata?.name ?? "";
        if (phase === "DELETED") this.seen.delete(name);
        else this.seen.set(name, object);
        this.tell();
      },
      (error: unknown) => {
        this.tell(new Error(`the watch over ${this.kind}s has ended`, { cause: error }));
      },
    );
  }

  close(): void {
    this.stop?.abort();
  }

  /** The object as last seen. */
  get(name: string): T | undefined {
    return this.seen.get(name);
  }

  /** The names of those that are there and `wanted`. */
  names(wanted: (object: T) => boolean): string[] {
    return [...this.seen].flatMap(([name, object]) => (wanted(object) ? [name] : []));
  }

  /** Waits until the object is as `wanted` says; undefined: it is gone. @returns when, on the clock of `performance.now()` */
  until(name: string, what: string, wanted: (object: T | undefined) => boolean): Promise<number> {
    const failure = (): Error | undefined => {
      const object = this.seen.get(name);
      return object !== undefined && this.failed(object)
        ? new Error(`${this.kind} ${name} failed`)
        : undefined;
    };
    return this.wait(`${this.kind} ${name} was not ${what}`, () => wanted(this.seen.get(name)), failure);
  }

  /** Waits until so many are there and `wanted`. @returns when, on the clock of `performance.now()` */
  untilCount(count: number, what: string, wanted: (object: T) => boolean): Promise<number> {
    const enough = (): boolean => this.names(wanted).length === count;
    return this.wait(`there were not ${count} ${this.kind}s that are ${what}`, enough, () => undefined);
  }

  private wait(lack: string, done: () => boolean, failure: () => Error | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      const look = (error?: Error): void => {
        const failed = failure() ?? error;
        if (done())
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
          reject(new Error(`${lack} after ${limitMs / 1000} seconds`));
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
