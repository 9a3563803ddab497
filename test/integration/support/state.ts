// The engine's state file of the test stack, as text.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { projectRoot, stack } from "./cluster.js";

export function stateText(): string {
  return readFileSync(join(projectRoot, ".sandlot/state/.pulumi/stacks/sandlot", `${stack}.json`), "utf8");
}
