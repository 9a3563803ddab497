// Where Pulumi's programs put what they need for a run. The Kubernetes provider writes the kubeconfig into such a file, credentials
// included, and leaves it behind (pulumi-kubernetes 4.25, provider/util.go, writeKubeconfigToFile).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onExit } from "signal-exit";

let made: string | undefined;

/** A folder of this process's own, which its owner alone can read, and which goes with it. */
export function temporaryFolder(): string {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), "sandlot-pulumi-"));
  onExit(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return (made = folder);
}
