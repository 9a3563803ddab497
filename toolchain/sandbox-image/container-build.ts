// Builds a Go module in a container, for machines with a Docker engine but without Go. Sources go in and the program comes
// out through the container's standard streams: no folder is shared, so the engine may be on another machine.
import { join } from "node:path";

import { execa } from "execa";

import { tryPull, type PullPolicy } from "../docker-images.js";
import { UserError } from "../errors.js";
import { stateFolder } from "../paths.js";
import { note } from "../progress.js";

/** The image that has Go. */
export const goImage = "golang:1.26-bookworm";

/** What to build, and with whom. */
export interface ContainerBuild {
  dockerCli: string;
  /** Why it is not built with this machine's own Go. */
  obstacle: string;
  /** The module's folder. */
  source: string;
  /** Flags of `go build`. */
  flags: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  pullPolicy?: PullPolicy;
}

/** Where this machine gets Go modules from, if it says so; nothing of it is kept, as the container is removed. */
const inherited = /^(GO(PROXY|SUMDB|PRIVATE|NOPROXY|NOSUMDB|INSECURE|VCS|AUTH)|https?_proxy|no_proxy)$/i;

/** Unpacks the module, builds it, and leaves nothing but the program on standard output. */
const script =
  'mkdir /src && tar -xf - -C /src && cd /src && go build "$@" -o /program . >&2 && cat /program';

/**
 * Writes the module's program, for Linux and the engine's processor, to the file `out`.
 * @throws UserError when the engine cannot have the image, or the build fails.
 */
export async function buildInContainer(build: ContainerBuild, out: string): Promise<void> {
  const { dockerCli, obstacle, source } = build;
  if (!(await tryPull(dockerCli, goImage, build.pullPolicy))) {
    throw new UserError(
      `${obstacle}, and the Docker engine has no image ${goImage} to build the sandbox server in`,
      `Install Go 1.26 or newer (https://go.dev/dl/) and put its bin folder on PATH, or give the engine that image (docker pull, docker load)`,
    );
  }
  note(`${obstacle}: the sandbox server is built in a container of ${goImage}`);
  const log = join(stateFolder("log"), "sandboxd.log");
  const args = ["run", "--rm", "--interactive", "--network", "host", ...variables(build.env)];
  const result = await execa("tar", ["-C", source, "-cf", "-", "."], {
    // Without it, macOS adds files of its own.
    env: { COPYFILE_DISABLE: "1" },
    buffer: false,
    reject: false,
  }).pipe(dockerCli, [...args, "--entrypoint", "sh", goImage, "-euc", script, "sh", ...build.flags], {
    stdout: { file: out },
    stderr: ["pipe", { file: log, append: true }],
    reject: false,
  });
  if (!result.failed) return;
  throw new UserError(
    [`The sandbox server cannot be built in a container of ${goImage}:`, ...lastLines(result.stderr)].join(
      "\n",
    ),
    `The whole output is in ${log}. Or install Go 1.26 or newer (https://go.dev/dl/) and put its bin folder on PATH`,
    { cause: result },
  );
}

/** Arguments that set these variables, and pass on by name, so unseen in the process list, those of the machine. */
function variables(env: ContainerBuild["env"]): string[] {
  const own = Object.entries(env).filter(([, value]) => value !== undefined);
  const machine = Object.keys(process.env).filter((name) => inherited.test(name));
  const all = [...own.map(([name, value]) => `${name}=${value ?? ""}`), ...machine];
  return all.flatMap((variable) => ["--env", variable]);
}

function lastLines(text: string): string[] {
  return text
    .trim()
    .split("\n")
    .slice(-15)
    .map((line) => `    ${line}`);
}
