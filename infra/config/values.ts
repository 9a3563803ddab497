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

/** An image reference: registry and repository, with a tag or a digest. */
export const imageReference = (description: string) =>
  field(
    z.string().regex(/^[a-z0-9][a-z0-9._\-/:]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[a-f0-9]{64})$/),
    description,
    'an image with its tag or digest, such as "registry.example.com/team/sandbox:1.2.3"',
  );

const octet = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])";
const ipv4Cidr = new RegExp(`^${octet}(\\.${octet}){3}/(3[0-2]|[12]?[0-9])$`);

/** A range of IPv4 addresses. */
export const cidr = (description: string) =>
  field(z.string().regex(ipv4Cidr), description, 'an IPv4 range in CIDR form, such as "10.20.0.0/16"');

export const absolutePath = (description: string) =>
  field(z.string().regex(/^\/[^\0:]*$/), description, "an absolute path, without a colon");

export const environment = (description: string) =>
  field(
    z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()),
    description,
    "names of letters, digits and '_' (not beginning with a digit), each with a value in quotes",
  );

export const flag = (description: string) => field(z.boolean(), description, "true or false");

export const text = (description: string) =>
  field(z.string().min(1), description, "a text that is not empty");

export const listOf = <T extends z.ZodType>(item: T, description: string) =>
  field(z.array(item), description, "a list");

export const choice = <const T extends readonly [string, ...string[]]>(values: T, description: string) =>
  field(z.enum(values), description, `one of ${values.join(", ")}`);
