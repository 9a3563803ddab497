// Which images the platform has scanned, each once, and by which parts they are used.
import type * as pulumi from "@pulumi/pulumi";

import type { ImageScanArgs } from "../image-scan/args";
import type { SandboxEnvironmentArgs, SandboxEnvironmentOptions } from "../sandbox-environment/args";
import type { SandboxPlatformArgs } from "./args";

/** Whose image is scanned. Environments see to their own. */
export type Scanned = "sandbox" | "provisioner" | "installer";

/** The scans, in the order in which they are made; none where nothing is to be scanned. */
export function scans({
  imageScan,
  image,
  provisioner,
  runtime,
  node,
}: SandboxPlatformArgs): [of: Scanned, args: ImageScanArgs][] {
  if (imageScan === undefined) return [];
  const images: [Scanned, pulumi.Input<string> | undefined][] = [
    ["sandbox", image],
    // The egress proxy's as well.
    ["provisioner", provisioner?.image],
    ["installer", runtime?.install?.image],
  ];
  return images.flatMap(([of, each]) =>
    each === undefined ? [] : [[of, { ...imageScan, image: each, fromDocker: node !== undefined }]],
  );
}

/** How an environment has its image scanned: not again if it is the sandboxes'. */
export function environmentScan(
  { imageScan }: SandboxPlatformArgs,
  { image, build }: SandboxEnvironmentOptions,
): Pick<SandboxEnvironmentArgs, "scan"> {
  return imageScan === undefined || (image === undefined && build === undefined) ? {} : { scan: imageScan };
}
