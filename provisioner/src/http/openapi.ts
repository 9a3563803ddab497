// The OpenAPI document of /v1, made from the schemas that requests are validated with.
import { z } from "zod";

import { createBody, rulesBody, smallBody } from "./body-limit.js";
import { problemSchema } from "./problems.js";
import * as schemas from "./v1-schemas.js";

type Json = Record<string, unknown>;

const bodies = {
  CreateSandbox: schemas.createSchema,
  ExtendSandbox: schemas.extendSchema,
  ChangeNetwork: schemas.networkSchema,
  Sandbox: schemas.sandboxSchema,
  SandboxList: schemas.sandboxListSchema,
  EnvironmentList: schemas.environmentListSchema,
  EgressRefused: schemas.egressRefusedSchema,
  Problem: problemSchema,
} as const;

/** What an operation answers beside its success, by status. */
const errors: Readonly<Record<number, string>> = {
  400: "The request cannot be read: its path, or its body, is not well-formed.",
  401: "There is no API key, or nobody has it.",
  404: "There is no such sandbox of yours.",
  409: "The id or key stands for a request with other values.",
  413: `The body is larger than ${createBody / 1024} KiB (a create), ${rulesBody / 1000} kB (rules) or ${smallBody / 1024} KiB (all others).`,
  414: "The id is longer than any is.",
  415: "The body is no `application/json`.",
  422: "The request is wrong; `errors` names the fields.",
  429: "Your quota is used up, or you call too often; `Retry-After` says when to try again.",
  500: "The provisioner has an error; its log says which, by `X-Request-Id`.",
  502: "The cluster refused the sandbox, or the sandbox failed while it started.",
  503: "There is no room, or the cluster does not answer, or too much is sent to it at once, or this replica ends; try again after `Retry-After`.",
};

/** What every operation may answer. */
const always = [401, 429, 500, 503];
/** What those with an id in their path may answer, and those whose request may have a body. */
const ofPath = [400, 404, 414];
const ofBody = [400, 413, 415];

/** The document, OpenAPI 3.1. */
export function openApiDocument(version: string): Json {
  return {
    openapi: "3.1.0",
    info: { title: "Sandlot provisioner", version, description: "Sandboxes for untrusted code, on demand." },
    servers: [{ url: "/" }],
    security: [{ apiKey: [] }],
    paths: {
      "/v1/sandboxes": {
        post: operation("createSandbox", "Create a sandbox", {
          parameters: parameters(schemas.createHeaders, "header"),
          requestBody: { required: false, content: json("CreateSandbox") },
          responses: {
            201: {
              ...answer("Created.", json("Sandbox")),
              headers: { Location: { schema: { type: "string" } } },
            },
            200: answer("It was there, by the same request.", json("Sandbox")),
          },
          errors: [...ofBody, 409, 422, 502],
        }),
        get: operation("listSandboxes", "List your sandboxes, by id", {
          parameters: parameters(schemas.listQuery, "query"),
          responses: { 200: answer("A page.", json("SandboxList")) },
          errors: [422],
        }),
      },
      "/v1/sandboxes/{id}": {
        parameters: [idParameter],
        get: operation("getSandbox", "Get a sandbox", {
          responses: { 200: answer("The sandbox.", json("Sandbox")) },
          errors: ofPath,
        }),
        delete: operation("deleteSandbox", "Delete a sandbox", {
          responses: { 204: { description: "It is being deleted." } },
          errors: [...ofPath, ...ofBody, 502],
        }),
      },
      "/v1/sandboxes/{id}/extend": {
        parameters: [idParameter],
        post: operation("extendSandbox", "Move the soft timeout", {
          requestBody: { required: true, content: json("ExtendSandbox") },
          responses: { 200: answer("The sandbox.", json("Sandbox")) },
          errors: [...ofPath, ...ofBody, 422, 502],
        }),
      },
      "/v1/sandboxes/{id}/network": {
        parameters: [idParameter],
        patch: operation("changeNetwork", "Change what a sandbox with egress `allowlist` may reach", {
          requestBody: { required: true, content: json("ChangeNetwork") },
          responses: {
            200: answer("The sandbox; connections that are no longer allowed are cut.", json("Sandbox")),
          },
          errors: [...ofPath, ...ofBody, 422, 502],
        }),
      },
      "/v1/sandboxes/{id}/logs": {
        parameters: [idParameter],
        get: operation("getSandboxLogs", "The last lines that the sandbox's server logged", {
          parameters: parameters(schemas.logsQuery, "query"),
          responses: { 200: answer("At most 4 MiB.", { "text/plain": { schema: { type: "string" } } }) },
          errors: [...ofPath, 422, 502],
        }),
      },
      "/v1/sandboxes/{id}/events": {
        parameters: [idParameter],
        get: operation("getSandboxEvents", "Follow a sandbox", {
          responses: {
            200: answer(
              "Server-sent events: `state` with a Sandbox, at once and at each change; `egress-refused` with an " +
                "EgressRefused; `gone` with the `id`, at the end.",
              { "text/event-stream": { schema: { type: "string" } } },
            ),
          },
          errors: ofPath,
        }),
      },
      "/v1/environments": {
        get: operation("listEnvironments", "List the environments that you may use", {
          responses: { 200: answer("All of them.", json("EnvironmentList")) },
          errors: [],
        }),
      },
    },
    components: {
      schemas: componentSchemas(),
      securitySchemes: { apiKey: { type: "apiKey", in: "header", name: "X-API-Key" } },
    },
  };
}

const idParameter = { name: "id", in: "path", required: true, schema: { type: "string" } };

interface Operation {
  readonly parameters?: Json[];
  readonly requestBody?: Json;
  readonly responses: Json;
  /** Beside those of every operation. */
  readonly errors: readonly number[];
}

function operation(operationId: string, summary: string, details: Operation): Json {
  const { errors: statuses, responses, ...rest } = details;
  const problems = [...always, ...statuses].map((status) => [
    status,
    answer(errors[status] ?? "", { "application/problem+json": { schema: reference("Problem") } }),
  ]);
  return {
    operationId,
    summary,
    ...rest,
    responses: { ...responses, ...(Object.fromEntries(problems) as Json) },
  };
}

function answer(description: string, content: Json): Json {
  return { description, content };
}

function json(name: keyof typeof bodies): Json {
  return { "application/json": { schema: reference(name) } };
}

function reference(name: keyof typeof bodies): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** One parameter for each field of an object. */
function parameters(schema: z.ZodObject, place: "query" | "header"): Json[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as {
    properties?: Record<string, Json>;
  };
  return Object.entries(properties).map(([name, { description, ...field }]) => ({
    name,
    in: place,
    required: false,
    description,
    // Numbers come as text and are read; what they must be is in the schema.
    schema: field,
  }));
}

/** JSON Schema 2020-12, which is what OpenAPI 3.1 speaks; schemas refer to each other as components. */
function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(bodies)) registry.add(schema, { id });
  const { schemas: made } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `#/components/schemas/${id}`,
    unrepresentable: "any",
  });
  // What says where a schema stands and in which dialect is said once, by the document.
  const placed = ["$schema", "$id", "id"];
  const bare = (schema: object): Json =>
    Object.fromEntries(Object.entries(schema).filter(([key]) => !placed.includes(key)));
  return Object.fromEntries(Object.entries(made).map(([name, schema]) => [name, bare(schema)]));
}
