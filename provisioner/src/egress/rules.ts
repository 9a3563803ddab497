// What one sandbox may reach: rules from text, and the decision about one destination. Pure; nothing is resolved or dialled.
import type { EgressRefusal } from "../model/egress-refusals.js";
import { type AddressRange, contains, parseAddress, parseRange } from "./address.js";
import { isPrivateRange, reachOf } from "./shut.js";

/** Ports of a rule that names none. */
const webPorts: readonly PortRange[] = [
  { first: 80, last: 80 },
  { first: 443, last: 443 },
];

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One rule: a name, all names below one, a range of addresses, or everything; with ports. */
export type Rule = { readonly ports: readonly PortRange[] } & (
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "below"; readonly suffix: string }
  | { readonly kind: "range"; readonly range: AddressRange }
  | { readonly kind: "any" }
);

/** The rules of one sandbox. Whatever `deny` matches is refused, then whatever `allow` does not match. */
export interface Rules {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

/** What a client asked for: an address, or a name in lower case without a dot at its end. */
export type Host =
  | { readonly kind: "address"; readonly address: AddressRange; readonly text: string }
  | { readonly kind: "name"; readonly name: string };

/** Why a destination is refused: no rule allows it, a rule denies it, or it is an address that no such rule opens. */
export type RefusalReason = Extract<EgressRefusal, "not_allowed" | "denied" | "private" | "closed">;

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const namePattern = new RegExp(`^${label}(?:\\.${label})*$`);

/** How a rule is written, for messages. */
export const ruleSyntax =
  'a name ("example.com"), all names below one ("*.example.com"), an address or range ("203.0.113.0/24", ' +
  '"[2001:db8::/32]"), or "*"; with ":443", ":8000-8999" or ":*" for other ports than 80 and 443';

/** Reads a rule; undefined for what is none. */
export function parseRule(text: string): Rule | undefined {
  const [, bracketed, plain = "", ending] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text) ?? [];
  const ports = ending === undefined ? webPorts : parsePorts(ending);
  if (ports === undefined) return undefined;
  if (bracketed !== undefined) {
    const range = parseRange(bracketed);
    return range?.family === 6 ? { kind: "range", range, ports } : undefined;
  }
  if (plain === "*") return { kind: "any", ports };
  const range = parseRange(plain);
  if (range !== undefined) return { kind: "range", range, ports };
  const host = parseHost(plain.replace(/^\*\./, ""));
  if (host?.kind !== "name") return undefined;
  return plain.startsWith("*.")
    ? { kind: "below", suffix: `.${host.name}`, ports }
    : { kind: "name", name: host.name, ports };
}

/**
 * Reads a host as a client names it; undefined for what is neither address nor name. What only some parsers take for an
 * address (`127.1`, `0x7f000001`, `2130706433`) is none of both.
 */
export function parseHost(text: string): Host | undefined {
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  const address = parseAddress(inner ?? text);
  if (address !== undefined) return { kind: "address", address, text: inner ?? text };
  const name = text.toLowerCase().replace(/\.$/, "");
  if (inner !== undefined || name.length > 253 || !namePattern.test(name)) return undefined;
  const last = name.slice(name.lastIndexOf(".") + 1);
  return /^(?:\d+|0x[0-9a-f]*)$/.test(last) ? undefined : { kind: "name", name };
}

/** Whether a destination is refused before anything is resolved. A name is resolved only if a rule allows the name itself. */
export function refusalOf(rules: Rules, host: Host, port: number): RefusalReason | undefined {
  if (rules.deny.some((rule) => matchesHost(rule, host, port))) return "denied";
  return rules.allow.some((rule) => matchesHost(rule, host, port)) ? undefined : "not_allowed";
}

/**
 * Whether an address may be dialled for a destination that is not refused as such. Private addresses need a rule with a range
 * within the private ones, whatever allows the name; closed ones are never dialled.
 */
export function refusalOfAddress(
  rules: Rules,
  address: AddressRange,
  port: number,
  closed: readonly AddressRange[],
): RefusalReason | undefined {
  const named = (rule: Rule): boolean => rule.kind === "range" && matchesAddress(rule, address, port);
  if (rules.deny.some(named)) return "denied";
  const reach = reachOf(address, closed);
  if (reach !== "private") return reach === "closed" ? "closed" : undefined;
  const opened = rules.allow.some(
    (rule) => named(rule) && rule.kind === "range" && isPrivateRange(rule.range),
  );
  return opened ? undefined : "private";
}

function matchesHost(rule: Rule, host: Host, port: number): boolean {
  if (host.kind === "address") return matchesAddress(rule, host.address, port);
  if (!hasPort(rule, port)) return false;
  switch (rule.kind) {
    case "any":
      return true;
    case "name":
      return host.name === rule.name;
    case "below":
      return host.name.endsWith(rule.suffix);
    case "range":
      return false;
  }
}

function matchesAddress(rule: Rule, address: AddressRange, port: number): boolean {
  if (!hasPort(rule, port)) return false;
  return rule.kind === "any" || (rule.kind === "range" && contains(rule.range, address));
}

function hasPort({ ports }: Rule, port: number): boolean {
  return ports.some(({ first, last }) => first <= port && port <= last);
}

function parsePorts(text: string): readonly PortRange[] | undefined {
  if (text === "*") return [{ first: 1, last: 65_535 }];
  const [, from = "", to = from] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return from !== "" && first <= last && last <= 65_535 ? [{ first, last }] : undefined;
}
