// What a sandbox of profile `allowlist` needs to get out: rules that somebody keeps, and to know where that is.
import { isWithin, type EgressProfile } from "../model/egress.js";
import type { Environment } from "../model/environment.js";
import type { NetworkRules } from "../model/network-rules.js";
import { SandboxError } from "./errors.js";
import type { ProxyAddress } from "./proxy-address.js";

/** What is asked for. */
interface Asked {
  readonly egress?: EgressProfile | undefined;
  readonly network?: NetworkRules | undefined;
}

/** @throws SandboxError if the environment does not open so much, or nobody would keep the rules. */
export function checkEgress(
  { egress, network }: Asked,
  environment: Environment,
  proxy?: ProxyAddress,
): void {
  if (egress !== undefined && !isWithin(egress, environment.egress)) {
    const message = `is "${egress}", but the environment opens no more than "${environment.egress}"`;
    throw new SandboxError("wider-egress", `egress ${message}`, undefined, [{ field: "egress", message }]);
  }
  if (network !== undefined) checkRules(egress ?? environment.egress, proxy, ["network"]);
}

/**
 * @param proxy where the egress proxy is: with it, there is somebody to keep rules
 * @param given the fields of the request that have rules
 * @throws SandboxError if rules would be kept by nobody.
 */
export function checkRules(profile: string, proxy: ProxyAddress | undefined, given: readonly string[]): void {
  const message =
    profile !== "allowlist"
      ? `has rules, but the sandbox's egress is "${profile}": rules are for egress "allowlist" only`
      : proxy === undefined
        ? "has rules, but there is no egress proxy here to keep them: set EGRESS_PROXY_URL of the provisioner"
        : undefined;
  if (message === undefined) return;
  const fields = given.map((field) => ({ field, message }));
  throw new SandboxError("no-rules", `network ${message}`, undefined, fields);
}

/**
 * The variables by which programs find the proxy, in both spellings: some know one, some the other. Without those that are among
 * `own`, which are the sandbox's own to set.
 * @param deadline for how long an API server in trouble is asked where the proxy is
 * @throws SandboxError if nobody knows where it is.
 */
export async function proxyVariables(
  profile: string,
  proxy: ProxyAddress | undefined,
  own: Readonly<Record<string, string>>,
  deadline: AbortSignal,
): Promise<Record<string, string>> {
  if (profile !== "allowlist" || proxy === undefined) return {};
  const proxyUrl = await proxy.url(deadline);
  const upper = { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl, NO_PROXY: "localhost,127.0.0.1,::1" };
  const lower = Object.entries(upper).map(([name, value]) => [name.toLowerCase(), value] as const);
  const all = [...Object.entries(upper), ...lower];
  return Object.fromEntries(all.filter(([name]) => !Object.hasOwn(own, name)));
}
