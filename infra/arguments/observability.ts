// From configuration to how sandboxes are watched.
import type { SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";

/** Arguments of watching; undefined if nobody is to watch. */
export function observabilityArguments({
  observability = {},
}: SandlotConfig): SandboxPlatformArgs["observability"] {
  const { enabled = false, ...options } = observability;
  return enabled ? options : undefined;
}
