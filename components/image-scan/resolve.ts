// A scan's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks, type Rule } from "../shared/checks";
import { matching, oneOf, pinnedImage } from "../shared/rules";
import { VulnerabilitySeverity, type AcceptedVulnerability, type ImageScanArgs } from "./args";

/** {@link ImageScanArgs} with every default filled in. */
export interface ImageScanSettings {
  image: pulumi.Input<string>;
  severity: VulnerabilitySeverity;
  unfixed: boolean;
  endOfLife: boolean;
  accepted: AcceptedVulnerability[];
  database?: string | undefined;
  fromDocker: boolean;
}

/** The logical name of the scan of what `owner` runs. A name is identity. */
export const scanPart = (owner: string): string => `${owner}-image-scan`;

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: ImageScanArgs): ImageScanSettings {
  const { severity = VulnerabilitySeverity.High, accepted = [], database } = args;
  const { unfixed = false, endOfLife = false, fromDocker = false } = args;
  const checks = new Checks("ImageScan", name);
  checks.plain("severity", severity, oneOf(VulnerabilitySeverity));
  checks.plain("database", database, pinnedImage);
  const seen = new Set<string>();
  for (const [i, { id, reason, until }] of accepted.entries()) {
    checks.plain(`accepted[${i}].id`, id, vulnerabilityId);
    checks.plain(`accepted[${i}].reason`, reason, matching(/\S/, "a text that says why"));
    checks.plain(`accepted[${i}].until`, until, day);
    if (seen.has(id))
      checks.problem(
        `accepted[${i}].id is "${id}", which an earlier entry has already; remove one of the two`,
      );
    seen.add(id);
  }
  const image = checks.input("image", args.image, pinnedImage);
  checks.finish();
  return { image, severity, unfixed, endOfLife, accepted, database, fromDocker };
}

const vulnerabilityId: Rule<string> = matching(
  /^[A-Za-z]+-[A-Za-z0-9]+(?:[.:-][A-Za-z0-9]+)*$/,
  "the name of a vulnerability, such as CVE-2026-12345",
);

const day: Rule<string> = (value) => {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN;
  // February 30 may be read as a day of March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value)
    ? undefined
    : "a day, such as 2027-01-31";
};
