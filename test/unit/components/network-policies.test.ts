// What the network walls can be told, and what is wrong with given ones: allow lists, DNS caches, peers.
import assert from "node:assert/strict";

import {
  EgressProfile,
  EgressProtocol,
  egressProfiles,
  metadataAddresses,
  shutRanges,
  type SandboxNetworkPoliciesArgs,
} from "@sandlot/components";
import * as pulumi from "@pulumi/pulumi";

import { allowDns, allowProfile } from "../../../components/sandbox-network-policies/policies";
import { reaches } from "../../../components/sandbox-network-policies/reach";
import { resolve } from "../../../components/sandbox-network-policies/resolve";
import { ArgumentError } from "../../../components/shared/checks";
import { overlaps, parseAddress, parseCidr } from "../../../components/shared/cidr";
import { refuses } from "../../support/refuses";

const listed = (...cidrs: string[]) => ({ allowlist: cidrs.map((cidr) => ({ cidr })) });

refuses<SandboxNetworkPoliciesArgs>("SandboxNetworkPolicies", resolve, { namespace: "sandlot" }, [
  [{ namespace: "" }, /namespace is ""/],
  [{ ingressPeers: [{}] }, /ingressPeers\[0\] has neither labels nor cidr/],
  [
    { ingressPeers: [{ cidr: "10.0.0.1/32", podLabels: { a: "b" } }] },
    /ingressPeers\[0\] has both labels and cidr/,
  ],
  [{ ingressPeers: [{ cidr: "10.0.0.1" }] }, /ingressPeers\[0\]\.cidr is "10\.0\.0\.1", but must be a range/],
  [{ ingressPeers: [{ cidr: "0.0.0.0/0" }] }, /less than the whole internet/],
  [{ ingressPeers: [{ cidr: "::/0" }] }, /less than the whole internet/],
  [
    { ingressPeers: [{ podLabels: {} }] },
    /ingressPeers\[0\]\.podLabels is \{\}, but must be at least one label/,
  ],
  [
    { ingressPeers: [{ cidr: "10.0.0.1/32" }, { cidr: "10.0.0.1/32" }] },
    /ingressPeers\[1\] is ingressPeers\[0\] again; remove one/,
  ],
  [
    {
      ingressPeers: [
        { namespaceLabels: { a: "1", b: "2" }, podLabels: { c: "3" } },
        { namespaceLabels: { b: "2", a: "1" }, podLabels: { c: "3" } },
      ],
    },
    /ingressPeers\[1\] is ingressPeers\[0\] again/,
  ],
  [{ clusterCidrs: ["10.42.1.0/16"] }, /clusterCidrs\[0\].*bits after \/16 must be 0/],
  [{ clusterCidrs: ["::/0"] }, /use profile blocked/],
  [{ dns: { port: 0 } }, /dns\.port is 0/],
  [{ dns: { podLabels: {} } }, /dns\.podLabels is \{\}/],
  [
    { dns: { nodeLocalAddresses: ["169.254.20.10/32"] } },
    /dns\.nodeLocalAddresses\[0\] is "169\.254\.20\.10\/32", but must be one IPv4 or IPv6 address/,
  ],
  [{ dns: { nodeLocalAddresses: ["169.254.20.256"] } }, /one IPv4 or IPv6 address/],
  [{ dns: { nodeLocalAddresses: ["::ffff:169.254.20.10"] } }, /written as IPv4/],
  [
    { dns: { nodeLocalAddresses: ["169.254.20.10", "169.254.20.10"] } },
    /dns\.nodeLocalAddresses\[1\] .*an earlier entry/,
  ],
  ...metadataAddresses.map(({ address }): [Partial<SandboxNetworkPoliciesArgs>, RegExp] => [
    { dns: { nodeLocalAddresses: [address] } },
    /but must be the address of a DNS cache; this one is for/,
  ]),
  [listed("140.82.112.0"), /allowlist\[0\]\.cidr is "140\.82\.112\.0", but must be a range/],
  [listed("140.82.112.1/20"), /bits after \/20 must be 0/],
  [listed("140.82.112.0/64"), /allowlist\[0\]\.cidr is .* must be a range/],
  [listed("::ffff:1.1.1.0/120"), /written as IPv4/],
  [listed("0.0.0.0/0"), /allowlist\[0\]\.cidr is "0\.0\.0\.0\/0", but must be .*use profile open/],
  [listed("::/0"), /use profile open/],
  [listed("10.1.0.0/16"), /opens 10\.0\.0\.0\/8 \(private\).*set allowPrivate to true/],
  [listed("169.254.169.254/32"), /opens 169\.254\.0\.0\/16 \(link-local, cloud metadata\)/],
  [listed("168.63.129.16/32"), /Azure platform endpoint/],
  [listed("fd00:ec2::254/128"), /opens fc00::\/7/],
  [listed("64:ff9b::a00:1/128"), /opens 64:ff9b::\/96 .*NAT64/],
  [listed("100.0.0.0/8"), /opens 100\.64\.0\.0\/10 \(carrier-grade NAT\)/],
  [
    { ...listed("45.90.28.0/24"), clusterCidrs: ["45.90.0.0/16"] },
    /opens 45\.90\.0\.0\/16 \(the cluster's own \(clusterCidrs\)\)/,
  ],
  [
    listed("1.1.1.0/24", "1.1.1.0/24"),
    /allowlist\[1\] has 1\.1\.1\.0\/24 at 443\/TCP, which allowlist\[0\] has/,
  ],
  [listed("2606:4700::/32", "2606:4700:0:0::/32"), /allowlist\[1\] has .* which allowlist\[0\] has already/],
  [{ allowlist: [{ cidr: "1.1.1.0/24", ports: [] }] }, /allowlist\[0\]\.ports is empty/],
  [{ allowlist: [{ cidr: "1.1.1.0/24", ports: [{ port: 0 }] }] }, /allowlist\[0\]\.ports\[0\]\.port is 0/],
  [
    { allowlist: [{ cidr: "1.1.1.0/24", ports: [{ port: 80, endPort: 79 }] }] },
    /allowlist\[0\]\.ports\[0\]\.endPort is 79, but must be a port from 80 to 65535/,
  ],
  [
    { allowlist: [{ cidr: "1.1.1.0/24", ports: [{ port: 80, protocol: "SCTP" as EgressProtocol }] }] },
    /protocol is "SCTP", but must be one of TCP, UDP/,
  ],
]);

describe("an allow list", () => {
  const range = { cidr: "140.82.112.0/20" };

  it("is taken with the flag where it opens what is shut", () => {
    const cidrs = ["10.1.0.0/16", "fd12:3456::/32", "45.90.28.0/24"];
    const allowlist = cidrs.map((cidr) => ({ cidr, allowPrivate: true }));
    assert.doesNotThrow(() => resolve("it", { namespace: "a", allowlist, clusterCidrs: ["45.90.28.0/24"] }));
  });

  it("may name one range for several ports", () => {
    const allowlist = [
      { ...range, ports: [{ port: 443 }] },
      { ...range, ports: [{ port: 443, protocol: EgressProtocol.Udp }, { port: 22 }] },
    ];
    assert.doesNotThrow(() => resolve("it", { namespace: "a", allowlist }));
  });

  it("opens HTTPS by default, in both families, to profile allowlist alone", () => {
    const options = { allowlist: [range, { cidr: "2606:50c0::/32" }] };
    for (const address of ["140.82.121.4", "2606:50c0:8000::153"]) {
      const at = (port: number, protocol = EgressProtocol.Tcp) => ({ address, port, protocol });
      assert.equal(reaches(EgressProfile.Allowlist, at(443), options), true);
      assert.equal(reaches(EgressProfile.Allowlist, at(80), options), false);
      assert.equal(reaches(EgressProfile.Allowlist, at(443, EgressProtocol.Udp), options), false);
      assert.equal(reaches(EgressProfile.Allowlist, at(443)), false, "without a list");
      assert.equal(reaches(EgressProfile.Blocked, at(443), options), false);
    }
    const outside = { address: "140.82.128.1", port: 443, protocol: EgressProtocol.Tcp };
    assert.equal(reaches(EgressProfile.Allowlist, outside, options), false);
  });

  it("opens nothing to a sandbox of the provisioner, whose own rules it would lead around", () => {
    const options = { allowlist: [range] };
    const listed = { address: "140.82.121.4", port: 443, protocol: EgressProtocol.Tcp };
    for (const profile of [EgressProfile.Blocked, EgressProfile.Allowlist])
      assert.equal(reaches(profile, listed, options, "provisioned"), false, profile);
    assert.equal(reaches(EgressProfile.Open, listed, options, "provisioned"), true);
  });

  it("becomes a rule for each range, with its ports", () => {
    const { allowlist, dns } = resolve("it", {
      namespace: "a",
      allowlist: [
        { cidr: "1.1.1.1/32", ports: [{ port: 53, protocol: EgressProtocol.Udp }] },
        { ...range, ports: [{ port: 22 }, { port: 8000, endPort: 8100 }] },
      ],
    });
    const reach = egressProfiles.find(({ profile }) => profile === EgressProfile.Allowlist);
    assert.ok(reach);
    assert.deepEqual(allowProfile(reach, { clusterCidrs: [], allowlist, dns }).egress, [
      { to: [{ ipBlock: { cidr: "1.1.1.1/32" } }], ports: [{ protocol: "UDP", port: 53 }] },
      {
        to: [{ ipBlock: { cidr: "140.82.112.0/20" } }],
        ports: [
          { protocol: "TCP", port: 22 },
          { protocol: "TCP", port: 8000, endPort: 8100 },
        ],
      },
    ]);
  });

  it("is held against cluster ranges that are only known later when they are", async () => {
    const { clusterCidrs } = resolve("it", {
      namespace: "a",
      allowlist: [{ cidr: "45.90.28.0/24" }],
      clusterCidrs: [pulumi.output("45.90.28.0/22"), pulumi.output("203.0.112.0/24")],
    });
    const known = clusterCidrs.map((input) => promiseOf(input));
    await assert.rejects(known[0] ?? Promise.resolve(), (error: unknown) => {
      assert.ok(error instanceof ArgumentError);
      return error.message.includes('allowlist[0].cidr is "45.90.28.0/24", which opens 45.90.28.0/22');
    });
    assert.equal(await known[1], "203.0.112.0/24");
  });
});

describe("DNS", () => {
  it("is asked at no address unless one is given", () => {
    const { dns } = resolve("it", { namespace: "a" });
    assert.doesNotMatch(JSON.stringify(allowDns(dns)), /ipBlock/);
  });

  it("is no way out of a sandbox of the provisioner that may not reach the internet anyway", () => {
    const cache = "169.254.20.10";
    const options = { dns: { nodeLocalAddresses: [cache] } };
    const pod = {
      namespaceLabels: { "kubernetes.io/metadata.name": "kube-system" },
      podLabels: { "k8s-app": "kube-dns" },
    };
    for (const protocol of Object.values(EgressProtocol))
      for (const place of [{ pod }, { address: cache }])
        for (const [kind, expected] of [
          ["shared", [true, true, true]],
          ["provisioned", [false, false, true]],
        ] as const)
          assert.deepEqual(
            Object.values(EgressProfile).map((profile) =>
              reaches(profile, { ...place, port: 53, protocol }, options, kind),
            ),
            expected,
            `${kind} ${JSON.stringify(place)} ${protocol}`,
          );
  });

  it("is asked at the caches' addresses, of both families, at port 53 and no other", () => {
    const { dns } = resolve("it", {
      namespace: "a",
      dns: { port: 5353, nodeLocalAddresses: ["169.254.20.10", "fd00::10"] },
    });
    const [pods, caches] = (allowDns(dns).egress ?? []) as unknown as { to: unknown; ports: unknown }[];
    const at = (port: number) => ["UDP", "TCP"].map((protocol) => ({ protocol, port }));
    assert.deepEqual(pods?.ports, at(5353));
    assert.deepEqual(caches, {
      to: [{ ipBlock: { cidr: "169.254.20.10/32" } }, { ipBlock: { cidr: "fd00::10/128" } }],
      ports: at(53),
    });
  });
});

describe("metadata addresses", () => {
  it("each lie in a range that is shut", () => {
    for (const { address } of metadataAddresses) {
      const one = parseAddress(address);
      assert.ok(one, address);
      const shut = shutRanges.some(({ cidr }) => {
        const range = parseCidr(cidr);
        return range !== undefined && overlaps(range, one);
      });
      assert.ok(shut, address);
    }
  });
});

function promiseOf<T>(input: pulumi.Input<T>): Promise<T> {
  return (pulumi.output(input) as unknown as { promise(): Promise<T> }).promise();
}
