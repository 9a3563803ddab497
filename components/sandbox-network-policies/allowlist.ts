// What is wrong with an allow list, beside each value on its own: what it would open, and what it says twice.
import { overlaps, parseCidr } from "../shared/cidr";
import { EgressProtocol, type AllowedPort, type AllowedRange } from "./args";
import { shutRanges } from "./profiles";

/** An {@link AllowedRange} with every default filled in. */
export interface AllowedRangeSettings {
  cidr: string;
  ports: Required<AllowedPort>[];
  allowPrivate: boolean;
}

/** Fills in the defaults. */
export function withRangeDefaults(range: AllowedRange): AllowedRangeSettings {
  const ports = range.ports ?? [{ port: 443 }];
  return {
    cidr: range.cidr,
    ports: ports.map(({ port, endPort = port, protocol = EgressProtocol.Tcp }) => ({
      port,
      endPort,
      protocol,
    })),
    allowPrivate: range.allowPrivate ?? false,
  };
}

/**
 * Each shut range or cluster range that the list opens without `allowPrivate`, as a sentence. A range that is larger than what
 * is shut in it counts as well: it says something else than it does.
 */
export function openedRanges(
  allowlist: readonly AllowedRangeSettings[],
  clusterCidrs: readonly string[],
): string[] {
  const shut = [
    ...shutRanges,
    ...clusterCidrs.map((cidr) => ({ cidr, purpose: "the cluster's own (clusterCidrs)" })),
  ];
  return allowlist.flatMap(({ cidr, allowPrivate }, i) => {
    const range = parseCidr(cidr);
    // A whole family has an error of its own.
    if (range === undefined || range.prefix === 0 || allowPrivate) return [];
    const opened = shut.find((each) => {
      const other = parseCidr(each.cidr);
      return other !== undefined && overlaps(range, other);
    });
    return opened === undefined
      ? []
      : [
          `allowlist[${i}].cidr is "${cidr}", which opens ${opened.cidr} (${opened.purpose}) to code in sandboxes; ` +
            "name a range without it, or set allowPrivate to true",
        ];
  });
}

/** Each entry whose range and ports an earlier one has already, as a sentence. */
export function repeatedRanges(allowlist: readonly AllowedRangeSettings[]): string[] {
  const seen = new Map<string, number>();
  return allowlist.flatMap(({ cidr, ports }, i) => {
    const range = parseCidr(cidr);
    if (range === undefined) return [];
    const repeated = ports.flatMap(({ port, endPort, protocol }) => {
      const key = [range.family, range.first, range.last, port, endPort, protocol].join(" ");
      const earlier = seen.get(key);
      seen.set(key, earlier ?? i);
      return earlier === undefined ? [] : [{ earlier, what: `${describePorts(port, endPort)}/${protocol}` }];
    });
    const [first] = repeated;
    if (first === undefined) return [];
    return [
      `allowlist[${i}] has ${cidr} at ${first.what}, which allowlist[${first.earlier}] has already; remove one of the two`,
    ];
  });
}

function describePorts(port: number, endPort: number): string {
  return endPort === port ? String(port) : `${port}-${endPort}`;
}
