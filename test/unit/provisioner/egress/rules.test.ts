// The wall's arithmetic: what rules mean, which spellings of an address there are, and that deny and shut ranges always win.
import assert from "node:assert/strict";

import fc from "fast-check";

import { metadataAddresses } from "../../../../components/sandbox-network-policies/profiles.js";
import {
  contains,
  parseAddress,
  parseRange,
  type AddressRange,
} from "../../../../provisioner/src/egress/address.js";
import {
  type Host,
  parseHost,
  parseRule,
  refusalOf,
  refusalOfAddress,
  type Rule,
  type Rules,
} from "../../../../provisioner/src/egress/rules.js";
import { reachOf } from "../../../../provisioner/src/egress/shut.js";

function rule(text: string): Rule {
  const parsed = parseRule(text);
  assert.notEqual(parsed, undefined, text);
  return parsed as Rule;
}

const rules = (allow: string[], deny: string[] = []): Rules => ({
  allow: allow.map(rule),
  deny: deny.map(rule),
});

function host(text: string): Host {
  const parsed = parseHost(text);
  assert.notEqual(parsed, undefined, text);
  return parsed as Host;
}

function address(text: string): AddressRange {
  const parsed = parseAddress(text);
  assert.notEqual(parsed, undefined, text);
  return parsed as AddressRange;
}

const asks = (set: Rules, name: string, port = 443): string | undefined => refusalOf(set, host(name), port);
const dials = (set: Rules, to: string, port = 443, closed: string[] = []): string | undefined =>
  refusalOfAddress(
    set,
    address(to),
    port,
    closed.map((one) => parseRange(one) as AddressRange),
  );

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const ipv4 = octets.map((parts) => parts.join("."));
const ipv6 = fc.ipV6().filter((text) => parseAddress(text) !== undefined);
const name = fc.domain();

describe("egress: addresses", () => {
  it("reads every spelling of an address as the same, and IPv4 in IPv6 as IPv4", () => {
    assert.deepEqual(address("2001:0DB8:0:0:0:0:0:1"), address("2001:db8::1"));
    assert.deepEqual(address("::ffff:169.254.169.254"), address("169.254.169.254"));
    assert.deepEqual(address("::ffff:a9fe:a9fe"), address("169.254.169.254"));
    assert.deepEqual(address("::1"), { family: 6, first: 1n, last: 1n });
    for (const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "256.1.1.1",
      "fe80::1%eth0",
      "::1::",
      "1.2.3.4/32",
      "example.com",
    ])
      assert.equal(parseAddress(text), undefined, text);
  });

  it("reads ranges, and only ranges", () => {
    assert.deepEqual(parseRange("10.1.2.3/8"), { family: 4, first: 0x0a000000n, last: 0x0affffffn });
    assert.deepEqual(parseRange("::/0"), { family: 6, first: 0n, last: (1n << 128n) - 1n });
    for (const text of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "10/8", "/8"])
      assert.equal(parseRange(text), undefined, text);
    fc.assert(
      fc.property(octets, fc.nat(32), (parts, prefix) => {
        const text = parts.join(".");
        const range = parseRange(`${text}/${prefix}`) as AddressRange;
        assert.equal(contains(range, address(text)), true);
        assert.equal(range.last - range.first + 1n, 1n << BigInt(32 - prefix));
      }),
    );
  });

  it("agrees with itself about an IPv4 address and its IPv6 spelling", () => {
    fc.assert(
      fc.property(ipv4, fc.nat(32), (text, prefix) => {
        assert.deepEqual(address(`::ffff:${text}`), address(text));
        assert.deepEqual(parseRange(`::ffff:${text}/${96 + prefix}`), parseRange(`${text}/${prefix}`));
      }),
    );
    // A rule of such a range would be one that matches nothing: nobody's denial is taken and then not kept.
    assert.equal(parseRule("[::ffff:10.0.0.0/104]"), undefined);
  });
});

describe("egress: rules", () => {
  it("reads names, wildcards, ranges and ports", () => {
    const set = rules([
      "Example.com",
      "*.wild.example:8443",
      "203.0.113.0/24:*",
      "[2001:4860::/32]:53-54",
      "9.9.9.9",
    ]);
    for (const [to, port, refusal] of [
      ["example.com", 443, undefined],
      ["EXAMPLE.com.", 80, undefined],
      ["example.com", 22, "not_allowed"],
      ["sub.example.com", 443, "not_allowed"],
      ["example.com.evil.example", 443, "not_allowed"],
      ["notexample.com", 443, "not_allowed"],
      ["a.wild.example", 8443, undefined],
      ["a.b.wild.example", 8443, undefined],
      ["wild.example", 8443, "not_allowed"],
      ["evilwild.example", 8443, "not_allowed"],
      ["a.wild.example", 443, "not_allowed"],
      ["203.0.113.7", 9, undefined],
      ["203.0.114.7", 443, "not_allowed"],
      ["[2001:4860:4860::8888]", 53, undefined],
      ["[2001:4860:4860::8888]", 443, "not_allowed"],
      ["9.9.9.9", 443, undefined],
      ["::ffff:9.9.9.9", 443, undefined],
    ] as const)
      assert.equal(asks(set, to, port), refusal, `${to}:${String(port)}`);
  });

  it("refuses what is no rule", () => {
    for (const text of [
      "",
      "*.",
      ".",
      "*.*.example.com",
      "a.*.com",
      "*example.com",
      "example.com/",
      "http://example.com",
      "example.com:0",
      "example.com:65536",
      "example.com:90-80",
      "example.com:",
      "example.com:http",
      "10.0.0.0/33",
      "2001:db8::/32",
      "[10.0.0.0/8]",
      "[2001:db8::/32",
      "127.1",
      "0x7f.1",
      "1",
      "a b",
      "exämple.com",
      "a..b",
      "-a.example",
      "*:",
    ])
      assert.equal(parseRule(text), undefined, text);
  });

  it("takes nothing for a name that some parser takes for an address", () => {
    for (const text of [
      "2130706433",
      "0x7f000001",
      "127.1",
      "0177.0.0.1",
      "127.0.0.0x1",
      "1.2.3",
      "0x",
      "a.1",
      "[example.com]",
      "example.com:80",
      "a/b",
      "a@b",
      "[fe80::1%25eth0]",
      "",
    ])
      assert.equal(parseHost(text), undefined, text);
  });

  it("denies before it allows, whatever else is allowed", () => {
    const set = rules(
      ["*", "*.example.com", "10.0.0.0/8"],
      ["bad.example.com:*", "*.evil.example:*", "10.1.0.0/16:*", "8.8.8.0/24:*"],
    );
    assert.equal(asks(set, "bad.example.com"), "denied");
    assert.equal(asks(set, "a.evil.example"), "denied");
    assert.equal(asks(set, "evil.example"), undefined);
    assert.equal(asks(set, "8.8.8.8"), "denied");
    // A name that is allowed leads nowhere that is denied.
    assert.equal(dials(set, "8.8.8.8"), "denied");
    assert.equal(dials(set, "10.1.2.3"), "denied");
    assert.equal(dials(set, "10.2.2.3"), undefined);
    fc.assert(
      fc.property(
        name,
        fc.integer({ min: 1, max: 65535 }),
        fc.array(fc.constantFrom("*:*", "*", "0.0.0.0/0:*")),
        (one, port, allow) => {
          const parsed = parseHost(one);
          if (parsed === undefined) return;
          assert.equal(refusalOf(rules([...allow, `${one}:*`], [`${one}:*`]), parsed, port), "denied");
        },
      ),
    );
  });

  it("opens private addresses only to ranges that lie within private ones", () => {
    for (const to of ["10.2.3.4", "192.168.1.1", "172.20.0.1", "100.64.1.1", "::ffff:10.2.3.4", "fd12::1"]) {
      for (const wide of ["*:*", "0.0.0.0/0:*", "8.0.0.0/6:*", "[::/0]:*"])
        assert.equal(dials(rules([wide]), to), "private", `${to} by ${wide}`);
      assert.equal(dials(rules(["internal.example"]), to), "private");
    }
    assert.equal(dials(rules(["10.2.0.0/16"]), "10.2.3.4"), undefined);
    assert.equal(dials(rules(["10.2.0.0/16"]), "10.2.3.4", 22), "private");
    assert.equal(dials(rules(["[fd12::/16]:*"]), "fd12::1"), undefined);
  });

  it("opens what is closed to nothing", () => {
    for (const to of [
      "127.0.0.1",
      "0.0.0.0",
      "169.254.169.254",
      "::1",
      "::",
      "fe80::1",
      "ff02::1",
      "224.0.0.1",
      "255.255.255.255",
      "168.63.129.16",
      ...metadataAddresses.map((one) => one.address),
      "64:ff9b::a9fe:a9fe",
      "2002:a9fe:a9fe::",
      "::169.254.169.254",
      "::ffff:127.0.0.1",
      "::ffff:0:169.254.169.254", // translated (SIIT)
      "64:ff9b:2::a9fe:a9fe",
      "3fff::1",
      "4000::1",
      "fe00::1",
    ]) {
      const own = to.includes(":") ? `[${to}]:*` : `${to}:*`;
      const explicit = parseRule(own);
      const set: Rules = {
        allow: [rule("*:*"), rule("0.0.0.0/0:*"), rule("[::/0]:*"), ...(explicit ? [explicit] : [])],
        deny: [],
      };
      assert.equal(dials(set, to), "closed", to);
    }
    // Ranges around them that lie within private ones, as a rule that opens a private network would be.
    for (const [range, to] of [
      ["100.100.0.0/16", "100.100.100.200"],
      ["[fd20:ce::/64]", "fd20:ce::254"],
      ["[fd00::/16]", "fd00:ec2::254"],
    ] as const)
      assert.equal(dials(rules([`${range}:*`]), to), "closed", `${to} by ${range}`);
    assert.equal(dials(rules(["10.43.0.0/16:*"]), "10.43.0.1", 443, ["10.42.0.0/15"]), "closed");
    assert.equal(dials(rules(["10.44.0.0/16:*"]), "10.44.0.1", 443, ["10.42.0.0/15"]), undefined);
  });

  it("whatever the rules are, dials nothing that is closed, denied, or private and not named", () => {
    const text = fc.oneof(
      fc.constantFrom(
        "*",
        "*:*",
        "10.0.0.0/8:*",
        "0.0.0.0/0:*",
        "[::/0]:*",
        "192.168.0.0/16",
        "[fc00::/7]:*",
      ),
      fc.tuple(ipv4, fc.nat(32)).map(([one, prefix]) => `${one}/${prefix}:*`),
      name,
    );
    const set = fc
      .tuple(fc.array(text, { maxLength: 6 }), fc.array(text, { maxLength: 3 }))
      .map(([allow, deny]): Rules => {
        const read = (texts: string[]): Rule[] => texts.flatMap((one) => parseRule(one) ?? []);
        return { allow: read(allow), deny: read(deny) };
      });
    fc.assert(
      fc.property(set, fc.oneof(ipv4, ipv6), fc.constantFrom(22, 80, 443), (one, to, port) => {
        const target = address(to);
        const refusal = refusalOfAddress(one, target, port, []);
        const reach = reachOf(target, []);
        if (reach === "closed") assert.notEqual(refusal, undefined);
        const denied = one.deny.some(
          (each) =>
            each.kind === "range" &&
            contains(each.range, target) &&
            each.ports.some(({ first, last }) => first <= port && port <= last),
        );
        if (denied) assert.equal(refusal, "denied");
        if (reach === "private" && refusal === undefined)
          assert.equal(
            one.allow.some((each) => each.kind === "range" && contains(each.range, target)),
            true,
          );
      }),
      { numRuns: 3000 },
    );
  });
});
