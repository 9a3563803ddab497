// Calls to a provisioner whose answers are held against the OpenAPI document that it serves.
import assert from "node:assert/strict";

import { Ajv2020 } from "ajv8/dist/2020.js";
import type { LightMyRequestResponse } from "fastify";

import type { Replica } from "./house.js";

/** The part of the document that is looked at. */
export interface ApiDocument {
  openapi: string;
  paths: Record<
    string,
    Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
  >;
  components: { schemas: Record<string, object> };
}

export interface Documented {
  readonly document: ApiDocument;
  readonly validator: Ajv2020;
  /** Calls; fails if the answer is not one that the document describes. */
  call(
    method: "GET" | "POST" | "PATCH" | "DELETE",
    url: string,
    /** What is no object is sent as it is. */
    body?: object | string,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
}

export async function documented(replica: Replica): Promise<Documented> {
  const document = (await replica.call("GET", "/openapi.json")).json<ApiDocument>();
  const validator = new Ajv2020({ strict: false, validateFormats: false });
  validator.addSchema({ $id: "document", ...document });
  return {
    document,
    validator,
    async call(method, url, body, headers = {}) {
      const answer = await replica.call(method, url, body, headers);
      const { statusCode: status, headers: told } = answer;
      const path = (url.split("?")[0] ?? "").replace(/^(\/v1\/sandboxes\/)[^/]+/, "$1{id}");
      const described = document.paths[path]?.[method.toLowerCase()]?.responses[String(status)];
      assert.ok(described !== undefined, `${method} ${path} ${status} is not documented`);
      const [type] = (told["content-type"] ?? "").toString().split(";");
      if (status >= 400) assert.equal(type, "application/problem+json", `${status}: ${answer.body}`);
      if (answer.body !== "" && type?.endsWith("json") === true) {
        const at = (text: string): string => text.replaceAll("~", "~0").replaceAll("/", "~1");
        assert.ok(described.content?.[type] !== undefined, `${type} is not documented`);
        const pointer = `document#/paths/${at(path)}/${method.toLowerCase()}/responses/${status}/content/${at(type)}/schema`;
        assert.ok(
          validator.validate({ $ref: pointer }, answer.json()),
          `${validator.errorsText()}: ${answer.body}`,
        );
      }
      return answer;
    },
  };
}
