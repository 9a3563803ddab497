// What a scan of an image can be told: arguments and their defaults. What is wrong with given ones: ./resolve.ts.
import type * as pulumi from "@pulumi/pulumi";

/** How bad a vulnerability is, as its vendor or the National Vulnerability Database rates it. */
export enum VulnerabilitySeverity {
  Low = "LOW",
  Medium = "MEDIUM",
  High = "HIGH",
  Critical = "CRITICAL",
}

/** A vulnerability that does not count. */
export interface AcceptedVulnerability {
  /** Its name, such as `CVE-2026-12345` or `GHSA-xxxx-xxxx-xxxx`. */
  id: string;
  /** Why it does no harm here; for those who read the configuration. */
  reason: string;
  /**
   * The day from which it counts again, such as `2027-01-31`.
   * @default - never
   */
  until?: string;
}

/** Options of {@link ImageScan} beside what to scan. */
export interface ImageScanOptions {
  /**
   * The least severity that counts.
   * @default VulnerabilitySeverity.High
   */
  severity?: VulnerabilitySeverity;
  /**
   * Whether vulnerabilities count as well that no version is free of yet.
   * @default false
   */
  unfixed?: boolean;
  /**
   * Whether an image passes of a distribution's release that gets no fixes any more, so that little would be found.
   * @default false
   */
  endOfLife?: boolean;
  /**
   * What does not count.
   * @default []
   */
  accepted?: AcceptedVulnerability[];
  /**
   * The image repository with Trivy's vulnerability database, such as a mirror of `ghcr.io/aquasecurity/trivy-db:2`.
   * @default - those that Trivy knows
   */
  database?: string;
}

/** Arguments of {@link ImageScan}. */
export interface ImageScanArgs extends ImageScanOptions {
  /** The image, with a tag or digest. */
  image: pulumi.Input<string>;
  /**
   * Whether nodes get the image from this machine's Docker engine where that has it. Otherwise it is the registry's that is scanned,
   * whatever this machine has under the same name.
   * @default false
   */
  fromDocker?: boolean;
}
