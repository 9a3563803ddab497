// Pulumi's property values: how secrets, unknowns and assets travel inside plain JSON between engine and provider.
// The signatures are those of sdk/go/common/resource/sig and sdk/go/common/resource/plugin/rpc.go of pulumi/pulumi.

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const unknownTexts = new Set([
  unknownText,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** A value that is not known yet: an output of something that does not exist in a preview. */
export class Unknown {
  static readonly value = new Unknown();
  /** Makes the type different from every other object's. */
  protected readonly unknown = true;
}

/** A value that must not be shown or stored in the clear. */
export class Secret {
  constructor(readonly value: Value) {}
}

/** A property value, decoded. */
export type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | Unknown
  | Secret
  | Value[]
  | { [key: string]: Value };

/** The properties of a resource. */
export type Properties = Record<string, Value>;

/** True for a plain JSON object. */
export function isObject(value: Value): value is Record<string, Value> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unknown) &&
    !(value instanceof Secret)
  );
}

/** From the JSON form of the wire to values with {@link Secret} and {@link Unknown} in them. */
export function decode(wire: unknown): Value {
  if (wire === null || wire === undefined) return undefined;
  if (typeof wire === "string") return unknownTexts.has(wire) ? Unknown.value : wire;
  if (typeof wire === "number" || typeof wire === "boolean") return wire;
  if (Array.isArray(wire)) return wire.map((item) => decode(item) ?? null);
  const fields = wire as Record<string, unknown>;
  if (fields[signatureKey] === secretSignature) return new Secret(decode(fields["value"]));
  if (fields[signatureKey] === outputSignature) {
    const inner = "value" in fields ? decode(fields["value"]) : Unknown.value;
    return fields["secret"] === true ? new Secret(inner) : inner;
  }
  return decodeProperties(fields);
}

/** {@link decode} for the properties of a resource: absent and null ones are left out. */
export function decodeProperties(wire: Record<string, unknown> | undefined): Properties {
  const out: Properties = {};
  for (const [key, item] of Object.entries(wire ?? {})) {
    const value = decode(item);
    if (value !== undefined) out[key] = value;
  }
  return out;
}

/** The JSON form of the wire. */
export function encode(value: Value): unknown {
  if (value === undefined) return null;
  if (value instanceof Unknown) return unknownText;
  if (value instanceof Secret) return { [signatureKey]: secretSignature, value: encode(value.value) };
  if (Array.isArray(value)) return value.map(encode);
  if (isObject(value)) return encodeProperties(value);
  return value;
}

/** {@link encode} for the properties of a resource. */
export function encodeProperties(values: Properties): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) if (value !== undefined) out[key] = encode(value);
  return out;
}

/** The value without the secret marks, at any depth. */
export function reveal(value: Value): Value {
  if (value instanceof Secret) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  return isObject(value) ? revealProperties(value) : value;
}

/** {@link reveal} for the properties of a resource. */
export function revealProperties(values: Properties): Properties {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, reveal(value)]));
}

/** Whether `test` holds for the value or anything in it. */
function contains(value: Value, test: (value: Value) => boolean): boolean {
  if (test(value)) return true;
  if (value instanceof Secret) return contains(value.value, test);
  if (Array.isArray(value)) return value.some((item) => contains(item, test));
  return isObject(value) && Object.values(value).some((item) => contains(item, test));
}

/** Whether a secret is in the value, at any depth. */
export const containsSecret = (value: Value): boolean => contains(value, (item) => item instanceof Secret);

/** Whether something unknown is in the value, at any depth. */
export const containsUnknown = (value: Value): boolean => contains(value, (item) => item instanceof Unknown);

/** Equality of plain values; an absent and an undefined key are the same. */
export function sameValue(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => sameValue(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    sameValue(left[key], right[key]),
  );
}

/** `plain` with the secret marks where `marked` has them; a list that has changed is marked as a whole. */
export function markAlike(plain: Value, marked: Value): Value {
  if (!containsSecret(marked) || plain === undefined) return plain;
  if (marked instanceof Secret) return new Secret(plain);
  if (Array.isArray(plain) && Array.isArray(marked) && sameValue(plain, reveal(marked))) {
    return plain.map((item, index) => markAlike(item, marked[index]));
  }
  if (isObject(plain) && isObject(marked)) return markPropertiesAlike(plain, marked);
  return new Secret(plain);
}

/** {@link markAlike} for the properties of a resource. */
export function markPropertiesAlike(plain: Properties, marked: Properties): Properties {
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [key, markAlike(value, marked[key])]),
  );
}

/** Every secret text in the value: what must not appear in a message. */
export function secretTexts(value: Value, within = false): string[] {
  if (value instanceof Secret) return secretTexts(value.value, true);
  if (typeof value === "string") return within && value.length >= shortestRedacted ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => secretTexts(item, within));
  return isObject(value) ? Object.values(value).flatMap((item) => secretTexts(item, within)) : [];
}

/** Shorter secrets are left alone: replacing every "a" would only tell more. */
const shortestRedacted = 4;

/** The text with every secret in it replaced. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((result, secret) => result.replaceAll(secret, "[secret]"), text);
}
