// The command line of an image of this repository, for a deployer: `build` makes sure that the engine has it, `ref` names it.
import { UserError } from "./errors.js";

const usage = "usage: cli.ts build|ref   (DOCKER names the docker client; default: docker)";

/** An image that is built here. */
export interface OwnImage {
  /** Its name, which changes with its sources. */
  readonly ref: () => string;
  /** Makes sure that the engine behind the docker client `docker` has it. */
  readonly ensure: (docker: string) => Promise<{ readonly ref: string }>;
}

/** Does what the arguments of this process say, and prints the image's name. */
export function runImageCommand(image: OwnImage): void {
  print(image, process.argv[2]).catch((error: unknown) => {
    console.error(error instanceof UserError ? `${error.message}\n${error.remedy}` : error);
    process.exitCode = 1;
  });
}

async function print({ ref, ensure }: OwnImage, argument: string | undefined): Promise<void> {
  if (argument === "ref") console.log(ref());
  else if (argument === "build") console.log((await ensure(process.env["DOCKER"] ?? "docker")).ref);
  else throw new UserError(`unknown command ${argument ?? "(none)"}`, usage);
}
