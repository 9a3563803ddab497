// Which sandbox, which port and which path a request means: read strictly from the request line and Host, by pure functions.
import { isIPv6 } from "node:net";

import { sandboxIdPattern } from "../model/names.js";
import { badRequest, notFound, type Refusal } from "./refusal.js";

/** What a request is for. */
export interface Target {
  readonly id: string;
  /** The port of a user's server; undefined for the sandbox's own API. */
  readonly port: number | undefined;
  /** A token that was part of the path. */
  readonly token: string | undefined;
  /** Path and query for the sandbox. Begins with `/`. */
  readonly path: string;
  /** What comes before that path in the caller's URL; empty when the sandbox has a host of its own. */
  readonly prefix: string;
}

/** Ports below are not for a server without privileges. */
export const lowestPort = 1024;

/** The longest request target that is taken. */
export const longestTarget = 8192;

/** Whether a request is for the router at all: by its path or by its host. */
export function isRouted(url: string, host: string | undefined, suffix: string | undefined): boolean {
  return /^\/sandboxes(?:[/?]|$)/.test(url) || sandboxHost(host, suffix) !== undefined;
}

/**
 * Reads a request's target. What is not in origin form, or would mean something else to another parser (dot segments,
 * encoded slashes, control characters), is refused and not repaired.
 */
export function parseTarget(
  url: string,
  hosts: readonly string[],
  suffix: string | undefined,
): Target | Refusal {
  if (hosts.length > 1) return badRequest("host", "a request has one Host header, not several");
  const fault = faultOf(url);
  if (fault !== undefined) return badRequest("target", fault);
  const label = sandboxHost(hosts[0], suffix);
  return label === undefined ? byPath(url) : byHost(label, url);
}

/** A URL as it may be logged: a token in it is left out. */
export function withoutToken(url: string): string {
  return url.replace(/(\/sandboxes\/[^/?]*\/t\/)[^/?]*/g, "$1…");
}

/** What stands before the suffix in a Host header that ends in it, without regard to case and port. */
function sandboxHost(host: string | undefined, suffix: string | undefined): string | undefined {
  if (host === undefined || suffix === undefined || isIPv6(host)) return undefined;
  const name = host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  const ending = `.${suffix.toLowerCase()}`;
  return name.endsWith(ending) ? name.slice(0, -ending.length) : undefined;
}

function byHost(label: string, url: string): Target | Refusal {
  const [, digits = "", id = ""] = /^(\d{1,5})-(.+)$/.exec(label) ?? [];
  if (!sandboxIdPattern.test(id)) return notFound;
  const port = portOf(digits);
  return typeof port === "number" ? { id, port, token: undefined, path: url, prefix: "" } : port;
}

function byPath(url: string): Target | Refusal {
  const match =
    /^\/sandboxes\/(?<id>[^/?]+)(?:\/t\/(?<token>[^/?]*))?(?:\/ports\/(?<digits>[^/?]*))?(?<rest>[/?].*)?$/.exec(
      url,
    );
  const { id = "", token, digits, rest = "" } = match?.groups ?? {};
  if (!sandboxIdPattern.test(id)) return notFound;
  if (token !== undefined && !/^[A-Za-z0-9_-]{16,512}$/.test(token)) return notFound;
  const port = digits === undefined ? undefined : portOf(digits);
  if (typeof port === "object") return port;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return { id, port, token, path, prefix: url.slice(0, url.length - rest.length) };
}

function portOf(digits: string): number | Refusal {
  const port = /^[1-9]\d{0,4}$/.test(digits) ? Number(digits) : 0;
  if (port >= lowestPort && port <= 65_535) return port;
  return badRequest(
    "port",
    `the port is "${digits.slice(0, 20)}"; it must be a number from ${lowestPort} to 65535`,
  );
}

function faultOf(url: string): string | undefined {
  if (!url.startsWith("/")) return "the request target must be a path, not a whole URL";
  if (url.length > longestTarget) return `the request target is longer than ${longestTarget} characters`;
  if (/[^\x21-\x7e]|[\\#<>"{}|^`]/.test(url))
    return "the request target has characters that must be percent-encoded";
  const [path = ""] = url.split("?", 1);
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return "the path has a % that begins no percent-encoding";
  if (/%(?:2f|5c|0[0-9a-f]|1[0-9a-f]|7f)/i.test(path))
    return "the path has an encoded slash, backslash or control character";
  const segments = path.replaceAll(/%2e/gi, ".").split("/");
  // Some servers take "..;x" for "..".
  if (segments.some((segment) => /^\.{1,2}(?:;.*)?$/.test(segment))) return "the path has a dot segment";
  return undefined;
}
