// The rules that arguments share. Each says what a value must be, or nothing if it is fine.
import type { Rule } from "./checks";
import { parseCidr } from "./cidr";
import { parseQuantity } from "./quantity";

/** A rule for text that matches `pattern`, explained by `allowed`. */
export function matching(pattern: RegExp, allowed: string): Rule<string> {
  return (value) => (typeof value === "string" && pattern.test(value) ? undefined : allowed);
}

/** A rule for whole numbers from `minimum` to `maximum`. */
export function integerBetween(minimum: number, maximum: number, what = "a whole number"): Rule<number> {
  return (value) =>
    Number.isInteger(value) && value >= minimum && value <= maximum
      ? undefined
      : `${what} from ${minimum} to ${maximum}`;
}

/** A rule for the values of an enum. */
export function oneOf<T extends string>(values: Readonly<Record<string, T>>): Rule<T> {
  const allowed = Object.values(values);
  return (value) => (allowed.includes(value) ? undefined : `one of ${allowed.join(", ")}`);
}

/** A TCP or UDP port. */
export const port: Rule<number> = integerBetween(1, 65535, "a port");

/** A DNS label: the names of namespaces, Services and hosts (RFC 1123). */
export const dnsLabel: Rule<string> = matching(
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  "at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
);

/** A DNS subdomain: the names of most Kubernetes objects (RFC 1123). */
export const dnsSubdomain: Rule<string> = (value) =>
  typeof value === "string" &&
  value.length <= 253 &&
  value.split(".").every((part) => dnsLabel(part) === undefined)
    ? undefined
    : "at most 253 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends of every part";

/** How much a service logs. */
export const logLevel: Rule<string> = matching(
  /^(?:fatal|error|warn|info|debug|trace)$/,
  "one of fatal, error, warn, info, debug, trace",
);

/** An absolute path that stays where it is: no `..`, no `:` or comma, which Docker gives a meaning of their own. */
export const absolutePath: Rule<string> = (value) =>
  typeof value === "string" && /^\/[^:,\0\n]*$/.test(value) && !value.split("/").includes("..")
    ? undefined
    : "an absolute path such as /srv/skills, without .., colons and commas";

/** An amount that is not negative, as a Kubernetes quantity. */
export const quantity: Rule<string> = (value) =>
  parseQuantity(value) !== undefined ? undefined : "a Kubernetes quantity such as 500m, 2, 256Mi or 1Gi";

/** A range of addresses in its canonical form. */
export const cidr: Rule<string> = (value) => {
  const range = parseCidr(value);
  if (range === undefined) return "a range such as 172.18.0.1/32 or 2001:db8::/32";
  if (/^::ffff:/i.test(value) && range.family === 6 && range.prefix >= 96)
    return "written as IPv4: Kubernetes takes no IPv4-mapped IPv6";
  return range.hasHostBits
    ? `a range whose address is its first one: the bits after /${range.prefix} must be 0`
    : undefined;
};

const registryHost = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?";
const repository = "[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*";
const imagePattern = new RegExp(
  `^${registryHost}${repository}(?<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?<digest>@sha256:[0-9a-f]{64})?$`,
);

/** An image reference that stays what it is: with a tag other than `latest`, or a digest. */
export const pinnedImage: Rule<string> = (value) => {
  const found = typeof value === "string" ? imagePattern.exec(value) : null;
  if (found === null) return "an image reference such as registry.example.com/team/sandbox:1.4.2";
  const { tag, digest } = found.groups ?? {};
  if (digest !== undefined) return undefined;
  if (tag === undefined || tag === ":latest") {
    return "an image reference with a tag other than latest, or with a digest, so that what runs does not change by itself";
  }
  return undefined;
};

/** The name of an environment variable. */
export const environmentName: Rule<string> = matching(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "letters, digits and underscores, not starting with a digit",
);

const labelName = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)$/;

/** A map of Kubernetes labels. */
export const labels: Rule<Record<string, string>> = (value) => {
  for (const [key, text] of Object.entries(value)) {
    const slash = key.indexOf("/");
    const prefixFine = slash < 0 || dnsSubdomain(key.slice(0, slash)) === undefined;
    if (!prefixFine || !labelName.test(key.slice(slash + 1))) {
      return `labels, but ${JSON.stringify(key)} is no label key: [prefix/]name of at most 63 letters, digits, -, _ and .`;
    }
    if (typeof text !== "string" || (text !== "" && !labelName.test(text))) {
      return `labels, but the value of ${key} is not at most 63 letters, digits, -, _ and ., with a letter or digit at both ends`;
    }
  }
  return undefined;
};

/** Labels that select something: at least one. */
export const selector: Rule<Record<string, string>> = (value) =>
  Object.keys(value).length === 0 ? "at least one label" : labels(value);
