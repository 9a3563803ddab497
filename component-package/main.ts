// Serves the components to the engine until it ends the process. The last argument is the engine's address.
import { provider } from "@pulumi/pulumi";

import { componentProvider } from "./provider";

void provider.main(componentProvider(), process.argv.slice(2));
