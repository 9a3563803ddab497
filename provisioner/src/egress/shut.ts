// What is not the public internet. Sources: IANA's special-purpose address registries for IPv4 and IPv6, RFC 6890.
import { type AddressRange, contains, parseRange } from "./address.js";

/** Ranges that no rule opens: this host, link-local with the clouds' metadata services, multicast, and IPv6 that hides IPv4. */
const closedTexts = [
  "0.0.0.0/8",
  "100.100.100.200/32", // Alibaba Cloud's metadata service
  "127.0.0.0/8",
  "168.63.129.16/32", // Azure's platform endpoint
  "169.254.0.0/16",
  "192.0.0.0/24",
  "192.88.99.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96", // unspecified, loopback, IPv4-compatible
  "64:ff9b::/96", // NAT64
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23", // Teredo and other protocol assignments
  "2001:db8::/32",
  "2002::/16", // 6to4
  "5f00::/16",
  "fd00:ec2::/32", // AWS's metadata services
  "fd20:ce::/64", // Google Cloud's metadata service
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
  "3fff::/20",
];

/** Of IPv6, what is handed out at all: the rest of it is reserved, and what stands for IPv4 is in there. */
const assignedTexts = ["2000::/3", "fc00::/7"];

/** Private ranges: a rule that names addresses within one opens them. */
const privateTexts = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "fc00::/7",
];

const closed = closedTexts.map(known);
const privates = privateTexts.map(known);
const assigned = assignedTexts.map(known);

/** How far an address is from the public internet. */
export type Reach = "public" | "private" | "closed";

/** What kind of address it is; `alsoClosed` are ranges of the cluster's own. */
export function reachOf(address: AddressRange, alsoClosed: readonly AddressRange[]): Reach {
  const within = (range: AddressRange): boolean => contains(range, address);
  const reserved = address.family === 6 && !assigned.some(within);
  if (reserved || closed.some(within) || alsoClosed.some(within)) return "closed";
  return privates.some(within) ? "private" : "public";
}

/** Whether a range lies within a private one as a whole, so that who names it means just that. */
export function isPrivateRange(range: AddressRange): boolean {
  return privates.some((one) => contains(one, range));
}

function known(text: string): AddressRange {
  const range = parseRange(text);
  if (range === undefined) throw new Error(`${text} is no range`);
  return range;
}
