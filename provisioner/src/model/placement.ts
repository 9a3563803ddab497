// Which of several clusters a sandbox is made in: every replica chooses alike without asking the others.
import { createHash } from "node:crypto";

/** A cluster, as far as placement goes. */
export interface Site {
  readonly name: string;
  /** Its share, against those of the others; 0: only what nobody else has room for. */
  readonly weight: number;
}

/** A cluster and what it has at this moment. */
export interface Offer extends Site {
  /** Whether an idle pod would do at once. */
  readonly idle: boolean;
  /** Whether one more pod may be made. */
  readonly room: boolean;
}

/**
 * The sites for `key`, best first, by weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): each is first for as many
 * keys as its weight is of all weights, and a site that goes or comes moves no key between the others. Weight 0 comes last.
 */
export function rankedSites<T extends Site>(key: string, sites: readonly T[]): T[] {
  return sites
    .map((site) => ({ site, score: score(key, site) }))
    .sort(
      (one, other) =>
        Number(other.site.weight > 0) - Number(one.site.weight > 0) ||
        other.score - one.score ||
        (one.site.name < other.site.name ? -1 : 1),
    )
    .map(({ site }) => site);
}

/** Where to try, in this order: where an idle pod waits, then where there is room; among equals as ranked; spare ones after all others. */
export function placements<T extends Offer>(key: string, offers: readonly T[]): T[] {
  const tier = ({ weight, idle }: Offer): number => (weight > 0 ? 0 : 2) + (idle ? 0 : 1);
  // Sorting is stable: within a tier the rank stays.
  return rankedSites(
    key,
    offers.filter(({ idle, room }) => idle || room),
  ).sort((one, other) => tier(one) - tier(other));
}

/** Greater for better ones. Among those of weight 0 all that counts is the hash. */
function score(key: string, { name, weight }: Site): number {
  const hash = createHash("sha1").update(`${key}\n${name}`).digest();
  // Strictly between 0 and 1, so that its logarithm is a number below 0.
  const uniform = (hash.readUIntBE(0, 6) + 0.5) / 2 ** 48;
  return (weight > 0 ? weight : 1) / -Math.log(uniform);
}
