// What each egress profile can reach, as data: policies are built from it, and so are documents.

/** What a sandbox pod can reach, chosen by its label `sandlot.dev/egress`. */
export enum EgressProfile {
  /** Shared sandboxes: the cluster's DNS and nothing else. The provisioner's: nothing. */
  Blocked = "blocked",
  /** Shared sandboxes: the ranges and ports of the allow list, and the cluster's DNS. The provisioner's: the egress proxy. */
  Allowlist = "allowlist",
  /** The cluster's DNS and the internet, but nothing private: see {@link shutRanges}. */
  Open = "open",
}

/** A range of addresses that no sandbox may reach, and who says what it is for. */
export interface ShutRange {
  readonly cidr: string;
  readonly purpose: string;
  readonly source: string;
}

const special4 = "IANA IPv4 Special-Purpose Address Registry";
const special6 = "IANA IPv6 Special-Purpose Address Registry";

/**
 * Everything that is not the public internet, IPv4 and IPv6. The cloud metadata services sit in link-local
 * (169.254.169.254), in fd00::/8 (fd00:ec2::254) and in 100.64.0.0/10 (100.100.100.200), or on an address of their own,
 * which is listed. IPv4-mapped IPv6 addresses (::ffff:0:0/96) are not: they leave a host as IPv4, and Kubernetes takes no block
 * of them.
 */
export const shutRanges: readonly ShutRange[] = [
  { cidr: "0.0.0.0/8", purpose: "this host on this network", source: `${special4}, RFC 791` },
  { cidr: "10.0.0.0/8", purpose: "private", source: `${special4}, RFC 1918` },
  { cidr: "100.64.0.0/10", purpose: "carrier-grade NAT", source: `${special4}, RFC 6598` },
  { cidr: "127.0.0.0/8", purpose: "loopback", source: `${special4}, RFC 1122` },
  {
    cidr: "168.63.129.16/32",
    purpose: "Azure platform endpoint",
    source: "Azure documentation, What is IP address 168.63.129.16?",
  },
  { cidr: "169.254.0.0/16", purpose: "link-local, cloud metadata", source: `${special4}, RFC 3927` },
  { cidr: "172.16.0.0/12", purpose: "private", source: `${special4}, RFC 1918` },
  { cidr: "192.0.0.0/24", purpose: "IETF protocol assignments", source: `${special4}, RFC 6890` },
  { cidr: "192.0.2.0/24", purpose: "documentation (TEST-NET-1)", source: `${special4}, RFC 5737` },
  { cidr: "192.31.196.0/24", purpose: "AS112 anycast", source: `${special4}, RFC 7535` },
  { cidr: "192.52.193.0/24", purpose: "automatic multicast tunneling", source: `${special4}, RFC 7450` },
  { cidr: "192.88.99.0/24", purpose: "6to4 relay anycast (deprecated)", source: `${special4}, RFC 7526` },
  { cidr: "192.168.0.0/16", purpose: "private", source: `${special4}, RFC 1918` },
  { cidr: "192.175.48.0/24", purpose: "AS112 direct delegation", source: `${special4}, RFC 7534` },
  { cidr: "198.18.0.0/15", purpose: "benchmarking", source: `${special4}, RFC 2544` },
  { cidr: "198.51.100.0/24", purpose: "documentation (TEST-NET-2)", source: `${special4}, RFC 5737` },
  { cidr: "203.0.113.0/24", purpose: "documentation (TEST-NET-3)", source: `${special4}, RFC 5737` },
  {
    cidr: "224.0.0.0/4",
    purpose: "multicast",
    source: "IANA IPv4 Multicast Address Space Registry, RFC 5771",
  },
  {
    cidr: "240.0.0.0/4",
    purpose: "reserved, limited broadcast",
    source: `${special4}, RFC 1112 and RFC 8190`,
  },
  { cidr: "::/96", purpose: "unspecified, loopback, IPv4-compatible", source: `${special6}, RFC 4291` },
  {
    cidr: "64:ff9b::/96",
    purpose: "IPv4/IPv6 translation (NAT64 reaches private IPv4)",
    source: `${special6}, RFC 6052`,
  },
  { cidr: "64:ff9b:1::/48", purpose: "local-use translation", source: `${special6}, RFC 8215` },
  { cidr: "100::/64", purpose: "discard only", source: `${special6}, RFC 6666` },
  { cidr: "100:0:0:1::/64", purpose: "dummy prefix", source: `${special6}, RFC 9780` },
  {
    cidr: "2001::/23",
    purpose: "IETF protocol assignments, Teredo",
    source: `${special6}, RFC 2928 and RFC 4380`,
  },
  { cidr: "2001:db8::/32", purpose: "documentation", source: `${special6}, RFC 3849` },
  { cidr: "2002::/16", purpose: "6to4 (reaches private IPv4)", source: `${special6}, RFC 3056` },
  { cidr: "2620:4f:8000::/48", purpose: "AS112 direct delegation", source: `${special6}, RFC 7534` },
  { cidr: "3fff::/20", purpose: "documentation", source: `${special6}, RFC 9637` },
  { cidr: "5f00::/16", purpose: "segment routing identifiers", source: `${special6}, RFC 9602` },
  { cidr: "fc00::/7", purpose: "unique local, cloud metadata", source: `${special6}, RFC 4193` },
  { cidr: "fe80::/10", purpose: "link-local", source: `${special6}, RFC 4291` },
  { cidr: "fec0::/10", purpose: "site-local (deprecated)", source: "RFC 3879" },
  { cidr: "ff00::/8", purpose: "multicast", source: "IANA IPv6 Multicast Address Space Registry, RFC 4291" },
];

/** Addresses at which clouds hand out credentials to whoever asks. Each lies in one of {@link shutRanges}. */
export const metadataAddresses: readonly { readonly address: string; readonly purpose: string }[] = [
  { address: "169.254.169.254", purpose: "instance metadata of AWS, Azure, Google Cloud and others" },
  { address: "169.254.170.2", purpose: "credentials of AWS ECS tasks" },
  { address: "169.254.170.23", purpose: "credentials of AWS EKS pods" },
  { address: "100.100.100.200", purpose: "instance metadata of Alibaba Cloud" },
  { address: "168.63.129.16", purpose: "Azure platform endpoint" },
  { address: "192.0.0.192", purpose: "instance metadata of Oracle Cloud" },
  { address: "fd00:ec2::254", purpose: "instance metadata of AWS" },
  { address: "fd00:ec2::23", purpose: "credentials of AWS EKS pods" },
  { address: "fd20:ce::254", purpose: "instance metadata of Google Cloud" },
];

/** What a profile lets through, beside answers to connections from outside, and the cluster's DNS for shared sandboxes. */
export interface ProfileReach {
  readonly profile: EgressProfile;
  readonly summary: string;
  /** Ranges that are reachable at every port, less {@link shutRanges} and the cluster's own. */
  readonly reachable: readonly string[];
  /** Whether the allow list is reachable, for shared sandboxes. */
  readonly allowlist: boolean;
  /** Whether sandboxes that the provisioner makes reach the cluster's DNS too. */
  readonly names: boolean;
}

/** Every profile. A pod without a profile label, or with an unknown one, reaches what one of `blocked` does. */
export const egressProfiles: readonly ProfileReach[] = [
  {
    profile: EgressProfile.Blocked,
    summary: "nothing; shared sandboxes: the cluster's DNS",
    reachable: [],
    allowlist: false,
    names: false,
  },
  {
    profile: EgressProfile.Allowlist,
    summary: "the listed ranges at the listed ports, or the egress proxy",
    reachable: [],
    allowlist: true,
    names: false,
  },
  {
    profile: EgressProfile.Open,
    summary:
      "the internet without private, carrier-grade NAT, link-local, metadata, reserved and cluster ranges",
    reachable: ["0.0.0.0/0", "::/0"],
    allowlist: false,
    names: true,
  },
];
