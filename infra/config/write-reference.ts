// `npm run reference`: writes docs/configuration.md.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { configurationReference } from "./reference";

writeFileSync(resolve(__dirname, "../../docs/configuration.md"), configurationReference());
