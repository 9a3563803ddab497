// `npm run reference`: writes docs/configuration.md, and the tables of docs/network.md.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { withTables } from "./network-reference";
import { configurationReference } from "./reference";

const docs = resolve(__dirname, "../../docs");
writeFileSync(resolve(docs, "configuration.md"), configurationReference());

const network = resolve(docs, "network.md");
writeFileSync(network, withTables(readFileSync(network, "utf8")));
