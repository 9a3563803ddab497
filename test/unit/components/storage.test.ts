// What claims for skills and users' data can be told, and what their objects are made of.
import assert from "node:assert/strict";

import fc from "fast-check";
import {
  SkillsSource,
  UserDataSource,
  VolumeAccessMode,
  type SkillsStorageArgs,
  type UserDataRetentionArgs,
  type UserDataStorageArgs,
} from "@sandlot/components";

import { subPath } from "../../../components/shared/sub-path";
import {
  claimArgs,
  volumeArgs,
  volumeNames,
  type ClaimedVolume,
  type VolumeSource,
} from "../../../components/shared/volume/objects";
import { resolve as resolveSkills } from "../../../components/skills-storage/resolve";
import { resolve as resolveRetention } from "../../../components/user-data-retention/resolve";
import { resolve as resolveUserData } from "../../../components/user-data-storage/resolve";
import { refuses } from "../../support/refuses";

refuses<UserDataRetentionArgs>(
  "UserDataRetention",
  resolveRetention,
  { namespace: "sandlot", claimName: "data", image: "sandbox:1", days: 8 },
  [
    // A sandbox of the longest life would lose its data while it runs.
    [{ days: 7 }, /days is 7, but must be a number of days .* from 8 to 3650/],
    [{ days: 8.5 }, /days is 8\.5/],
    [{ days: -30 }, /days is -30/],
    [{ schedule: "@daily" }, /schedule is "@daily", but must be five fields of cron/],
    [{ schedule: "0 3 * *" }, /schedule is "0 3 \* \*"/],
    [{ schedule: "TZ=UTC 0 3 * * *" }, /schedule is "TZ=UTC/],
    [{ image: "sandbox" }, /image is "sandbox".*tag other than latest/],
    [{ claimName: "../data" }, /claimName is "\.\.\/data"/],
    [{ priorityClassName: "High" }, /priorityClassName is "High"/],
    [{ imagePullSecrets: ["A"] }, /imagePullSecrets\[0\] is "A"/],
  ],
);

const nfs = { server: "files.example.com", path: "/exports/skills" };
const csi = { driver: "efs.csi.aws.com", volumeHandle: "fs-0123456789abcdef0" };
const byNfs = { source: SkillsSource.Nfs, hostPath: undefined, nfs };
const byCsi = { source: SkillsSource.Csi, hostPath: undefined, csi };

refuses<SkillsStorageArgs>("SkillsStorage", resolveSkills, { namespace: "sandlot", hostPath: "/skills" }, [
  [{ hostPath: "skills" }, /hostPath is "skills", but must be an absolute path/],
  [{ hostPath: "/skills/../etc" }, /hostPath is "\/skills\/\.\.\/etc"/],
  [{ hostPath: undefined }, /hostPath is missing, but source HostPath needs it/],
  [{ existingClaim: "c" }, /existingClaim is given, but source is HostPath/],
  [{ source: SkillsSource.ExistingClaim, hostPath: undefined }, /existingClaim is missing/],
  [
    { source: SkillsSource.ExistingClaim, existingClaim: "c" },
    /hostPath is given, but source is ExistingClaim/,
  ],
  [{ size: "big" }, /size is "big"/],
  [{ source: SkillsSource.Nfs, hostPath: undefined }, /nfs is missing, but source Nfs needs it/],
  [{ nfs }, /nfs is given, but source is HostPath; remove it or set source to Nfs/],
  [
    { ...byNfs, nfs: { ...nfs, server: "files example" } },
    /nfs\.server is "files example", .*a host name or an address/,
  ],
  [{ ...byNfs, nfs: { ...nfs, path: "exports" } }, /nfs\.path is "exports"/],
  [
    { ...byNfs, nfs: { ...nfs, mountOptions: ["rw"] } },
    /nfs\.mountOptions\[0\] is "rw", .*other than suid, dev, rw/,
  ],
  [{ ...byNfs, nfs: { ...nfs, mountOptions: ["ro,suid"] } }, /nfs\.mountOptions\[0\] is "ro,suid"/],
  [{ ...byNfs, nfs: { ...nfs, mountOptions: ["suid"] } }, /other than suid/],
  [{ ...byCsi, csi: { ...csi, driver: "EFS" } }, /csi\.driver is "EFS"/],
  [{ ...byCsi, csi: { ...csi, volumeHandle: "a b" } }, /csi\.volumeHandle is "a b"/],
  [{ ...byCsi, csi: { ...csi, fsType: "ext4,ro" } }, /csi\.fsType is "ext4,ro"/],
  [{ storageClass: "fast" }, /storageClass is given, but source is HostPath/],
  [{ accessMode: VolumeAccessMode.ReadWriteMany }, /accessMode is given, but source is HostPath/],
  [{ names: { claim: "a.b" } }, /names\.claim is "a\.b"/],
  [
    {
      source: SkillsSource.StorageClass,
      hostPath: undefined,
      storageClass: "fast",
      names: { volume: "skills" },
    },
    /names\.volume is given, but source is StorageClass, which has a name already/,
  ],
  [
    {
      source: SkillsSource.ExistingClaim,
      hostPath: undefined,
      existingClaim: "c",
      names: { claim: "d" },
    },
    /names\.claim is given, but source is ExistingClaim/,
  ],
]);

refuses<UserDataStorageArgs>(
  "UserDataStorage",
  resolveUserData,
  { namespace: "sandlot", storageClass: "standard" },
  [
    [{ storageClass: undefined }, /storageClass is missing, but source StorageClass needs it/],
    [{ storageClass: "Fast!" }, /storageClass is "Fast!"/],
    [{ source: UserDataSource.Nfs, storageClass: undefined }, /nfs is missing/],
    [
      { source: UserDataSource.Nfs, storageClass: undefined, nfs: { ...nfs, mountOptions: ["dev"] } },
      /nfs\.mountOptions\[0\] is "dev"/,
    ],
    [{ accessMode: VolumeAccessMode.ReadOnlyMany }, /accessMode is "ReadOnlyMany", .*sandboxes can write/],
    [{ size: "1 TB" }, /size is "1 TB"/],
    ...[
      "..",
      "users/..",
      "../etc",
      "/users/a",
      "users//a",
      "users/a/",
      "",
      ".hidden",
      "a/./b",
      "-x",
      "a\\b",
    ].map((path) => [{ subPath: path }, /subPath is .* but must be a folder inside the volume/] as const),
  ],
);

describe("subPath", () => {
  it("never leaves the volume, whatever it is made of", () => {
    const parts = fc.constantFrom("..", ".", "", "a", "users", "\0", "~", "a/..", "%2e%2e", "-rf");
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string()), { maxLength: 6 }), (path) => {
        const text = path.join("/");
        if (subPath(text) !== undefined) return;
        assert.doesNotMatch(text, /^\/|\/\/|\/$|(^|\/)\.|[^\w./-]/);
      }),
    );
  });
});

describe("skills' objects", () => {
  const volume = (source: VolumeSource): ClaimedVolume => ({
    namespace: "sandlot",
    purpose: "skills",
    source,
    size: "1Gi",
    accessMode: VolumeAccessMode.ReadOnlyMany,
    readOnly: true,
    names: {},
  });

  it("keep the names that earlier versions gave them", () => {
    const folder = volume({ kind: "hostPath", path: "/mnt/skills" });
    assert.deepEqual(volumeNames(folder), {
      claim: "skills-60af7d2c",
      volume: "sandlot-skills-60af7d2c",
      storageClass: "sandlot-skills",
    });
  });

  it("mount an NFS export read-only, without setuid programs and devices", () => {
    const { spec } = volumeArgs(volume({ kind: "nfs", ...nfs, mountOptions: ["nosuid", "nodev"] }));
    assert.deepEqual(spec.nfs, { ...nfs, readOnly: true });
    assert.deepEqual(spec.mountOptions, ["nosuid", "nodev"]);
    assert.equal(spec.persistentVolumeReclaimPolicy, "Retain");
  });

  it("mount a CSI volume read-only, and say only what is known of it", () => {
    const source = { kind: "csi", ...csi, fsType: undefined, attributes: {} } as const;
    assert.deepEqual(volumeArgs(volume(source)).spec.csi, { ...csi, readOnly: true });
    const told = { ...source, fsType: "ext4", attributes: { tier: "cold" } };
    assert.deepEqual(volumeArgs(volume(told)).spec.csi, {
      ...csi,
      readOnly: true,
      fsType: "ext4",
      volumeAttributes: { tier: "cold" },
    });
  });

  it("ask a StorageClass for a volume, and name none", () => {
    const onDemand = {
      ...volume({ kind: "storageClass", storageClass: "fast" }),
      accessMode: VolumeAccessMode.ReadWriteMany,
    };
    assert.deepEqual(claimArgs(onDemand).spec, {
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: "1Gi" } },
      storageClassName: "fast",
    });
    assert.equal(
      volumeNames(onDemand).claim,
      volumeNames({ ...onDemand, size: "2Gi" }).claim,
      "it grows in place",
    );
  });

  it("keep the name with another access mode on a StorageClass, whose next volume would be empty, and get another elsewhere", () => {
    const modes = [VolumeAccessMode.ReadWriteMany, VolumeAccessMode.ReadWriteOnce];
    const claims = (source: VolumeSource): Set<string> =>
      new Set(
        modes.map((accessMode) => volumeNames({ ...volume(source), readOnly: false, accessMode }).claim),
      );
    assert.equal(claims({ kind: "storageClass", storageClass: "fast" }).size, 1);
    assert.equal(claims({ kind: "hostPath", path: "/a" }).size, 2);
    assert.equal(claims({ kind: "nfs", ...nfs, mountOptions: [] }).size, 2);
  });

  it("get other names with another source", () => {
    const sources: VolumeSource[] = [
      { kind: "hostPath", path: "/a" },
      { kind: "hostPath", path: "/b" },
      { kind: "nfs", ...nfs, mountOptions: [] },
      { kind: "nfs", ...nfs, path: "/other", mountOptions: [] },
      { kind: "csi", ...csi, fsType: undefined, attributes: {} },
      { kind: "storageClass", storageClass: "fast" },
    ];
    const claims = sources.map((source) => volumeNames(volume(source)).claim);
    assert.equal(new Set(claims).size, sources.length);
  });

  it("have the names that they are given", () => {
    const names = { claim: "old-claim", volume: "old-volume", storageClass: "old-class" };
    const named = { ...volume({ kind: "hostPath", path: "/a" }), names };
    assert.deepEqual(claimArgs(named).spec.volumeName, "old-volume");
    assert.deepEqual(volumeArgs(named).spec.claimRef, { namespace: "sandlot", name: "old-claim" });
    assert.equal(volumeArgs(named).spec.storageClassName, "old-class");
  });
});

describe("users' data", () => {
  it("is writable, kept by default, and in a folder of its own", () => {
    const settings = resolveUserData("it", { namespace: "sandlot", storageClass: "standard" });
    assert.equal(settings.retain, true);
    assert.equal(settings.subPath, "shared");
    assert.equal(settings.accessMode, VolumeAccessMode.ReadWriteMany);
  });

  it("may be exported by a server that is known by its address", () => {
    for (const server of ["10.0.0.7", "fd00::7", "files"]) {
      const args = { namespace: "sandlot", source: UserDataSource.Nfs, nfs: { ...nfs, server } };
      assert.doesNotThrow(() => resolveUserData("it", args), server);
    }
  });
});
