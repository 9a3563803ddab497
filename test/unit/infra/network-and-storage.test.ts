// From the configuration of network and storage to the components' arguments.
import assert from "node:assert/strict";

import {
  EgressProfile,
  EgressProtocol,
  SkillsSource,
  UserDataSource,
  VolumeAccessMode,
} from "@sandlot/components";

import { deploymentArguments } from "../../../infra/arguments/deployment";
import { networkArguments } from "../../../infra/arguments/network";
import { skillsArguments } from "../../../infra/arguments/skills";
import { userDataArguments } from "../../../infra/arguments/user-data";
import { parseConfig } from "../../../infra/config/load";
import type { SandlotConfig } from "../../../infra/config/schema";

const parsed = (config: SandlotConfig): SandlotConfig =>
  parseConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [`sandlot:${key}`, JSON.stringify(value)]),
    ),
  );

describe("network's arguments", () => {
  it("are empty lists when nothing is configured", () => {
    assert.deepEqual(networkArguments({}), { ingressPeers: [], allowlist: [], clusterCidrs: [] });
  });

  it("carry the allow list, with and without ports", () => {
    const config = parsed({
      network: {
        egress: "allowlist",
        allowlist: [
          { cidr: "140.82.112.0/20" },
          {
            cidr: "2606:50c0::/32",
            ports: [
              { port: 53, protocol: "udp" },
              { port: 8000, endPort: 8100 },
            ],
            allowPrivate: true,
          },
        ],
      },
    });
    assert.deepEqual(networkArguments(config).allowlist, [
      { cidr: "140.82.112.0/20" },
      {
        cidr: "2606:50c0::/32",
        ports: [
          { port: 53, protocol: EgressProtocol.Udp },
          { port: 8000, endPort: 8100, protocol: EgressProtocol.Tcp },
        ],
        allowPrivate: true,
      },
    ]);
    assert.equal(deploymentArguments(config)?.egress, EgressProfile.Allowlist);
    assert.equal(deploymentArguments({})?.egress, EgressProfile.Blocked);
  });

  it("carry every kind of peer, and the DNS", () => {
    const config = parsed({
      network: {
        clientCidrs: ["10.20.0.0/16", "fd00:20::/64"],
        clientNamespaces: ["agents"],
        clientPods: [{ podLabels: { role: "gateway" } }],
        dns: { podLabels: { "dns.operator.openshift.io/daemonset-dns": "default" }, port: 5353 },
      },
    });
    const { ingressPeers, dns } = networkArguments(config);
    assert.deepEqual(ingressPeers, [
      { cidr: "10.20.0.0/16" },
      { cidr: "fd00:20::/64" },
      {
        namespaceLabels: { "kubernetes.io/metadata.name": "agents" },
        podLabels: { "sandlot.dev/sandbox-client": "true" },
      },
      { podLabels: { role: "gateway" } },
    ]);
    assert.deepEqual(dns, {
      podLabels: { "dns.operator.openshift.io/daemonset-dns": "default" },
      port: 5353,
    });
  });
});

describe("skills' arguments", () => {
  const container = { kind: "container" } as const;
  const existing = { kind: "existing" } as const;

  it("are the folder that the node of our own cluster sees", () => {
    assert.deepEqual(skillsArguments({}, container), {
      source: SkillsSource.HostPath,
      hostPath: "/mnt/skills",
    });
  });

  it("are none in another cluster, unless it has some", () => {
    assert.equal(skillsArguments({}, existing), undefined);
    const config = parsed({ skills: { nodePath: "/srv/skills", retain: true } });
    assert.deepEqual(skillsArguments(config, existing), {
      source: SkillsSource.HostPath,
      hostPath: "/srv/skills",
      retain: true,
    });
  });

  it("are what the cluster has, by its kind", () => {
    const nfs = { server: "files", path: "/skills" };
    const csi = { driver: "efs.csi.aws.com", volumeHandle: "fs-1" };
    const names = { claim: "deer-flow-skills-pvc" };
    const table: [SandlotConfig["skills"], object][] = [
      [
        { nfs, size: "2Gi" },
        { source: SkillsSource.Nfs, nfs, size: "2Gi" },
      ],
      [
        { csi, names },
        { source: SkillsSource.Csi, csi, names },
      ],
      [
        { storageClass: "fast", accessMode: "ReadWriteOnce" },
        {
          source: SkillsSource.StorageClass,
          storageClass: "fast",
          accessMode: VolumeAccessMode.ReadWriteOnce,
        },
      ],
      [{ existingClaim: "c" }, { source: SkillsSource.ExistingClaim, existingClaim: "c" }],
    ];
    for (const [skills, expected] of table) {
      assert.deepEqual(skillsArguments(parsed({ skills }), existing), expected);
      assert.deepEqual(skillsArguments(parsed({ skills }), container), expected);
    }
  });
});

describe("users' data's arguments", () => {
  it("are none unless configured", () => {
    assert.deepEqual(userDataArguments({}), {});
  });

  it("name the place by its kind", () => {
    const nfs = { server: "files", path: "/data" };
    const table: [NonNullable<SandlotConfig["userData"]>, object][] = [
      [{ storageClass: "fast" }, { source: UserDataSource.StorageClass, storageClass: "fast" }],
      [
        { nfs, subPath: "users/alice" },
        { source: UserDataSource.Nfs, nfs, subPath: "users/alice" },
      ],
      [{ nodePath: "/srv/data" }, { source: UserDataSource.HostPath, hostPath: "/srv/data" }],
      [
        { existingClaim: "c", retain: false },
        { source: UserDataSource.ExistingClaim, existingClaim: "c", retain: false },
      ],
    ];
    for (const [userData, expected] of table)
      assert.deepEqual(userDataArguments(parsed({ userData })), { userData: expected });
  });

  it("say when stale data is removed, apart from where it is kept", () => {
    const userData = { storageClass: "fast", retention: { days: 30, schedule: "0 4 * * 0" } };
    assert.deepEqual(userDataArguments(parsed({ userData })), {
      userData: { source: UserDataSource.StorageClass, storageClass: "fast" },
      userDataRetention: { days: 30, schedule: "0 4 * * 0" },
    });
    assert.throws(
      () => parsed({ userData: { storageClass: "fast", retention: { days: 7 } } }),
      /userData\.retention\.days.*an integer from 8 to 3650/s,
    );
  });
});
