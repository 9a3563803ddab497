// The kinds of value that stack configuration is made of. Each says in words what it allows; errors repeat those words.
import { z } from "zod";

/** Attaches what a field is for and what it allows: read by the error messages, the JSON Schema and the docs. */
export function field<T extends z.ZodType>(schema: T, description: string, allowed: string): T {
  return schema.meta({ description, allowed });
}

/** A TCP or UDP port on this machine or in the node. */
export const port = (description: string) =>
  field(z.int().min(1).max(65535), description, "an integer from 1 to 65535");

/** A port that a Kubernetes Service may open on nodes; the range is the API server's default. */
export const nodePort = (description: string) =>
  field(z.int().min(30000).max(32767), description, "an integer from 30000 to 32767");

export const count = (description: string, min: number, max: number) =>
  field(z.int().min(min).max(max), description, `an integer from ${min} to ${max}`);

/** Kubernetes' resource quantity, a useful subset: no exponents. */
export const quantity = (description: string) =>
  field(
    z.string().regex(/^[1-9][0-9]*(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/),
    description,
    'a Kubernetes quantity in quotes, such as "250m" of a CPU or "512Mi" of memory',
  );

/** RFC 1123 label: names of namespaces, Services, RuntimeClasses. */
export const dnsLabel = (description: string) =>
  field(
    z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
    description,
    "up to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit",
  );

/** RFC 1123 subdomain: names of Secrets, claims, PriorityClasses. */
export const dnsName = (description: string) =>
  field(
    z
      .string()
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/),
    description,
    "up to 253 lower-case letters, digits, '-' and '.', with a letter or digit at both ends of every part",
  );

/** How many of several: a number or a share. */
export const countOrPercentage = (description: string) =>
  field(
    z.string().regex(/^([0-9]{1,4}|[0-9]{1,2}%|100%)$/),
    description,
    'a number or a percentage in quotes, such as "1" or "25%"',
  );

/** An image reference: registry and repository, with a tag or a digest. */
export const imageReference = (description: string) =>
  field(
    z.string().regex(/^[a-z0-9][a-z0-9._\-/:]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[a-f0-9]{64})$/),
    description,
    'an image with its tag or digest, such as "registry.example.com/team/sandbox:1.2.3"',
  );

const octet = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])";
const ipv4Cidr = new RegExp(`^${octet}(\\.${octet}){3}/(3[0-2]|[12]?[0-9])$`);

/** A range of IPv4 or IPv6 addresses. */
export const cidr = (description: string) =>
  field(
    z.union([z.string().regex(ipv4Cidr), z.cidrv6()]),
    description,
    'a range in CIDR form, such as "10.20.0.0/16" or "2001:db8::/32"',
  );

/** One IPv4 or IPv6 address. */
export const ipAddress = (description: string) =>
  field(z.union([z.ipv4(), z.ipv6()]), description, 'an address, such as "169.254.20.10" or "fd00::10"');

export const absolutePath = (description: string) =>
  field(z.string().regex(/^\/[^\0:]*$/), description, "an absolute path, without a colon");

export const environment = (description: string) =>
  field(
    z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()),
    description,
    "names of letters, digits and '_' (not beginning with a digit), each with a value in quotes",
  );

/** Labels of Kubernetes objects; what is in them is checked by the components. */
export const labels = (description: string) =>
  field(z.record(z.string(), z.string()), description, "labels, each with a value in quotes");

export const flag = (description: string) => field(z.boolean(), description, "true or false");

export const text = (description: string) =>
  field(z.string().min(1), description, "a text that is not empty");

/** A path on this machine: absolute, or relative to what the description says. */
export const path = (description: string) =>
  field(z.string().regex(/^[^\0]+$/), description, "a path that is not empty");

/** A text that only counts as a Pulumi secret: errors never repeat it, and in clear it is refused. */
export const secretText = (description: string, allowed: string) =>
  z.string().min(1).meta({ description, allowed, secret: true });

export const listOf = <T extends z.ZodType>(item: T, description: string) =>
  field(z.array(item), description, "a list");

export const choice = <const T extends readonly [string, ...string[]]>(values: T, description: string) =>
  field(z.enum(values), description, `one of ${values.join(", ")}`);

/** An object that has the fields of `shape` and no other. */
export const object = <T extends z.ZodRawShape>(shape: T, description: string) =>
  field(z.strictObject(shape), description, `an object with only ${Object.keys(shape).join(", ")}`);
