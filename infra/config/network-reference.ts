// The tables of docs/network.md, made by asking the policies that are deployed.
import {
  EgressProtocol,
  egressProfiles,
  metadataAddresses,
  shutRanges,
  type EgressProfile,
} from "@sandlot/components";
import {
  reaches,
  wouldReach,
  type Destination,
  type KnownNetworkOptions,
  type SandboxKind,
} from "@sandlot/components/sandbox-network-policies/reach";

/** A row: what it is called, and the places that stand for it. All of them must be judged alike. */
interface Row {
  readonly what: string;
  readonly places: readonly Destination[];
  /** Configuration that the row is about. */
  readonly given?: KnownNetworkOptions;
}

const tcp = EgressProtocol.Tcp;
const https = (address: string): Destination => ({ address, port: 443, protocol: tcp });
const inNamespace = (name: string, podLabels: Record<string, string>, port: number): Destination => ({
  pod: { namespaceLabels: { "kubernetes.io/metadata.name": name }, podLabels },
  port,
  protocol: tcp,
});

const dnsCache = "169.254.20.10";
const clusterOwn = "45.90.28.0/24";

const rows: readonly Row[] = [
  {
    what: "the cluster's DNS: pods of `network.dns`, port 53",
    places: [
      inNamespace("kube-system", { "k8s-app": "kube-dns" }, 53),
      { ...inNamespace("kube-system", { "k8s-app": "kube-dns" }, 53), protocol: EgressProtocol.Udp },
    ],
  },
  {
    what: "a DNS cache on the node (`network.dns.nodeLocalAddresses`), port 53",
    places: [
      { address: dnsCache, port: 53, protocol: EgressProtocol.Udp },
      { address: dnsCache, port: 53, protocol: tcp },
    ],
  },
  {
    what: "the same address at any other port",
    places: [{ address: dnsCache, port: 8080, protocol: tcp }],
    given: { dns: { nodeLocalAddresses: [dnsCache] } },
  },
  {
    what: "another sandbox, another pod of the cluster",
    places: [
      inNamespace("sandlot", { "app.kubernetes.io/component": "sandbox" }, 8080),
      inNamespace("default", {}, 443),
    ],
  },
  { what: "the internet, IPv4", places: [https("1.1.1.1"), https("140.82.121.4")] },
  { what: "the internet, IPv6", places: [https("2606:4700::1111"), https("2a00:1450::1")] },
  {
    what: "the cluster's own public ranges (`network.clusterCidrs`)",
    places: [https("45.90.28.7")],
    given: { clusterCidrs: [clusterOwn] },
  },
  { what: "cloud metadata services", places: metadataAddresses.map(({ address }) => https(address)) },
  {
    what: "every range of the [table below](#ranges-that-are-shut): private, carrier-grade NAT, link-local, reserved",
    places: shutRanges.map(({ cidr }) => https(cidr.split("/")[0] ?? "")),
  },
];

/** What has to be configured for a place to be reached, from the least to the most. */
function verdict(
  kind: SandboxKind,
  profile: EgressProfile,
  place: Destination,
  given: KnownNetworkOptions = {},
): string {
  if (reaches(profile, place, given, kind)) return "yes";
  const { address, port } = place;
  if (address === undefined) return "no";
  const caches = { ...given, dns: { nodeLocalAddresses: [dnsCache] } };
  if (wouldReach(profile, place, caches, kind) === true) return "if configured";
  const cidr = `${address}/${address.includes(":") ? 128 : 32}`;
  const listed = (allowPrivate: boolean) => ({
    ...given,
    allowlist: [{ cidr, ports: [{ port }], allowPrivate }],
  });
  if (wouldReach(profile, place, listed(false), kind) === true) return "if listed";
  if (wouldReach(profile, place, listed(true), kind) === true) return "if listed with `allowPrivate`";
  return "no";
}

/** @throws Error when the places of one row are not judged alike: the table would say something that is not so. */
function cell({ what, places, given }: Row, kind: SandboxKind, profile: EgressProfile): string {
  const verdicts = new Set(places.map((place) => verdict(kind, profile, place, given)));
  const [only] = verdicts;
  if (only === undefined || verdicts.size > 1) throw new Error(`${what}: ${[...verdicts].join(", ")}`);
  return only;
}

const line = (...cells: string[]): string => `| ${cells.join(" | ")} |`;

/** What each profile can reach. */
export function reachTable(kind: SandboxKind): string {
  const profiles = egressProfiles.map(({ profile }) => profile);
  return [
    line(`From a ${kind} sandbox to`, ...profiles.map((profile) => `\`${profile}\``)),
    line("---", ...profiles.map(() => "---")),
    ...rows.map((row) => line(row.what, ...profiles.map((profile) => cell(row, kind, profile)))),
  ].join("\n");
}

/** What is shut, why, and who says so. */
export function shutTable(): string {
  return [
    line("Range", "For", "Source"),
    line("---", "---", "---"),
    ...shutRanges.map(({ cidr, purpose, source }) => line(`\`${cidr}\``, purpose, source)),
  ].join("\n");
}

/** The addresses of metadata services that the tables are about. */
export function metadataTable(): string {
  return [
    line("Address", "For"),
    line("---", "---"),
    ...metadataAddresses.map(({ address, purpose }) => line(`\`${address}\``, purpose)),
  ].join("\n");
}

const tables: Readonly<Record<string, () => string>> = {
  "reach-shared": () => reachTable("shared"),
  "reach-provisioned": () => reachTable("provisioned"),
  metadata: metadataTable,
  shut: shutTable,
};

/**
 * docs/network.md with its tables made anew: what stands between `<!-- table: name -->` and `<!-- end of table -->`.
 * @throws Error when a table has no place in the document.
 */
export function withTables(document: string): string {
  return Object.entries(tables).reduce((text, [name, make]) => {
    const place = new RegExp(`(<!-- table: ${name} -->)[^]*?(<!-- end of table -->)`);
    if (!place.test(text)) throw new Error(`docs/network.md has no place for the table ${name}`);
    return text.replace(place, (_, begin: string, end: string) => `${begin}\n\n${make()}\n\n${end}`);
  }, document);
}
