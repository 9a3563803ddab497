// Replicas watch the cluster each for itself: one may be a moment behind another that has just made a sandbox.
import type { SandboxListener } from "./directory.js";

/** How long a replica may be behind another. */
const behindMs = 250;

/** Waits until anything of the sandbox is seen, but not longer than replicas may be behind each other. */
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
    const off = directory.onChange((changed) => {
      if (changed.id === id && changed.tenant === tenant) end();
    });
  });
}
