// The command line of the sandbox image: `build` and `ref`.
import { runImageCommand } from "../image-command.js";
import { ensureSandboxImage, sandboxImageRef } from "./build.js";

runImageCommand({ ref: sandboxImageRef, ensure: (docker) => ensureSandboxImage(docker) });
