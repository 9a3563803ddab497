// Puts right, before an update, what the engine would not: additions to our objects. And lets the engine take back fields
// that somebody else has set since.
import { step } from "@sandlot/toolchain/progress.js";

import { unseenChanges, type ChangedObject } from "./drift.js";
import { clusterOf, kubectl, type Cluster } from "./kubernetes.js";
import { withoutServerFields } from "./live-object.js";
import { readOutputs } from "./outputs.js";
import { previewRefresh, type EngineEnvironment } from "./pulumi.js";
import type { Stack } from "./stack-file.js";

/**
 * For an update that repairs: without it, the API server refuses to change a field that somebody else has set since
 * (server-side apply). The Kubernetes plugin reads it.
 */
export const takeFieldsBack = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" };

/** Undoes additions to the stack's objects. @throws UserError when the cluster refuses, or cannot be reached. */
export async function undoAdditions(stack: Stack, env: EngineEnvironment): Promise<void> {
  const changed = unseenChanges(await previewRefresh(stack, env));
  if (changed.length === 0) return;
  const cluster = clusterOf(stack, readOutputs(stack), env);
  await step(`Additions to ${changed.length} objects: undo`, async () => {
    for (const object of changed) await undo(object, cluster);
  });
}

/**
 * First the object becomes what it was after its last update, which takes away what was added. That leaves fields with
 * kubectl as their owner, so that the program's part is then applied in the plugin's name.
 */
async function undo({ live, inputs, fieldManager }: ChangedObject, cluster: Cluster): Promise<void> {
  const { apiVersion, kind } = live;
  await kubectl(cluster, ["replace", "--filename", "-"], JSON.stringify(withoutServerFields(live)));
  await kubectl(
    cluster,
    ["apply", "--server-side", "--force-conflicts", `--field-manager=${fieldManager}`, "--filename", "-"],
    JSON.stringify({ apiVersion, kind, ...inputs }),
  );
}
