// The command line of the provisioner's image: `build` and `ref`.
import { runImageCommand } from "../image-command.js";
import { ensureProvisionerImage, provisionerImageRef } from "./build.js";

runImageCommand({ ref: provisionerImageRef, ensure: (docker) => ensureProvisionerImage(docker) });
