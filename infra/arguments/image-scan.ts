// From configuration to what images must be free of.
import { VulnerabilitySeverity, type SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";

const severity = {
  low: VulnerabilitySeverity.Low,
  medium: VulnerabilitySeverity.Medium,
  high: VulnerabilitySeverity.High,
  critical: VulnerabilitySeverity.Critical,
} as const;

/** How images are scanned; nothing where they are not. */
export function imageScanArguments({ imageScan }: SandlotConfig): Pick<SandboxPlatformArgs, "imageScan"> {
  if (imageScan === undefined) return {};
  const { accepted, ...same } = imageScan;
  return {
    imageScan: given({
      ...same,
      severity: same.severity && severity[same.severity],
      accepted: accepted?.map(given),
    }),
  };
}
