// Registers a claim and, unless a StorageClass makes it, the volume under it.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { claimArgs, volumeArgs, type ClaimedVolume } from "./objects";
import { knownSource, type SourceFields } from "./resolve";

/** What {@link claimOf} needs beside the volume's source. */
export interface ClaimOptions extends Omit<ClaimedVolume, "namespace" | "source"> {
  namespace: pulumi.Input<string>;
  fields: SourceFields;
  /** Whether volume and claim stay in the cluster when they are removed from the stack. */
  retain: boolean;
}

/** The claim's name: of one that is already there, or of one that is made as a child of `parent`. */
export function claimOf(name: string, options: ClaimOptions, parent: pulumi.Resource): pulumi.Output<string> {
  const { namespace, fields, retain, ...rest } = options;
  const source = knownSource(fields);
  if (source === undefined) return pulumi.output(fields.existingClaim ?? "");
  const opts = { parent, retainOnDelete: retain };
  const known = pulumi
    .all([namespace, source])
    .apply(([place, from]): ClaimedVolume => ({ ...rest, namespace: place, source: from }));
  const onDemand = fields.storageClass !== undefined;
  const dependsOn = onDemand ? [] : [volumeOf(name, known, opts)];
  // A claim's mode is fixed: another one would delete it, and the volume that its StorageClass made for it.
  const fixed = onDemand ? { ignoreChanges: ["spec.accessModes"] } : {};
  const parts = known.apply(claimArgs);
  const claim = new k8s.core.v1.PersistentVolumeClaim(
    `${name}-claim`,
    { metadata: parts.metadata, spec: parts.spec },
    { ...opts, ...fixed, dependsOn },
  );
  return claim.metadata.name;
}

function volumeOf(
  name: string,
  known: pulumi.Output<ClaimedVolume>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.PersistentVolume {
  const parts = known.apply(volumeArgs);
  return new k8s.core.v1.PersistentVolume(
    `${name}-volume`,
    { metadata: parts.metadata, spec: parts.spec },
    opts,
  );
}
