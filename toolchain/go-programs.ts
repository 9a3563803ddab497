// Programs of Go modules, built and kept in the cache.
import { cached, contentKey } from "./cache.js";
import { goEnvironment, goVersion, quickCompile, type GoTarget } from "./go.js";
import { requireBuildRoom } from "./prerequisites/build-room.js";
import { step } from "./progress.js";
import { run } from "./run.js";

/** Programs of one module. */
export interface GoPrograms {
  /** What they are called in the cache. */
  readonly name: string;
  /** What is said while they are built. */
  readonly title: string;
  /** The module's folder. */
  readonly source: string;
  readonly packages: readonly string[];
  /** What needs Go, for the message when it is missing. */
  readonly why: string;
  /** The name of the log. */
  readonly log: string;
  /** Flags of the linker beside those that leave out what nobody debugs. */
  readonly linked?: string;
  /** More for the environment of the compiler. */
  readonly env?: Readonly<Record<string, string>>;
  /** What they run on. @default "native" */
  readonly target?: GoTarget;
}

/**
 * The folder with the programs, built unless it is in the cache.
 * @throws UserError when there is no Go, no room, or the build fails.
 */
export async function goPrograms(programs: GoPrograms): Promise<string> {
  const { name, title, source, packages, why, log, linked, env = {}, target = "native" } = programs;
  const version = await goVersion(source, why, target);
  const flags = [
    "-mod=readonly",
    "-trimpath",
    "-ldflags",
    ["-s -w", ...(linked === undefined ? [] : [linked])].join(" "),
  ];
  const key = contentKey({
    strings: [version, ...packages, ...flags, JSON.stringify(env)],
    files: [source],
    root: source,
  });
  return cached(name, key, (dir) =>
    step(title, async (progress) => {
      await requireBuildRoom();
      await run("go", ["build", "-v", ...flags, ...quickCompile, "-o", dir, ...packages], {
        cwd: source,
        env: { ...goEnvironment(target), ...env },
        log,
        progress,
      });
    }),
  );
}
