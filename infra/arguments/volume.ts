// From configuration to the names and modes of volumes.
import { VolumeAccessMode } from "@sandlot/components";

/** The modes by the names that configuration has for them. */
const modes = {
  ReadWriteOnce: VolumeAccessMode.ReadWriteOnce,
  ReadWriteMany: VolumeAccessMode.ReadWriteMany,
  ReadOnlyMany: VolumeAccessMode.ReadOnlyMany,
} as const;

/** The mode that configuration names. */
export function accessModeOf(name: keyof typeof modes | undefined): VolumeAccessMode | undefined {
  return name === undefined ? undefined : modes[name];
}
