// `npm run schema`: writes stacks/schema.json.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { stackFileSchema } from "./json-schema";

writeFileSync(
  resolve(__dirname, "../../stacks/schema.json"),
  `${JSON.stringify(stackFileSchema(), null, 2)}\n`,
);
