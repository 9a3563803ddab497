// Which keys of configuration hold secrets, and that secrets are only where they are treated as such.
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/**
 * Whether what is under a full key, such as `sandlot:target`, is a secret or holds one: that is all the engine tells. The
 * SDK's own function, which its types leave out (sdk/nodejs/runtime/config.ts of pulumi/pulumi).
 */
export function isConfigSecret(key: string): boolean {
  return (pulumi.runtime as unknown as { isConfigSecret(key: string): boolean }).isConfigSecret(key);
}

const unwrap = (schema: unknown): unknown => (schema instanceof z.ZodOptional ? schema.unwrap() : schema);

/** A value that a setting which only counts as a secret was given, or undefined where it was given none. */
interface SecretSetting {
  /** Such as `["target", "kubeconfig"]`. */
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Every setting below `schema` that only counts as a secret, with each value that `value` gives it. */
function secretSettings(schema: unknown, value: unknown, path: readonly string[] = []): SecretSetting[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, unknown>).flatMap(([key, each]) =>
      secretSettings(each, property(value, key), [...path, key]),
    );
  }
  if (inner instanceof z.ZodArray || inner instanceof z.ZodRecord) {
    const items = typeof value === "object" && value !== null ? (Object.values(value) as unknown[]) : [];
    const item = inner instanceof z.ZodArray ? inner.element : inner.valueType;
    return [undefined, ...items].flatMap((each) => secretSettings(item, each, path));
  }
  return inner instanceof z.ZodType && inner.meta()?.["secret"] === true ? [{ path, value }] : [];
}

function property(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (Reflect.get(value, key) as unknown) : undefined;
}

/**
 * A sentence for every secret that would end up readable, and for every setting that should have been given as a secret.
 * @param secrets the keys of `input` that hold a secret
 */
export function misplacedSecrets(
  schema: z.ZodObject,
  input: Readonly<Record<string, unknown>>,
  secrets: ReadonlySet<string>,
): string[] {
  const settings = secretSettings(schema, input);
  const places = [...new Set(settings.map(({ path }) => `sandlot:${path.join(".")}`))];
  const readable = [...secrets].filter((key) => !settings.some(({ path: [first] }) => first === key));
  const inClear = settings.filter(
    ({ path: [first = ""], value }) => value !== undefined && !secrets.has(first),
  );
  return [
    ...readable.map(
      (key) =>
        `sandlot:${key} holds a secret, but what it sets can be read in the cluster; allowed: secrets in ` +
        `${places.join(", ")}. Write it in plain, or leave it out.`,
    ),
    ...inClear.map(
      ({ path }) =>
        `sandlot:${path.join(".")} is written in clear; allowed: a secret. Take it out of the file, treat it as known to ` +
        "others, and give a new one with `make secret`.",
    ),
  ];
}
