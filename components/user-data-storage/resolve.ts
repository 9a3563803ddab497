// The user-data volume's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks, type Rule } from "../shared/checks";
import { dnsLabel, oneOf, quantity } from "../shared/rules";
import { subPath } from "../shared/sub-path";
import { VolumeAccessMode, type VolumeNames } from "../shared/volume/args";
import { checkNames, checkSource, type SourceFields } from "../shared/volume/resolve";
import { UserDataSource, type UserDataStorageArgs } from "./args";

/** {@link UserDataStorageArgs} with every default filled in. */
export interface UserDataStorageSettings extends SourceFields {
  namespace: pulumi.Input<string>;
  source: UserDataSource;
  size: string;
  accessMode: VolumeAccessMode;
  subPath: string;
  retain: boolean;
  names: VolumeNames;
}

/** Fills in the defaults. */
export function withDefaults(args: UserDataStorageArgs): UserDataStorageSettings {
  return {
    ...args,
    source: args.source ?? UserDataSource.StorageClass,
    size: args.size ?? "10Gi",
    accessMode: args.accessMode ?? VolumeAccessMode.ReadWriteMany,
    subPath: args.subPath ?? "shared",
    retain: args.retain ?? true,
    names: args.names ?? {},
  };
}

/** Data that nobody can write is none. */
const writableMode: Rule<VolumeAccessMode> = (value) =>
  value === VolumeAccessMode.ReadOnlyMany
    ? "a mode in which sandboxes can write"
    : oneOf(VolumeAccessMode)(value);

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: UserDataStorageArgs): UserDataStorageSettings {
  const settings = withDefaults(args);
  const { source } = settings;
  const checks = new Checks("UserDataStorage", name);
  checks.plain("source", source, oneOf(UserDataSource));
  checks.plain("size", settings.size, quantity);
  checks.plain("accessMode", settings.accessMode, writableMode);
  checks.plain("subPath", settings.subPath, subPath);
  checkNames(checks, source, settings.names);
  const resolved = {
    ...settings,
    ...checkSource(checks, source, settings, false),
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
  };
  checks.finish();
  return resolved;
}
