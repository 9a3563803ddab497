// The skills volume's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks } from "../shared/checks";
import { dnsLabel, oneOf, quantity } from "../shared/rules";
import { VolumeAccessMode, type VolumeNames } from "../shared/volume/args";
import { checkNames, checkSource, type SourceFields } from "../shared/volume/resolve";
import { SkillsSource, type SkillsStorageArgs } from "./args";

/** {@link SkillsStorageArgs} with every default filled in. */
export interface SkillsStorageSettings extends SourceFields {
  namespace: pulumi.Input<string>;
  source: SkillsSource;
  size: string;
  accessMode: VolumeAccessMode;
  retain: boolean;
  names: VolumeNames;
}

/** Fills in the defaults. */
export function withDefaults(args: SkillsStorageArgs): SkillsStorageSettings {
  const { source = SkillsSource.HostPath } = args;
  const usual =
    source === SkillsSource.StorageClass ? VolumeAccessMode.ReadWriteMany : VolumeAccessMode.ReadOnlyMany;
  return {
    ...args,
    source,
    size: args.size ?? "1Gi",
    accessMode: args.accessMode ?? usual,
    retain: args.retain ?? false,
    names: args.names ?? {},
  };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SkillsStorageArgs): SkillsStorageSettings {
  const settings = withDefaults(args);
  const { source, accessMode } = settings;
  const checks = new Checks("SkillsStorage", name);
  checks.plain("source", source, oneOf(SkillsSource));
  checks.plain("size", settings.size, quantity);
  checks.plain("accessMode", accessMode, oneOf(VolumeAccessMode));
  if (args.accessMode !== undefined && source !== SkillsSource.StorageClass) {
    checks.problem(
      `accessMode is given, but source is ${source}, whose volumes are ReadOnlyMany; remove it or set source to StorageClass`,
    );
  }
  checkNames(checks, source, settings.names);
  const resolved = {
    ...settings,
    ...checkSource(checks, source, settings, true),
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
  };
  checks.finish();
  return resolved;
}
