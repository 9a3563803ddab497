// What a claim stands on: exactly the fields of its source, each held against its rule.
import * as pulumi from "@pulumi/pulumi";

import type { Checks, Rule } from "../checks";
import { absolutePath, dnsLabel, dnsSubdomain, matching } from "../rules";
import type { CsiVolume, NfsExport, VolumeNames } from "./args";
import type { VolumeSource } from "./objects";

/** The fields of arguments that name what a claim stands on. Each belongs to one source. */
export interface SourceFields {
  hostPath?: pulumi.Input<string> | undefined;
  nfs?: NfsExport | undefined;
  csi?: CsiVolume | undefined;
  storageClass?: pulumi.Input<string> | undefined;
  existingClaim?: pulumi.Input<string> | undefined;
}

/** Which field each source needs; the others' must be absent. */
const needed: Readonly<Record<string, keyof SourceFields>> = {
  HostPath: "hostPath",
  Nfs: "nfs",
  Csi: "csi",
  StorageClass: "storageClass",
  ExistingClaim: "existingClaim",
};

/** What is mounted must not bring rights along, nor be writable where nobody may write. */
function mountOption(readOnly: boolean): Rule<string> {
  const refused = ["suid", "dev", ...(readOnly ? ["rw"] : [])];
  return (value) => {
    const bad = matching(
      /^[a-z][a-zA-Z0-9_-]*(?:=[A-Za-z0-9._:/-]+)?$/,
      "a mount option such as nfsvers=4.1",
    )(value);
    if (bad !== undefined) return bad;
    return refused.includes(value) ? `a mount option other than ${refused.join(", ")}` : undefined;
  };
}

const host: Rule<string> = (value) =>
  typeof value === "string" && /^[0-9a-f:.]+$/i.test(value) && value.includes(":")
    ? undefined // an IPv6 address
    : dnsSubdomain(value) && "a host name or an address";

const printable = matching(/^[!-~]{1,1024}$/, "what the driver calls the volume, without spaces");

/**
 * Holds the fields against `source` and each against its rule.
 * @returns the fields as the component must use them
 */
export function checkSource(
  checks: Checks,
  source: string,
  fields: SourceFields,
  readOnly: boolean,
): SourceFields {
  for (const [kind, field] of Object.entries(needed)) {
    const given = fields[field] !== undefined;
    if (kind === source && !given)
      checks.problem(`${field} is missing, but source ${kind} needs it; give it`);
    if (kind !== source && given)
      checks.problem(`${field} is given, but source is ${source}; remove it or set source to ${kind}`);
  }
  return {
    hostPath: checks.optional("hostPath", fields.hostPath, absolutePath),
    nfs: checkNfs(checks, fields.nfs, readOnly),
    csi: checkCsi(checks, fields.csi),
    storageClass: checks.optional("storageClass", fields.storageClass, dnsSubdomain),
    existingClaim: checks.optional("existingClaim", fields.existingClaim, dnsSubdomain),
  };
}

function checkNfs(checks: Checks, nfs: NfsExport | undefined, readOnly: boolean): NfsExport | undefined {
  if (nfs === undefined) return undefined;
  for (const [i, option] of (nfs.mountOptions ?? []).entries())
    checks.plain(`nfs.mountOptions[${i}]`, option, mountOption(readOnly));
  return {
    ...nfs,
    server: checks.input("nfs.server", nfs.server, host),
    path: checks.input("nfs.path", nfs.path, absolutePath),
  };
}

function checkCsi(checks: Checks, csi: CsiVolume | undefined): CsiVolume | undefined {
  if (csi === undefined) return undefined;
  checks.plain("csi.driver", csi.driver, dnsSubdomain);
  checks.plain("csi.fsType", csi.fsType, matching(/^[a-z0-9]{1,16}$/, "a file system such as ext4"));
  return { ...csi, volumeHandle: checks.input("csi.volumeHandle", csi.volumeHandle, printable) };
}

/** Holds names of one's own against their rules: which of them there can be depends on the source. */
export function checkNames(checks: Checks, source: string, names: VolumeNames): void {
  const own: Readonly<Record<string, readonly (keyof VolumeNames)[]>> = {
    StorageClass: ["claim"],
    ExistingClaim: [],
  };
  const allowed = own[source] ?? ["claim", "volume", "storageClass"];
  for (const [field, value] of Object.entries(names) as [keyof VolumeNames, string | undefined][]) {
    checks.plain(`names.${field}`, value, field === "claim" ? dnsLabel : dnsSubdomain);
    if (value !== undefined && !allowed.includes(field))
      checks.problem(`names.${field} is given, but source is ${source}, which has a name already; remove it`);
  }
}

/** What a claim of one's own stands on, when all of it is known; undefined for a claim that is already there. */
export function knownSource(fields: SourceFields): pulumi.Output<VolumeSource> | undefined {
  const { hostPath, nfs, csi, storageClass } = fields;
  if (hostPath !== undefined)
    return pulumi.output(hostPath).apply((path): VolumeSource => ({ kind: "hostPath", path }));
  if (nfs !== undefined) {
    const mountOptions = nfs.mountOptions ?? ["nosuid", "nodev"];
    return pulumi
      .all([nfs.server, nfs.path])
      .apply(([server, path]): VolumeSource => ({ kind: "nfs", server, path, mountOptions }));
  }
  if (csi !== undefined) {
    const { driver, fsType, attributes = {} } = csi;
    return pulumi
      .output(csi.volumeHandle)
      .apply((volumeHandle): VolumeSource => ({ kind: "csi", driver, volumeHandle, fsType, attributes }));
  }
  return storageClass === undefined
    ? undefined
    : pulumi
        .output(storageClass)
        .apply((name): VolumeSource => ({ kind: "storageClass", storageClass: name }));
}
