// Every token of a sandbox, made from one signing key: nothing is stored, replicas agree, and a token dies with its pod.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** A sandbox as its token knows it. */
export interface TokenSubject {
  readonly tenant: string;
  readonly id: string;
  readonly podUid: string;
}

/** Makes and verifies tokens. */
export class Tokens {
  readonly #key: Buffer;

  /** @param key at least 32 bytes that nobody else knows */
  constructor(key: Buffer) {
    if (key.length < 32) throw new RangeError("a signing key must have at least 32 bytes");
    this.#key = key;
  }

  /** A key from the API key, for those who have no other. Whoever changes the API key changes all tokens. */
  static fromApiKey(apiKey: string): Tokens {
    return new Tokens(Buffer.from(hkdfSync("sha256", apiKey, "", "sandlot signing key", 32)));
  }

  /** What opens one sandbox, and nothing else. */
  access({ tenant, id, podUid }: TokenSubject): string {
    return this.#mac("access", tenant, id, podUid);
  }

  /** Whether `token` opens the sandbox; takes the same time whatever is wrong with it. */
  verify(subject: TokenSubject, token: string): boolean {
    const [right, given] = [Buffer.from(this.access(subject)), Buffer.from(token)];
    return right.length === given.length && timingSafeEqual(right, given);
  }

  /** What the server of a fresh pod asks of whoever hands it over. */
  claimSecret(podName: string): string {
    return this.#mac("claim", podName);
  }

  /** A hash of what may hold secrets: without the key, guesses cannot be tried on it. */
  fingerprint(text: string): string {
    return this.#mac("fingerprint", text);
  }

  #mac(...parts: string[]): string {
    // Lengths come first, so that no two lists of parts are the same text.
    const text = parts.map((part) => `${part.length}:${part}`).join(",");
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}
