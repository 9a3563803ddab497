// Every case of the policy pack's tests: called directly in test/policy, run by the real engine in test/integration.
import type { Allowed, Refused } from "./case";
import * as objects from "./objects";
import * as podSecurity from "./pod-security";
import * as pods from "./pods";

/** What is refused, by exactly one rule and in exactly one place. */
export const refused: readonly Refused[] = [...podSecurity.refused, ...pods.refused, ...objects.refused];

/** What is let through, though it looks near. */
export const allowed: readonly Allowed[] = [...podSecurity.allowed, ...pods.allowed, ...objects.allowed];

/** What is not known in a preview: the rule waits for the update. */
export const notKnownYet: readonly Allowed[] = [
  ...podSecurity.notKnownYet,
  ...pods.notKnownYet,
  ...objects.notKnownYet,
];
