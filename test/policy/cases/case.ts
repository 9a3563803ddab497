// What a case of the policy pack's tests is: a good stack, spoilt in one place.
import type { Resource } from "../../support/policy";
import { goodStack, type Stack } from "../../support/policy-objects";

/** A way to change a good stack; parts that are undefined are left out of it. */
export type Spoil = (home: string) => Record<string, Resource | undefined>;

/** What a rule refuses. */
export interface Refused {
  readonly rule: string;
  readonly title: string;
  readonly spoil: Spoil;
  /** The part of the stack that the violation is about. */
  readonly on: string;
  readonly message: RegExp;
  /** Other rules that cannot but refuse it as well. */
  readonly also: readonly string[];
}

/** What a rule lets through, though it looks near, or cannot know yet. */
export interface Allowed {
  readonly rule: string;
  readonly title: string;
  readonly spoil: Spoil;
  /** The rule's configuration. */
  readonly config?: object;
}

/** The spoilt stack, whose namespace and names are `home`'s. */
export function spoilt(home: string, spoil: Spoil): Stack {
  const parts = Object.entries({ ...goodStack(home), ...spoil(home) });
  return Object.fromEntries(parts.filter((part): part is [string, Resource] => part[1] !== undefined));
}

/** What `rule` refuses: the title, how it is spoilt, where, and what the message says. */
export function refuses(
  rule: string,
  ...cases: [title: string, spoil: Spoil, on: string, message: RegExp, also?: string[]][]
): Refused[] {
  return cases.map(([title, spoil, on, message, also = []]) => ({ rule, title, spoil, on, message, also }));
}

/** What `rule` lets through, perhaps by its configuration. */
export function allows(rule: string, ...cases: [title: string, spoil: Spoil, config?: object][]): Allowed[] {
  return cases.map(([title, spoil, config]) => ({
    rule,
    title,
    spoil,
    ...(config === undefined ? {} : { config }),
  }));
}
