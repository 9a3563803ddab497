// Every token of a sandbox, made from a signing key: nothing is stored, replicas agree, and a token dies with its pod. Each pod is
// marked with which key that is, so that what was made with one key goes on while another takes its place.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** What is made with one key. */
interface Keyed {
  /** Which one; absent, or of a key that is not known: the current one. */
  readonly keyId?: string | undefined;
}

/** A sandbox as its token knows it. */
export interface TokenSubject extends Keyed {
  readonly tenant: string;
  readonly id: string;
  readonly podUid: string;
}

/** A pod as its claim secret knows it. */
export interface ClaimedPod extends Keyed {
  readonly podName: string;
}

/** Makes and verifies tokens. */
export class Tokens {
  /** Which key is the current one, with which pods are made now. It tells nothing about the key. */
  readonly keyId: string;
  readonly #current: Buffer;
  readonly #keys: ReadonlyMap<string, Buffer>;

  /**
   * @param current at least 32 bytes that nobody else knows
   * @param others keys that pods were made with before, or will be made with: what they sign is taken as well
   */
  constructor(current: Buffer, ...others: readonly Buffer[]) {
    const all = [current, ...others];
    if (all.some((key) => key.length < 32)) throw new RangeError("a signing key must have at least 32 bytes");
    this.#current = current;
    this.#keys = new Map(all.map((key) => [idOf(key), key]));
    this.keyId = idOf(current);
  }

  /** A key from the API key, for those who have no other. Whoever changes the API key changes all tokens. */
  static fromApiKey(apiKey: string): Tokens {
    return new Tokens(Buffer.from(hkdfSync("sha256", apiKey, "", "sandlot signing key", 32)));
  }

  /** Whether the key is here that a pod was made with: without it, nobody here can hand the pod over. */
  knows({ keyId }: Keyed): boolean {
    return keyId === undefined || this.#keys.has(keyId);
  }

  /** What opens one sandbox, and nothing else. */
  access(subject: TokenSubject): string {
    const { tenant, id, podUid } = subject;
    return mac(this.#keyOf(subject), "access", tenant, id, podUid);
  }

  /** Whether `token` opens the sandbox; takes the same time whatever is wrong with it. */
  verify(subject: TokenSubject, token: string): boolean {
    const [right, given] = [Buffer.from(this.access(subject)), Buffer.from(token)];
    return right.length === given.length && timingSafeEqual(right, given);
  }

  /** What the server of a fresh pod asks of whoever hands it over. */
  claimSecret(pod: ClaimedPod): string {
    return mac(this.#keyOf(pod), "claim", pod.podName);
  }

  /** A hash of what may hold secrets: without the key, guesses cannot be tried on it. */
  fingerprint(text: string): string {
    return mac(this.#current, "fingerprint", text);
  }

  /** Whether it is the hash of `text`, by whichever key. */
  isFingerprint(given: string, text: string): boolean {
    return [...this.#keys.values()].some((key) => mac(key, "fingerprint", text) === given);
  }

  #keyOf({ keyId }: Keyed): Buffer {
    return this.#keys.get(keyId ?? this.keyId) ?? this.#current;
  }
}

function idOf(key: Buffer): string {
  return mac(key, "key id").slice(0, 16);
}

function mac(key: Buffer, ...parts: string[]): string {
  // Lengths come first, so that no two lists of parts are the same text.
  const text = parts.map((part) => `${part.length}:${part}`).join(",");
  return createHmac("sha256", key).update(text).digest("base64url");
}
