// Replicas watch the cluster each for itself: one may be a moment behind another that has just made a sandbox.
import type { Sandbox } from "../model/sandbox.js";
import type { SandboxListener } from "./directory.js";

/** How long a replica, or an egress proxy, may be behind the one that has just written something. Milliseconds. */
export const behindMs = 250;

/** Whether nothing of a sandbox is seen but what goes: the one that comes after it may not be seen yet. */
export function isNone(seen: Pick<Sandbox, "state"> | undefined): boolean {
  return seen === undefined || seen.state === "stopping";
}

/** Waits until the sandbox is seen, but not longer than replicas may be behind each other. */
export function untilSeen(
  directory: { onChange(listener: SandboxListener): () => void },
  tenant: string,
  id: string,
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const timer = setTimeout(end, behindMs);
    const off = directory.onChange((changed, gone) => {
      if (changed.id === id && changed.tenant === tenant && !gone && !isNone(changed)) end();
    });
  });
}
