// Which headers pass through the router, and which it adds: pure functions from headers to headers.
import { isIPv6 } from "node:net";

import { hopByHop, nominatedBy, nominatedIn, pairsOf } from "../http/connection-headers.js";
import { apiKeyHeader, tokenHeader } from "./credentials.js";
import type { Target } from "./target.js";

/** Headers of one connection, that of HTTP/2 upgrades too. */
const connectionWide = new Set([...hopByHop, "http2-settings"]);

/** What callers do not decide: where a request goes, how long it is, who sent it, and how it was let in. */
const ours = new Set([
  "host",
  "content-length",
  "expect",
  "forwarded",
  "via",
  "x-real-ip",
  apiKeyHeader,
  tokenHeader,
]);

/** What a page of one sandbox could use against the other pages and the API of the same origin. */
const originWide = new Set(["set-cookie", "clear-site-data", "nel", "report-to", "reporting-endpoints"]);

/** What no sandbox may say of the router's own connection and scope. */
const routerWide = new Set(["service-worker-allowed", "alt-svc", "strict-transport-security", tokenHeader]);

/** A page in an origin that it shares gets one of its own, which reads no storage and no answers of other pages. */
const pageSandbox = "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts";

/** Headers by name; several of one name are a list. */
export type HeaderMap = Record<string, string | string[]>;

/** What the router knows of a request that it passes on. */
export interface RequestContext {
  readonly target: Target;
  readonly address: string;
  readonly port: number;
  /** The sandbox's token, for its API only. */
  readonly token: string | undefined;
  readonly keepAuthorization: boolean;
  readonly clientAddress: string;
  readonly encrypted: boolean;
  readonly host: string | undefined;
}

/** The headers that the sandbox gets. `raw` is names and values in turn, as they came. */
export function requestHeaders(raw: readonly string[], context: RequestContext): HeaderMap {
  const { target, address, port } = context;
  const pairs = pairsOf(raw);
  const nominated = nominatedIn(pairs);
  // A map, because a header may be called "constructor" or "__proto__", which every plain object has.
  const headers = new Map<string, string | string[]>();
  for (const [name, value] of pairs) {
    // Servers that make variables of headers do not tell "_" from "-".
    const plain = name.replaceAll("_", "-");
    if (
      connectionWide.has(plain) ||
      ours.has(plain) ||
      nominated.has(name) ||
      plain.startsWith("x-forwarded-")
    )
      continue;
    if (plain === "authorization" && !context.keepAuthorization) continue;
    if (plain === "cookie" && sharesOrigin(target)) continue;
    if (plain === "referer" && target.token !== undefined) continue;
    const present = headers.get(name);
    headers.set(name, present === undefined ? value : [present, value].flat());
  }
  const forwardedProtocol = pairs.find(([name]) => name === "x-forwarded-proto")?.[1];
  const protocol = forwardedProtocol === "https" || context.encrypted ? "https" : "http";
  const authority = isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
  return {
    ...Object.fromEntries(headers),
    // Many development servers answer only to this name.
    host: target.port === undefined ? authority : `localhost:${port}`,
    "x-forwarded-for": context.clientAddress,
    "x-forwarded-proto": protocol,
    ...(context.host === undefined ? {} : { "x-forwarded-host": context.host }),
    // A prefix with a token in it is not for the code in the sandbox.
    ...(target.token === undefined && target.prefix !== "" ? { "x-forwarded-prefix": target.prefix } : {}),
    ...(context.token === undefined ? {} : { [tokenHeader]: context.token }),
  };
}

/** The headers that the caller gets. */
export function responseHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  target: Target,
): HeaderMap {
  const nominated = nominatedBy([headers["connection"] ?? []].flat());
  const shared = sharesOrigin(target);
  const kept: HeaderMap = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || connectionWide.has(name) || nominated.has(name) || routerWide.has(name))
      continue;
    if (shared && originWide.has(name)) continue;
    kept[name] = name === "set-cookie" ? [value].flat().map(withoutDomain) : value;
  }
  const [location] = [kept["location"] ?? []].flat();
  if (location !== undefined) kept["location"] = located(location, target);
  if (target.token !== undefined) kept["referrer-policy"] = "no-referrer";
  if (shared && target.port !== undefined) {
    const policies = [kept["content-security-policy"] ?? []].flat();
    kept["content-security-policy"] = [...policies, pageSandbox];
  }
  return kept;
}

/** Sandboxes under one host are one origin to browsers; those with hosts of their own are not. */
function sharesOrigin(target: Target): boolean {
  return target.prefix !== "";
}

/** A cookie for the sandbox's own host alone, not for all hosts below the suffix. */
function withoutDomain(cookie: string): string {
  return cookie.replaceAll(/;\s*domain\s*=[^;]*/gi, "");
}

/** A redirect to another path of the same server, as the caller can follow it. */
function located(location: string, { prefix, port }: Target): string {
  const path =
    port === undefined ? location : location.replace(new RegExp(`^https?://localhost:${port}(?=/|$)`), "");
  return path.startsWith("/") && !path.startsWith("//") ? prefix + path : location;
}
