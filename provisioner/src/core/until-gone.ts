// The name of a pod is free only once the pod has gone.
import type { V1Pod } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import type { Sandbox } from "../model/sandbox.js";
import { isLive, type Directory } from "./directory.js";
import { SandboxError } from "./errors.js";
import type { SandboxPods } from "./sandbox-pods.js";

/** What waiting needs. */
export interface GonePods {
  readonly pods: WatchCache<V1Pod>;
  readonly directory: Directory;
  readonly sandboxPods: SandboxPods;
}

/** How often it is looked whether a pod that does not go is lost with its node. */
const stuckLookMs = 500;

/**
 * Waits until a pod that is going has gone, or is not waited for any more, or its id has another.
 * @throws SandboxError if that takes longer than until `deadline`.
 */
export async function untilGone(
  pod: Sandbox,
  { pods, directory, sandboxPods }: GonePods,
  deadline: AbortSignal,
): Promise<void> {
  const isGone = (): boolean => {
    if (pods.get(pod.podName)?.metadata?.uid !== pod.podUid || sandboxPods.isStuck(pod)) return true;
    const other = directory.get(pod.tenant, pod.id);
    return other !== undefined && isLive(other);
  };
  if (isGone()) return;
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (isGone()) end(resolve);
    };
    const off = pods.onChange(look);
    // That it is stuck is no event.
    const timer = setInterval(look, stuckLookMs);
    const late = (): void => {
      end(() => {
        reject(new SandboxError("busy", "the sandbox that had this id is still being deleted; try again"));
      });
    };
    const end = (how: () => void): void => {
      off();
      clearInterval(timer);
      deadline.removeEventListener("abort", late);
      how();
    };
    deadline.addEventListener("abort", late);
    if (deadline.aborted) late();
  });
}
