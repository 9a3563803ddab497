// From what a sandbox asks for to an address that may be dialled: the name is resolved here, once, and what it resolved to is
// what is judged and dialled, so that a later answer of the name's owner changes nothing.
import { Resolver } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import type { EgressRefusal } from "../model/egress-refusals.js";
import { type AddressRange, parseAddress } from "./address.js";
import { type Host, parseHost, refusalOf, refusalOfAddress, type Rules } from "./rules.js";

/** How long a name, one question to a name server, and a connection to one address may take. Milliseconds. */
const resolveTimeoutMs = 5_000;
const queryTimeoutMs = 2_000;
const connectTimeoutMs = 5_000;

/**
 * How much longer the addresses of one family are waited for when there are some of the other. RFC 8305 (section 3) has 50 ms for those
 * of IPv4; here both have the same, and enough for a far name server. Milliseconds.
 */
const otherFamilyMs = 250;

/** How many addresses of a name are tried. */
const mostTries = 3;

/** Where somebody wants to go. */
export interface Destination {
  readonly host: Host;
  readonly port: number;
}

/** An open connection and the address that it leads to. */
export interface Dialled {
  readonly socket: Socket;
  readonly address: AddressRange;
}

/** Reads `host:port`; undefined for what is none. */
export function parseDestination(authority: string): Destination | undefined {
  const [, hostText = "", digits = ""] = /^(\[[^\]]*\]|[^:@/?#[\]]+):([1-9]\d{0,4})$/.exec(authority) ?? [];
  const host = parseHost(hostText);
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** The host as it is shown to people. */
export function hostText(host: Host): string {
  return host.kind === "name" ? host.name : host.text;
}

/** The addresses that may be dialled, or why there is none. */
export async function admissible(
  rules: Rules,
  { host, port }: Destination,
  closed: readonly AddressRange[],
  resolve: (name: string) => Promise<readonly string[]>,
): Promise<readonly string[] | EgressRefusal> {
  const refusal = refusalOf(rules, host, port);
  if (refusal !== undefined) return refusal;
  const texts = host.kind === "address" ? [host.text] : await resolve(host.name).catch(() => []);
  if (texts.length === 0) return "unresolvable";
  const judged = texts.map((text) => {
    const address = parseAddress(text);
    return {
      text,
      refusal: address === undefined ? ("invalid" as const) : refusalOfAddress(rules, address, port, closed),
    };
  });
  // One answer that is denied or shut spoils them all: nobody has an honest use for such a mixture.
  const spoilt = judged.find((one) => one.refusal !== undefined)?.refusal;
  return spoilt ?? judged.map(({ text }) => text).slice(0, mostTries);
}

/** Connects to the first address that answers; undefined if none does. */
export async function dial(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Dialled | undefined> {
  for (const text of addresses) {
    const address = parseAddress(text);
    if (address === undefined || signal.aborted) return undefined;
    const socket = await open(text, port, signal);
    if (socket !== undefined) return { socket, address };
  }
  return undefined;
}

/**
 * A resolver that asks the system's name servers, and no search domains, so that no name of the cluster is tried. It waits for
 * as many names at once as are asked for: the system's own function has four threads for all sandboxes, and whoever named four
 * hosts whose servers do not answer would stop everybody's lookups.
 * @param servers default: those of the system
 */
export function nameResolver(servers?: readonly string[]): (name: string) => Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: queryTimeoutMs, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  return async (name) => {
    const found: [readonly string[], readonly string[]] = [[], []];
    const queries = [resolver.resolve4(name), resolver.resolve6(name)].map(async (query, family) => {
      // No address of this family; what there is of the other one will do.
      found[family] = await query.catch(() => []);
      return found[family].length > 0;
    });
    const done = new AbortController();
    const pause = (ms: number): Promise<void> =>
      sleep(ms, undefined, { signal: done.signal }).catch(() => undefined);
    const late = pause(resolveTimeoutMs);
    // Some name servers and firewalls drop questions for the family that they do not know.
    const enough = queries.map(async (some) => ((await some) ? pause(otherFamilyMs) : late));
    await Promise.race([Promise.all(queries), late, ...enough]);
    done.abort();
    return inTurn(...found);
  };
}

/** One of each in turn, so that among the first few there are some of both. */
function inTurn(one: readonly string[], other: readonly string[]): string[] {
  const turns = Array.from({ length: Math.max(one.length, other.length) });
  return turns.flatMap((_, i) => [...one.slice(i, i + 1), ...other.slice(i, i + 1)]);
}

function open(host: string, port: number, signal: AbortSignal): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      ...{ host, port, signal, timeout: connectTimeoutMs, noDelay: true },
      // That one side has ended does not end what the other says, nor what is still to be passed on.
      allowHalfOpen: true,
    });
    const give = (result: Socket | undefined): void => {
      socket.removeAllListeners("timeout");
      socket.setTimeout(0);
      if (result === undefined) socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => {
      give(socket);
    });
    socket.once("timeout", () => {
      give(undefined);
    });
    socket.on("error", () => {
      give(undefined);
    });
  });
}
