// `npm run schema`: writes the package's schema.json.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { packageSchema } from "./generate";

writeFileSync(join(__dirname, "schema.json"), `${JSON.stringify(packageSchema(), null, 2)}\n`);
