// Where the egress proxy is, as a URL says it: at an address, or behind a Service.
import { isIP } from "node:net";

import { urlHost } from "./url-host.js";

/** A Service, by the names that Kubernetes knows it by. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const servicePattern = new RegExp(`^(${label})\\.(${label})\\.svc(?:\\.|$)`);

/** Whether sandboxes can be led there: by an address, or by a Service, whose address the API server knows. */
export function isProxyUrl(text: string): boolean {
  const url = new URL(text);
  if (url.protocol !== "http:") return false;
  return isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0 || serviceOf(text) !== undefined;
}

/** The Service that a URL such as `http://egress-proxy.sandlot-system.svc:3128` names; undefined for an address. */
export function serviceOf(text: string): ServiceName | undefined {
  const [, name, namespace] = servicePattern.exec(new URL(text).hostname) ?? [];
  return name === undefined || namespace === undefined ? undefined : { namespace, name };
}

/** The same URL with an address in place of the name. */
export function atAddress(text: string, address: string): string {
  const url = new URL(text);
  url.hostname = urlHost(address);
  return url.origin;
}
