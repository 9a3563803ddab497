// Errors of /v1 as RFC 9457 problem details.
import type { FastifyReply } from "fastify";
import { z } from "zod";

import type { SandboxError } from "../core/errors.js";
import { type ErrorCode } from "../core/errors.js";

/** The status of each error, and its title. */
export const problems = {
  "not-found": [404, "Not found"],
  conflict: [409, "The id stands for another request"],
  "unknown-environment": [422, "Unknown environment"],
  "wider-egress": [422, "More egress than the environment opens"],
  "too-much": [422, "More than is allowed"],
  "no-rules": [422, "Rules that nothing would keep"],
  "no-hand-over": [422, "The sandbox does not take what was to be handed over"],
  "bad-mount": [422, "A mount that is not allowed"],
  quota: [429, "The quota is used up"],
  capacity: [503, "No room for another sandbox"],
  busy: [503, "The sandbox of this id is still being deleted"],
  refused: [502, "The cluster refused the sandbox"],
  failed: [502, "The sandbox failed while it started"],
  unavailable: [503, "The cluster does not answer"],
} as const satisfies Readonly<Record<ErrorCode, readonly [number, string]>>;

/** The title of what is not well-formed. */
export const unreadable = "The request cannot be read";

/** The titles of what is none of them. */
const others = [
  unreadable,
  "Unauthorized",
  "The request is wrong",
  "Too many requests",
  "Internal error",
  "The replica ends",
  "Too many event streams",
  "Too many logs at once",
  "Too much at once",
] as const;

/** What went wrong, in a few words that are the same each time. */
export type Title = (typeof problems)[ErrorCode][1] | (typeof others)[number];

/** The type of the problems that have a title. */
export function typeOf(title: Title): string {
  return `urn:sandlot:problem:${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
}

/** Every type; docs/api.md says what each means. */
export const problemTypes: readonly string[] = [
  ...Object.values(problems).map(([, title]) => title),
  ...others,
].map(typeOf);

/** The body of every error of /v1. */
export const problemSchema = z
  .object({
    type: z.enum(problemTypes).meta({ description: "A short name of what went wrong, as a URN." }),
    title: z.string().meta({ description: "The same for every error of this type." }),
    status: z.int(),
    detail: z.string().optional().meta({ description: "What went wrong this time, and what to do." }),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .meta({ description: "Each field of the request that is wrong." }),
  })
  .meta({ id: "Problem", description: "An error (RFC 9457)." });

export type Problem = z.infer<typeof problemSchema>;

/** Sends a problem. */
export function problem(
  reply: FastifyReply,
  status: number,
  title: Title,
  detail?: string,
  errors?: readonly { readonly field: string; readonly message: string }[],
): FastifyReply {
  const body: Problem = {
    type: typeOf(title),
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
  if ((status === 503 || status === 429) && !reply.hasHeader("retry-after"))
    void reply.header("retry-after", "2");
  return reply.code(status).type("application/problem+json").send(body);
}

/** Sends the problem that an error of the core is. */
export function sandboxProblem(reply: FastifyReply, error: SandboxError): FastifyReply {
  const [status, title] = problems[error.code];
  const detail = error.code === "not-found" ? undefined : error.message;
  return problem(reply, status, title, detail, error.fields);
}
