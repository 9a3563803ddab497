// The command line of the provisioner's image, for a deployer: `build` makes sure that the engine has it, `ref` names it.
import { UserError } from "../errors.js";
import { ensureProvisionerImage, provisionerImageRef } from "./build.js";

const usage = "usage: cli.ts build|ref   (DOCKER names the docker client; default: docker)";

async function main(argument: string | undefined): Promise<void> {
  if (argument === "ref") console.log(provisionerImageRef());
  else if (argument === "build")
    console.log((await ensureProvisionerImage(process.env["DOCKER"] ?? "docker")).ref);
  else throw new UserError(`unknown command ${argument ?? "(none)"}`, usage);
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof UserError ? `${error.message}\n${error.remedy}` : error);
  process.exitCode = 1;
});
