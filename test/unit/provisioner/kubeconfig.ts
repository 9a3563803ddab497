// A kubeconfig file for tests.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Writes one with the given cluster and user. */
export function kubeconfig(
  cluster: object,
  user: object = { token: "token" },
): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "sandlot-kubeconfig-"));
  const path = join(folder, "config");
  const config = {
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(path, JSON.stringify(config));
  return {
    path,
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
