// Profile `open` is the internet and nothing else, whatever address one tries.
import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";

import { exceptions } from "../../../components/sandbox-network-policies/policies";
import {
  egressProfiles,
  EgressProfile,
  shutRanges,
} from "../../../components/sandbox-network-policies/profiles";
import { contains, parseCidr } from "../../../components/shared/cidr";

/** Whether profile `open` reaches an address, as a network policy engine decides it. Node's own BlockList compares. */
function reaches(clusterCidrs: readonly string[] = []): (address: string) => boolean {
  const family = (text: string) => (text.includes(":") ? "ipv6" : "ipv4");
  const shut = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const whole of ["0.0.0.0/0", "::/0"]) {
    for (const range of exceptions(whole, clusterCidrs)) {
      const [address = "", prefix = ""] = range.split("/");
      shut[family(range)].addSubnet(address, Number(prefix), family(range));
    }
  }
  return (address) => !shut[family(address)].check(address, family(address));
}

const octet = fc.nat(255);
const word = fc.nat(0xffff).map((value) => value.toString(16));
const v4 = (...parts: (number | typeof octet)[]) =>
  fc
    .tuple(...parts.map((part) => (typeof part === "number" ? fc.constant(part) : part)))
    .map((all) => all.join("."));
const v6 = (first: fc.Arbitrary<number>) =>
  fc
    .tuple(first, word, word, word, word, word, word, word)
    .map(([head, ...rest]) => [head.toString(16), ...rest].join(":"));

const privateAddresses: [string, fc.Arbitrary<string>][] = [
  ["10.0.0.0/8", v4(10, octet, octet, octet)],
  [
    "172.16.0.0/12",
    fc.tuple(fc.integer({ min: 16, max: 31 }), octet, octet).map(([b, c, d]) => `172.${b}.${c}.${d}`),
  ],
  ["192.168.0.0/16", v4(192, 168, octet, octet)],
  [
    "100.64.0.0/10",
    fc.tuple(fc.integer({ min: 64, max: 127 }), octet, octet).map(([b, c, d]) => `100.${b}.${c}.${d}`),
  ],
  ["169.254.0.0/16", v4(169, 254, octet, octet)],
  ["127.0.0.0/8", v4(127, octet, octet, octet)],
  ["0.0.0.0/8", v4(0, octet, octet, octet)],
  [
    "224.0.0.0/3",
    fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet).map((all) => all.join(".")),
  ],
  ["fc00::/7", v6(fc.integer({ min: 0xfc00, max: 0xfdff }))],
  ["fe80::/10", v6(fc.integer({ min: 0xfe80, max: 0xfebf }))],
  ["ff00::/8", v6(fc.integer({ min: 0xff00, max: 0xffff }))],
];

describe("profile open", () => {
  for (const [range, addresses] of privateAddresses) {
    it(`reaches no address of ${range}`, () => {
      const open = reaches();
      fc.assert(fc.property(addresses, (address) => !open(address)));
    });
  }

  const named: [string, string[]][] = [
    [
      "cloud metadata services",
      [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
      ],
    ],
    [
      "usual cluster addresses",
      ["10.42.0.1", "10.43.0.1", "10.96.0.1", "172.17.0.1", "172.18.0.1", "192.168.49.2"],
    ],
    [
      "IPv4 addresses in IPv6 clothes",
      ["64:ff9b::a00:1", "2002:a00:1::1", "::1", "::10.0.0.1", "2001::a00:1"],
    ],
  ];
  for (const [what, addresses] of named) {
    it(`reaches no ${what}`, () => {
      assert.deepEqual(addresses.filter(reaches()), []);
    });
  }

  it("reaches the internet", () => {
    const internet = [
      "1.1.1.1",
      "8.8.8.8",
      "140.82.121.4",
      "172.15.255.255",
      "172.32.0.1",
      "100.63.255.255",
      "100.128.0.1",
      "2606:4700::1111",
      "2a00:1450::1",
    ];
    assert.deepEqual(
      internet.filter((address) => !reaches()(address)),
      [],
    );
  });

  it("reaches nothing that the cluster says is its own", () => {
    const open = reaches(["203.0.114.0/24", "2a00:1450::/32"]);
    assert.equal(open("203.0.114.77"), false);
    assert.equal(open("2a00:1450::1"), false);
    assert.equal(open("203.0.115.1"), true);
  });
});

describe("the table of shut ranges", () => {
  it("names each range once, in its canonical form, with its purpose and source", () => {
    const seen = new Set<string>();
    for (const { cidr, purpose, source } of shutRanges) {
      const range = parseCidr(cidr);
      assert.ok(range !== undefined && !range.hasHostBits, cidr);
      assert.ok(!seen.has(cidr), cidr);
      assert.ok(purpose !== "" && /RFC|IANA|documentation/.test(source), cidr);
      seen.add(cidr);
    }
  });

  it("gives exceptions that Kubernetes accepts: inside the block, smaller than it, none inside another", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(octet, octet, fc.integer({ min: 1, max: 24 })), { maxLength: 5 }),
        (extra) => {
          const own = extra.map(([a, b, prefix]) => `${a}.${b}.0.0/${prefix}`);
          const ranges = exceptions("0.0.0.0/0", own).map((text) => parseCidr(text));
          for (const [i, one] of ranges.entries()) {
            assert.ok(one !== undefined && one.family === 4 && one.prefix > 0);
            for (const [j, other] of ranges.entries()) {
              if (i === j || other === undefined) continue;
              assert.ok(!contains(other, one) || contains(one, other), "no exception lies in another");
            }
          }
        },
      ),
    );
  });

  it("has a line for every profile", () => {
    assert.deepEqual(
      egressProfiles.map(({ profile }) => profile),
      Object.values(EgressProfile),
    );
  });
});
