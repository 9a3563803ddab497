// Ranges of IPv4 and IPv6 addresses: reading them and asking whether one lies in another.
import { isIPv4, isIPv6 } from "node:net";

/** A range, read. */
export interface CidrRange {
  readonly family: 4 | 6;
  /** The first address as a number. */
  readonly first: bigint;
  /** The last address as a number. */
  readonly last: bigint;
  readonly prefix: number;
  /** Whether the address had bits set after the prefix, which Kubernetes warns about. */
  readonly hasHostBits: boolean;
}

/** Reads `address/prefix`; undefined if it is no range. */
export function parseCidr(text: string): CidrRange | undefined {
  if (typeof text !== "string") return undefined;
  const found = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  const address = found?.[1] ?? "";
  const prefix = Number(found?.[2]);
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined;
  if (family === undefined) return undefined;
  const width = family === 4 ? 32 : 128;
  if (!(prefix <= width)) return undefined;
  const value = family === 4 ? ipv4Value(address) : ipv6Value(address);
  const hostMask = (1n << BigInt(width - prefix)) - 1n;
  const first = value & ~hostMask;
  return { family, first, last: first | hostMask, prefix, hasHostBits: first !== value };
}

/** Whether every address of `inner` is in `outer`. */
export function contains(outer: CidrRange, inner: CidrRange): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

/** Whether any address is in both. */
export function overlaps(one: CidrRange, other: CidrRange): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** A single address as the range of itself; undefined if it is no address. */
export function parseAddress(text: string): CidrRange | undefined {
  if (typeof text !== "string") return undefined;
  return parseCidr(`${text}/${isIPv4(text) ? 32 : 128}`);
}

/** Whether an address, or every address of a range, is in `cidr`; not if one of the two texts is neither. */
export function lies(text: string, cidr: string): boolean {
  const [inner, outer] = [parseCidr(text) ?? parseAddress(text), parseCidr(cidr)];
  return inner !== undefined && outer !== undefined && contains(outer, inner);
}

/** The ranges that are left of `whole` when those of `holes` that lie in it are taken out, smallest address first. */
export function without(whole: string, holes: readonly string[]): string[] {
  const range = parseCidr(whole);
  const cut = holes.flatMap((text) => parseCidr(text) ?? []);
  if (range === undefined || !cut.some((hole) => contains(range, hole))) return [whole];
  if (cut.some((hole) => contains(hole, range))) return [];
  const half = (range.last - range.first + 1n) / 2n;
  return [range.first, range.first + half].flatMap((first) =>
    without(`${addressText(range.family, first)}/${range.prefix + 1}`, holes),
  );
}

function addressText(family: 4 | 6, value: bigint): string {
  const [parts, bits] = family === 4 ? [4, 8n] : [8, 16n];
  const all = Array.from(
    { length: parts },
    (_, i) => (value >> (BigInt(parts - 1 - i) * bits)) & ((1n << bits) - 1n),
  );
  if (family === 4) return all.join(".");
  // As every URL writes it: the longest run of zeros is left out.
  return new URL(`http://[${all.map((part) => part.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

function ipv4Value(address: string): bigint {
  return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function ipv6Value(address: string): bigint {
  const [head = "", tail] = expandIpv4Tail(address).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...middle, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

/** `::ffff:10.0.0.1` as `::ffff:a00:1`. */
function expandIpv4Tail(address: string): string {
  const found = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (found === null) return address;
  const value = ipv4Value(found[2] ?? "");
  return `${found[1] ?? ""}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}
