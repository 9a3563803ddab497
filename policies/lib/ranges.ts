// Ranges of addresses. The pack has its own reading of them and its own list of private ones: it judges the components, so that
// it must not share their mistakes.
import { isIPv4, isIPv6 } from "node:net";

/** A range of IPv4 or IPv6 addresses. */
export interface Range {
  readonly width: 32 | 128;
  readonly base: bigint;
  readonly prefix: number;
}

/**
 * What code from a sandbox must never reach: private, shared, link-local (cloud metadata) and loopback addresses. IPv4-mapped
 * IPv6 addresses are none of their own: they leave a host as IPv4, and Kubernetes takes no block of them.
 */
export const privateRanges: readonly string[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "::1/128",
  "64:ff9b::/96",
  "fc00::/7",
  "fe80::/10",
];

/** Reads `address/prefix`; undefined if it is no range. */
export function parseRange(text: string): Range | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const prefix = Number(length);
  if (rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  if (isIPv4(address) && prefix <= 32) return masked(32, ipv4(address), prefix);
  if (isIPv6(address) && prefix <= 128) return masked(128, ipv6(address), prefix);
  return undefined;
}

/** The private ranges that `allowed` less `except` reaches into. */
export function exposedRanges(allowed: string, except: readonly string[]): string[] {
  const block = parseRange(allowed);
  if (block === undefined) return [];
  const shut = except.map(parseRange).filter((range) => range !== undefined);
  return privateRanges.filter((text) => {
    const range = parseRange(text);
    const common = range === undefined ? undefined : overlap(block, range);
    return common !== undefined && !isCovered(common, shut);
  });
}

function isCovered(range: Range, shut: readonly Range[]): boolean {
  const touching = shut.filter((each) => overlap(each, range) !== undefined);
  if (touching.some((each) => each.prefix <= range.prefix)) return true;
  if (touching.length === 0) return false;
  const prefix = range.prefix + 1;
  const half = 1n << BigInt(range.width - prefix);
  return [range.base, range.base | half].every((base) =>
    isCovered({ width: range.width, base, prefix }, touching),
  );
}

/** Two ranges are apart, or one lies in the other: the smaller one. */
function overlap(a: Range, b: Range): Range | undefined {
  if (a.width !== b.width) return undefined;
  const [outer, inner] = a.prefix <= b.prefix ? [a, b] : [b, a];
  return masked(inner.width, inner.base, outer.prefix).base === outer.base ? inner : undefined;
}

function masked(width: 32 | 128, address: bigint, prefix: number): Range {
  const host = BigInt(width - prefix);
  return { width, base: (address >> host) << host, prefix };
}

function ipv4(address: string): bigint {
  return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function ipv6(address: string): bigint {
  const tail = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (tail !== undefined) {
    const value = ipv4(tail);
    const words = `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
    return ipv6(address.slice(0, -tail.length) + words);
  }
  const [before = "", after] = address.split("::");
  const left = before.split(":").filter((word) => word !== "");
  const right = (after ?? "").split(":").filter((word) => word !== "");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].reduce((sum, word) => sum * 65536n + BigInt(`0x${word}`), 0n);
}
