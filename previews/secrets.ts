// Which properties are secret. The engine masks what programs mark as secret; much is secret without being marked, so
// that here the benefit of the doubt goes to hiding: a reviewer can look up a hidden value, nobody can unpublish one.
import type { State } from "./preview.js";

/** What stands in the place of a secret: the engine's own word for it. */
export const mask = "[secret]";

// What the engine's serialisation puts into objects that are more than objects (sdk/go/common/resource/sig).
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** What the engine writes for a value that is only known after the update. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const sensitive =
  /passw(or)?d|passphrase|pwd|secret|token|credential|(private|api|access|encryption|signing)[-_. ]?key|kubeconfig|connection[-_. ]?string|bearer|authorization|cookie/i;

// Kubernetes' own fields about secrets, which hold names, paths and durations: what a reviewer has to see.
const reference = /(name|names|ref|refs|path|file|dir|seconds|type|policy|class|provider)$/i;
const references = new Set(["imagePullSecrets", "serviceAccountToken", "tokenRequests"]);

/** Whether a property or variable of this name holds something secret. */
export function isSensitiveName(name: string): boolean {
  return sensitive.test(name) && !reference.test(name) && !references.has(name);
}

/** The name before `=` in an entry such as `TOKEN=…`, if that is sensitive. */
function sensitiveEntry(text: string): string | undefined {
  const name = /^([\w.-]{1,100})=/.exec(text)?.[1];
  return name !== undefined && isSensitiveName(name) ? name : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A volume's `secret`, a service account's `secrets`: they name an object and hold nothing of it. */
function isReferenceTo(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isReferenceTo);
  return (
    isObject(value) &&
    Object.keys(value).every((key) =>
      ["secretName", "name", "namespace", "kind", "items", "defaultMode", "optional"].includes(key),
    )
  );
}

function isSecretKind(type: string, object: Record<string, unknown>): boolean {
  return /[:/]Secret(Patch)?$/.test(type) || object["kind"] === "Secret";
}

/** Replaces secrets by {@link mask}, telling `found` each text that it takes away. */
class Masker {
  constructor(private readonly found: (secret: string) => void) {}

  /** Properties of a resource of type `type`. */
  properties(
    type: string,
    properties: Record<string, unknown>,
    secretKeys: readonly string[],
  ): Record<string, unknown> {
    const masked = this.object(properties, type);
    for (const key of secretKeys) if (key in masked) masked[key] = this.hide(properties[key]);
    return masked;
  }

  private value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.value(each));
    if (isObject(value)) return value[signature] === undefined ? this.object(value) : special(value);
    if (typeof value !== "string") return value;
    const name = sensitiveEntry(value);
    if (name === undefined) return value;
    this.hide(value.slice(name.length + 1));
    return `${name}=${mask}`;
  }

  private object(object: Record<string, unknown>, type = ""): Record<string, unknown> {
    const secretKind = isSecretKind(type, object);
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => [
        key,
        (secretKind && ["data", "stringData"].includes(key)) || this.isSecret(object, key, value)
          ? this.hide(value)
          : this.value(value),
      ]),
    );
  }

  private isSecret(object: Record<string, unknown>, key: string, value: unknown): boolean {
    // Numbers and flags such as automountServiceAccountToken are settings.
    if (typeof value === "number" || typeof value === "boolean" || value === null) return false;
    // What kubectl last applied repeats the whole object, whatever is in it.
    if (key === "kubectl.kubernetes.io/last-applied-configuration") return true;
    const { name } = object;
    if (key === "value" && typeof name === "string" && isSensitiveName(name)) return true;
    return isSensitiveName(key) && !(/^secrets?$/i.test(key) && isReferenceTo(value));
  }

  /** The mask; every text inside `value` is told. */
  private hide(value: unknown): string {
    if (typeof value === "string") this.found(value);
    else if (typeof value === "number") this.found(String(value));
    else if (typeof value === "object" && value !== null)
      for (const each of Object.values(value)) this.hide(each);
    return mask;
  }
}

/** Secrets, assets and references to resources, in the engine's own serialisation. Of none is the content shown. */
function special(object: Record<string, unknown>): string {
  return object[signature] === secretSignature ? mask : "(file or resource)";
}

/**
 * A resource's state with its secrets masked: all that the engine marks, data of Kubernetes Secrets, additional secret
 * outputs, and whatever has the name of a secret.
 * @param found is told each text that was masked, so that it can be taken out of other texts as well
 */
export function maskState(type: string, state: State, found: (secret: string) => void): State {
  const masker = new Masker(found);
  const keys = state.additionalSecretOutputs;
  return {
    ...state,
    inputs: masker.properties(type, state.inputs, keys),
    outputs: masker.properties(type, state.outputs, keys),
  };
}
