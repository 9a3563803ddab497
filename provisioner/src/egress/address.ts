// Addresses and ranges as numbers, so that no spelling of an address is another address.
import { isIPv4, isIPv6 } from "node:net";

/** A range of addresses of one family, both ends included. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const mapped = 0xffffn << 32n;

/**
 * Reads an address; undefined for what is none. IPv6 that stands for IPv4 (`::ffff:10.0.0.1`) is that IPv4 address, as the
 * system would connect to it. Zones (`%eth0`) are refused.
 */
export function parseAddress(text: string): AddressRange | undefined {
  if (isIPv4(text)) return single(4, ipv4(text));
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const value = ipv6(text);
  return value >> 32n === mapped >> 32n ? single(4, value & 0xffff_ffffn) : single(6, value);
}

/**
 * Reads `address/prefix`, or an address as the range of itself; undefined for what is neither. A range of IPv6 that stands for
 * IPv4 (`::ffff:10.0.0.0/104`) is that range of IPv4: its addresses are read as IPv4, so nothing else would be in it.
 */
export function parseRange(text: string): AddressRange | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  if (prefix === undefined) return parseAddress(text);
  if (more.length > 0 || !/^\d{1,3}$/.test(prefix)) return undefined;
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  if (family === undefined) return undefined;
  const width = family === 4 ? 32n : 128n;
  const bits = BigInt(prefix);
  if (bits > width) return undefined;
  const host = (1n << (width - bits)) - 1n;
  const first = (family === 4 ? ipv4(address) : ipv6(address)) & ~host;
  if (family === 6 && bits >= 96n && first >> 32n === mapped >> 32n)
    return { family: 4, first: first & 0xffff_ffffn, last: (first | host) & 0xffff_ffffn };
  return { family, first, last: first | host };
}

/** Whether all of `inner` is in `outer`. */
export function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

function single(family: 4 | 6, value: bigint): AddressRange {
  return { family, first: value, last: value };
}

function ipv4(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function ipv6(text: string): bigint {
  // URLs write every IPv6 address in one way, without dots.
  const plain = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = "", tail] = plain.split("::");
  const words = (part: string | undefined): string[] =>
    part === undefined || part === "" ? [] : part.split(":");
  const [left, right] = [words(head), words(tail)];
  const zeros = new Array<string>(tail === undefined ? 0 : 8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}
