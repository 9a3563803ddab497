// `npm run reference`: writes the rules into docs/policies.md.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { withReference } from "./lib/reference";
import { rules } from "./rules";

const file = resolve(__dirname, "../docs/policies.md");
writeFileSync(file, withReference(readFileSync(file, "utf8"), rules));
