// From configuration to how sandboxes are watched.
import type { SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";

/** Arguments of watching; undefined if nobody is to watch. Traces are the provisioner's. */
export function observabilityArguments({
  observability = {},
}: SandlotConfig): SandboxPlatformArgs["observability"] {
  if (observability.enabled !== true) return undefined;
  const { prometheusOperator, operatorLabels, scraper, scrapeIntervalSeconds } = observability;
  const { dashboardLabels, runbookUrl } = observability;
  return given({
    ...{ prometheusOperator, operatorLabels, scraper, scrapeIntervalSeconds },
    ...{ dashboardLabels, runbookUrl },
  });
}
