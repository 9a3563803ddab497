// Ranges, quantities, defaults and checks: what every component's arguments stand on.
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import fc from "fast-check";

import { ArgumentError, Checks } from "../../../components/shared/checks";
import { contains, parseAddress, parseCidr, without } from "../../../components/shared/cidr";
import { over } from "../../../components/shared/defaults";
import { parseQuantity } from "../../../components/shared/quantity";
import * as rules from "../../../components/shared/rules";

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const words = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });

describe("a range without others", () => {
  const has = (texts: readonly string[], address: string): boolean =>
    texts.some((text) => {
      const [range, one] = [parseCidr(text), parseAddress(address)];
      return range !== undefined && one !== undefined && contains(range, one);
    });

  it("has every address but theirs, in both families", () => {
    const holesOf = (family: 4 | 6, prefixes: number[]) =>
      family === 4
        ? prefixes.map((prefix) => [`10.${prefix * 3}.128.0/${prefix}`, `10.${prefix * 3}.200.7`] as const)
        : prefixes.map(
            (prefix) => [`fd${prefix}:8000::/${prefix}`, `fd${prefix}:8000:0:1::${prefix}`] as const,
          );
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 6 as const),
        fc.array(fc.integer({ min: 17, max: 24 }), { minLength: 1, maxLength: 3 }),
        octets,
        (family, prefixes, [, b, c, d]) => {
          const holes = holesOf(family, prefixes).map(([range]) => range);
          const left = without(family === 4 ? "10.0.0.0/8" : "fc00::/7", holes);
          const any =
            family === 4
              ? `10.${b}.${c}.${d}`
              : `fd${String(b % 100).padStart(2, "0")}:${c.toString(16)}::${d}`;
          for (const address of [any, ...holesOf(family, prefixes).map(([, inside]) => inside)])
            assert.equal(has(left, address), !has(holes, address), `${address} in ${left.join(" ")}`);
        },
      ),
    );
  });

  it("is itself where none lies in it, and nothing where one is it", () => {
    assert.deepEqual(without("10.0.0.0/8", ["192.168.0.0/16", "fd00::/8"]), ["10.0.0.0/8"]);
    assert.deepEqual(without("172.16.0.0/12", ["172.16.0.0/12"]), []);
    assert.deepEqual(without("10.0.0.0/30", ["10.0.0.1/32"]), ["10.0.0.0/32", "10.0.0.2/31"]);
  });
});

describe("parseCidr", () => {
  it("reads IPv4 as numbers", () => {
    fc.assert(
      fc.property(octets, ([a, b, c, d]) => {
        const range = parseCidr(`${a}.${b}.${c}.${d}/32`);
        assert.ok(range);
        assert.equal(range.first, BigInt(a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d));
        assert.equal(range.last, range.first);
      }),
    );
  });

  it("reads IPv6 as numbers, shortened or not", () => {
    fc.assert(
      fc.property(words, (parts) => {
        const text = parts.map((word) => word.toString(16)).join(":");
        const value = parts.reduce((sum, word) => (sum << 16n) | BigInt(word), 0n);
        assert.equal(parseCidr(`${text}/128`)?.first, value);
        const shortened = text.replace(/(?:^|:)0(?::0)+(?::|$)/, "::");
        assert.equal(parseCidr(`${shortened}/128`)?.first, value, shortened);
      }),
    );
    assert.equal(parseCidr("::ffff:10.0.0.1/128")?.first, 0xffff0a000001n);
    assert.equal(parseCidr("::/0")?.last, (1n << 128n) - 1n);
  });

  it("a range contains each of its halves and they do not contain it", () => {
    fc.assert(
      fc.property(octets, fc.integer({ min: 0, max: 31 }), (parts, prefix) => {
        const outer = parseCidr(`${parts.join(".")}/${prefix}`);
        const inner = parseCidr(`${parts.join(".")}/${prefix + 1}`);
        assert.ok(outer && inner);
        assert.ok(contains(outer, inner));
        assert.ok(!contains(inner, outer));
      }),
    );
  });

  for (const text of [
    "10.0.0.0",
    "10.0.0.0/33",
    "::/129",
    "10.0.0/8",
    "1.2.3.4/-1",
    "x/8",
    "10.0.0.0/8/8",
    "10.0.0.0/",
    "",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseCidr(text), undefined);
    });
  }
});

describe("parseQuantity", () => {
  const amounts: [string, number | undefined][] = [
    ["100m", 0.1],
    ["2", 2],
    ["1.5", 1.5],
    ["1k", 1000],
    ["256Mi", 256 * 2 ** 20],
    ["1Gi", 2 ** 30],
    ["0", 0],
    ["-1", undefined],
    ["1 Gi", undefined],
    ["1gb", undefined],
    ["1GB", undefined],
    ["Mi", undefined],
    ["", undefined],
  ];
  for (const [text, amount] of amounts) {
    it(`reads ${JSON.stringify(text)} as ${String(amount)}`, () => {
      assert.equal(parseQuantity(text), amount);
    });
  }
});

describe("over", () => {
  it("keeps a default where nothing or undefined is given, and takes everything else", () => {
    assert.deepEqual(over({ a: 1, b: "x", c: true }, { a: 0, b: undefined, c: false }), {
      a: 0,
      b: "x",
      c: false,
    });
    assert.deepEqual(over({ a: 1 }, undefined), { a: 1 });
  });
});

describe("rules", () => {
  const table: [rule: keyof typeof rules, good: unknown[], bad: unknown[]][] = [
    ["port", [1, 6443, 65535], [0, -1, 65536, 1.5, NaN, "80"]],
    ["dnsLabel", ["a", "sandlot-dev", "0"], ["", "A", "-a", "a-", "a.b", "a".repeat(64), 1]],
    ["dnsSubdomain", ["a.b", "sandbox"], ["", ".a", "a..b", "A.b", "a".repeat(254)]],
    ["absolutePath", ["/", "/srv/my skills"], ["", "srv", "/a/../b", "/a:b", "/a,b", "/a\nb"]],
    ["quantity", ["1", "100m", "1Gi"], ["", "1GB", "one", "-1", 1]],
    [
      "cidr",
      ["10.0.0.0/8", "172.18.0.1/32", "fd00::/8"],
      ["10.0.0.1/8", "10.0.0.0", "fd00::1/8", "::ffff:10.0.0.0/104", ""],
    ],
    ["environmentName", ["HOME", "_x", "a1"], ["", "1a", "A-B", "A B", "A=B"]],
    [
      "pinnedImage",
      [
        "a:1",
        "sandlot/sandbox:0123456789abcdef",
        "localhost:5000/a/b:v1",
        `a@sha256:${"0".repeat(64)}`,
        `r.io/a:1@sha256:${"f".repeat(64)}`,
      ],
      ["", "a", "a:latest", "A:1", "a:", "a b:1", "r.io:5000/a", "a@sha256:12", "-a:1", "a:1;rm"],
    ],
    [
      "labels",
      [{}, { "a.b/c": "d" }, { a: "" }],
      [{ "": "a" }, { "A_/b": "c" }, { a: "b c" }, { a: 1 }, { a: "x".repeat(64) }],
    ],
    ["selector", [{ a: "b" }], [{}]],
  ];
  for (const [name, good, bad] of table) {
    const rule = rules[name] as (value: unknown) => string | undefined;
    it(`${name} admits what is good and explains what is not`, () => {
      for (const value of good) assert.equal(rule(value), undefined, JSON.stringify(value));
      for (const value of bad) assert.match(rule(value) ?? "", /\w/, JSON.stringify(value));
    });
  }
});

describe("Checks", () => {
  it("names component, field, value and what is allowed, for all problems at once", () => {
    const checks = new Checks("K3sCluster", "dev");
    checks.plain("apiPort", 70000, rules.port);
    checks.plain("memory", undefined, rules.port);
    void checks.input("image", "a", rules.pinnedImage);
    checks.problem("a and b are both given; remove one");
    assert.throws(
      () => {
        checks.finish();
      },
      (error: unknown) => {
        assert.ok(error instanceof ArgumentError);
        assert.ok(pulumi.RunError.isInstance(error), "Pulumi shows no stack trace of it");
        assert.equal(error.problems.length, 3);
        assert.equal(
          error.problems[0],
          'K3sCluster "dev": apiPort is 70000, but must be a port from 1 to 65535.',
        );
        assert.equal(error.problems[2], 'K3sCluster "dev": a and b are both given; remove one.');
        return true;
      },
    );
  });

  it("holds a value that is only known later against its rule when it is known", async () => {
    const checks = new Checks("NodeImage", "sandbox");
    const good = checks.input("image", Promise.resolve("a:1"), rules.pinnedImage);
    const bad = checks.input("image", Promise.resolve("a:latest"), rules.pinnedImage);
    checks.finish();
    assert.equal(await promiseOf(good), "a:1");
    await assert.rejects(
      promiseOf(bad),
      /NodeImage "sandbox": image is "a:latest", but must be .* tag other than latest/,
    );
  });
});

function promiseOf<T>(input: pulumi.Input<T>): Promise<T> {
  return (pulumi.output(input) as unknown as { promise(): Promise<T> }).promise();
}
