// What a request shows to be let in, and which of its Authorization headers is the router's and which the user's server's.
import type { Target } from "./target.js";

/** The header with a sandbox's token. */
export const tokenHeader = "x-sandbox-token";

/** The header with a tenant's API key. */
export const apiKeyHeader = "x-api-key";

/** What was shown. */
export type Credential =
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "key"; readonly key: string };

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The credential of a request: the token in its path, the token's header, the API key's header, or a bearer token, in this
 * order; undefined when there is none.
 */
export function credentialOf(target: Target, headers: Headers): Credential | undefined {
  if (target.token !== undefined) return { kind: "token", token: target.token };
  const token = single(headers[tokenHeader]);
  if (token !== undefined) return { kind: "token", token };
  const key = single(headers[apiKeyHeader]);
  if (key !== undefined) return { kind: "key", key };
  const bearer = bearerOf(headers);
  return bearer === undefined ? undefined : { kind: "token", token: bearer };
}

/**
 * Whether Authorization is a user's server's own: the caller was let in by something else, and it does not repeat that.
 * The sandbox's API gets none in any case.
 */
export function authorizationIsOwn(target: Target, headers: Headers, credential: Credential): boolean {
  if (target.port === undefined) return false;
  const bearer = bearerOf(headers);
  if (bearer === undefined) return headers["authorization"] !== undefined;
  const shown = credential.kind === "token" ? credential.token : credential.key;
  return bearer !== shown;
}

function bearerOf(headers: Headers): string | undefined {
  const [, token] = /^Bearer +(\S+) *$/i.exec(single(headers["authorization"]) ?? "") ?? [];
  return token;
}

function single(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.join(", ") : value;
  return text === undefined || text === "" ? undefined : text;
}
