// The network that the nodes share, by what Docker says of a container in it.
import { isIPv4 } from "node:net";

/** The IPv4 network of an address with its prefix length: 172.18.0.2 and 16 are in 172.18.0.0/16. */
export function networkOf(address: string, prefixLength: number): string | undefined {
  if (!isIPv4(address) || !Number.isInteger(prefixLength) || prefixLength < 1 || prefixLength > 32)
    return undefined;
  const bits = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - prefixLength);
  const first = Math.floor(bits / size) * size;
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${parts.join(".")}/${prefixLength}`;
}
