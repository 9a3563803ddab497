// What a pod of each profile can reach, read off the policies themselves: documents and tests ask here, so that neither can say
// anything that the objects do not.
import { lies } from "../shared/cidr";
import { EGRESS_LABEL, provisionedSelector, sharedSelector } from "../shared/labels";
import { ArgumentError } from "../shared/checks";
import type { EgressProtocol, SandboxNetworkOptions } from "./args";
import { allowDns, allowProfile, denyAll, opensAnything } from "./policies";
import { egressProfiles, type EgressProfile } from "./profiles";
import { resolve } from "./resolve";

type Labels = Readonly<Record<string, string>>;

/** Who makes a sandbox: the stack, for all, or the provisioner, for one session. */
export type SandboxKind = "shared" | "provisioned";

/** Where a connection goes to: an address, or a pod. */
export interface Destination {
  readonly address?: string;
  readonly pod?: { readonly namespaceLabels: Labels; readonly podLabels: Labels };
  readonly port: number;
  readonly protocol: EgressProtocol;
}

/** Options whose outputs, if any, are known. */
export type KnownNetworkOptions = Omit<SandboxNetworkOptions, "clusterCidrs"> & { clusterCidrs?: string[] };

/** The parts of a NetworkPolicy that decide on egress, plain. */
interface PlainPolicy {
  readonly podSelector: { readonly matchLabels?: Labels };
  readonly policyTypes: readonly string[];
  readonly egress?: readonly PlainRule[];
}

interface PlainRule {
  readonly to?: readonly PlainPeer[];
  readonly ports?: readonly {
    readonly protocol: EgressProtocol;
    readonly port: number;
    readonly endPort?: number;
  }[];
}

interface PlainPeer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: { readonly matchLabels: Labels };
  readonly podSelector?: { readonly matchLabels: Labels };
}

/**
 * Whether a sandbox of this profile reaches a destination, by these policies: the egress proxy has policies of its own.
 * @throws ArgumentError if the options are refused.
 */
export function reaches(
  profile: EgressProfile,
  destination: Destination,
  options: KnownNetworkOptions = {},
  kind: SandboxKind = "shared",
): boolean {
  const labels = {
    ...(kind === "shared" ? sharedSelector : provisionedSelector),
    [EGRESS_LABEL]: profile,
  };
  const policies = policiesOf(options).filter(
    ({ podSelector, policyTypes }) =>
      policyTypes.includes("Egress") && matches(podSelector.matchLabels ?? {}, labels),
  );
  return policies.some(({ egress = [] }) => egress.some((rule) => lets(rule, destination)));
}

/** As {@link reaches}; undefined if the options are refused. */
export function wouldReach(
  profile: EgressProfile,
  destination: Destination,
  options: KnownNetworkOptions,
  kind: SandboxKind = "shared",
): boolean | undefined {
  try {
    return reaches(profile, destination, options, kind);
  } catch (error) {
    if (error instanceof ArgumentError) return undefined;
    throw error;
  }
}

function policiesOf(options: KnownNetworkOptions): PlainPolicy[] {
  const { dns, allowlist } = resolve("reach", { ...options, namespace: "sandlot" });
  const clusterCidrs = options.clusterCidrs ?? [];
  const profiles = egressProfiles.filter((each) => opensAnything(each, allowlist));
  return [
    denyAll(),
    allowDns(dns),
    ...profiles.map((reach) => allowProfile(reach, { clusterCidrs, allowlist, dns })),
  ] as PlainPolicy[];
}

/** A rule without peers or without ports has all of them (NetworkPolicySpec, networking.k8s.io/v1). */
function lets({ to = [], ports = [] }: PlainRule, destination: Destination): boolean {
  const { port, protocol } = destination;
  return (
    (to.length === 0 || to.some((peer) => isPeer(peer, destination))) &&
    (ports.length === 0 ||
      ports.some(
        (each) => each.protocol === protocol && each.port <= port && port <= (each.endPort ?? each.port),
      ))
  );
}

function isPeer(
  { ipBlock, namespaceSelector, podSelector }: PlainPeer,
  { address, pod }: Destination,
): boolean {
  if (ipBlock !== undefined) {
    const inside = (cidr: string): boolean => address !== undefined && lies(address, cidr);
    return inside(ipBlock.cidr) && !(ipBlock.except ?? []).some(inside);
  }
  if (pod === undefined || namespaceSelector === undefined) return false;
  return (
    matches(namespaceSelector.matchLabels, pod.namespaceLabels) &&
    matches(podSelector?.matchLabels ?? {}, pod.podLabels)
  );
}

function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
