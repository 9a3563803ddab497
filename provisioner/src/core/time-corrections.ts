// Writes the times of sandboxes anew when the cluster's clock was set: what callers are told, and what a replica that starts later
// goes by, is then right again. Only the replica that leads does so.
import type { Namespace } from "../kubernetes/namespace.js";
import { add, escaped } from "../model/claim.js";
import { EXPIRES_AT, HARD_EXPIRES_AT, LAST_ACTIVE_AT } from "../model/labels.js";
import type { Sandbox } from "../model/sandbox.js";
import { isLive, type Directory } from "./directory.js";
import type { Deadlines, PodTimes } from "./pod-times.js";

/** So many in a round: a clock that is set back in a moment has then not cost two writes for each of thousands. */
const mostAtOnce = 20;

/** One round; how many were written. Whoever extends one in between wins. */
export async function correctTimes(
  namespace: Namespace,
  directory: Directory,
  times: PodTimes,
): Promise<number> {
  const path = (annotation: string): string => `/metadata/annotations/${escaped(annotation)}`;
  const correct = async ({ podName, podUid, expiresAt }: Sandbox, right: Deadlines): Promise<void> => {
    await namespace.patchPod(podName, [
      { op: "test", path: "/metadata/uid", value: podUid },
      { op: "test", path: path(EXPIRES_AT), value: expiresAt.toISOString() },
      add(path(EXPIRES_AT), right.expiresAt.toISOString()),
      add(path(HARD_EXPIRES_AT), right.hardExpiresAt.toISOString()),
      add(path(LAST_ACTIVE_AT), right.lastActiveAt.toISOString()),
    ]);
  };
  const wrong: Promise<void>[] = [];
  for (const sandbox of directory.sandboxes()) {
    if (wrong.length >= mostAtOnce) break;
    const right = isLive(sandbox) ? times.corrected(sandbox) : undefined;
    if (right !== undefined) wrong.push(correct(sandbox, right));
  }
  const written = await Promise.allSettled(wrong);
  return written.filter(({ status }) => status === "fulfilled").length;
}
