// The JSON Schema of a stack file, for editors: `# yaml-language-server: $schema=schema.json` in its first line.
import { z } from "zod";

import { configSchema } from "./schema";

/** The schema of `stacks/Pulumi.<stack>.yaml`; keys of other namespaces stay free. */
export function stackFileSchema(): Record<string, unknown> {
  const config = z.toJSONSchema(configSchema, {
    target: "draft-7",
    override: ({ jsonSchema }) => {
      const own = jsonSchema as { allowed?: string; description?: string; secret?: boolean };
      const { allowed, description, secret } = own;
      delete own.allowed;
      delete own.secret;
      if (allowed !== undefined) jsonSchema.description = `${description ?? ""}. Allowed: ${allowed}.`;
      if (secret === true) encrypted(jsonSchema);
    },
  });
  const properties = Object.entries(config.properties ?? {}).map(([key, value]) => [`sandlot:${key}`, value]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A Sandlot stack",
    type: "object",
    properties: {
      encryptionsalt: { type: "string" },
      secretsprovider: { type: "string" },
      encryptedkey: { type: "string" },
      config: {
        type: "object",
        description: config.description,
        properties: Object.fromEntries(properties) as unknown,
        patternProperties: { "^(?!sandlot:)": {} },
        additionalProperties: false,
      },
    },
  };
}

/** In a stack's file, a secret stands encrypted, as `pulumi config set --secret` writes it. */
function encrypted(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  delete jsonSchema.minLength;
  jsonSchema.type = "object";
  jsonSchema.properties = { secure: { type: "string" } };
  jsonSchema.required = ["secure"];
  jsonSchema.additionalProperties = false;
}
