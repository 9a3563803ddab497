// The host of a URL.

/** An address as a URL has it: one of IPv6 in brackets. */
export function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
