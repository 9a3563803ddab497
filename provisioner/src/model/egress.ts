// What sandboxes may reach, from nothing to the internet. The walls themselves are NetworkPolicies, chosen by a pod label.

/** The profiles, from the narrowest to the widest. */
export const egressProfiles = ["blocked", "allowlist", "open"] as const;

/** What a sandbox may reach. */
export type EgressProfile = (typeof egressProfiles)[number];

/** Whether `asked` is within what `granted` opens: a call can only narrow what its environment has. */
export function isWithin(asked: EgressProfile, granted: EgressProfile): boolean {
  return egressProfiles.indexOf(asked) <= egressProfiles.indexOf(granted);
}

/**
 * Whether sandboxes of a profile look names up. DNS is a way out, as data can be in the names asked for, so that only those have it
 * that may reach the internet anyway; the egress proxy looks names up for those of `allowlist`.
 */
export function looksNamesUp(profile: string): boolean {
  return profile === "open";
}
