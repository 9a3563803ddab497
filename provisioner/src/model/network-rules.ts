// What one sandbox may reach through the egress proxy: as its owner writes it, and as it stands on the pod, where the proxy reads it.
import { z } from "zod";

/** Rules as text (egress/rules.ts has their syntax). Whatever `deny` matches is refused, then whatever `allow` does not match. */
export interface NetworkRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** The most rules of one list, and the most characters of one rule: all of them fit into an annotation. */
export const mostRules = 100;
export const longestRule = 300;

const annotation = z.object({ allow: z.array(z.string()), deny: z.array(z.string()) });

/** The annotation's text. */
export function networkAnnotation({ allow, deny }: NetworkRules): string {
  return JSON.stringify({ allow, deny });
}

/** Reads the annotation; undefined if there is none, or if it is none. */
export function readNetworkRules(text: string | undefined): NetworkRules | undefined {
  if (text === undefined) return undefined;
  try {
    return annotation.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
