// The secret that claims a sandbox, and the claim.
import { createHash } from "node:crypto";

import type { Server } from "./server";

/** Of the pod of these tests. */
export const secret = "the-claim-secret-of-this-pod-alone";
/** What the pod is told of it: `SANDBOXD_CLAIM_SHA256`. */
export const claimHash = createHash("sha256").update(secret).digest("hex");

/** What a claim is answered. */
export interface ClaimAnswer {
  status: number;
  body: { success?: boolean; message?: string; data?: unknown; detail?: { loc: string[]; msg: string }[] };
}

/** Claims the sandbox of a server. */
export async function claim(server: Server, fields: unknown, bearer = secret): Promise<ClaimAnswer> {
  const body = typeof fields === "string" ? fields : JSON.stringify(fields);
  const response = await server.client.request("POST", "/v1/claim", body, {
    authorization: `Bearer ${bearer}`,
  });
  return { status: response.status, body: (await response.json()) as ClaimAnswer["body"] };
}
