// A virtual environment of Python for a program of Pulumi. The packages in it are pinned, and those that any program needs are
// fetched but once for all runs.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { note } from "../../../toolchain/progress.js";
import { ensurePython, pythonLack, pythonPackages, type Python } from "../../../toolchain/python.js";
import { projectRoot } from "./cluster.js";
import { run, type Result } from "./plugin-project.js";

/** Pulumi's own SDK, what generated SDKs need, and what builds these. */
const requirements = join(projectRoot, "test/integration/support/python-requirements.txt");

/** The environment. */
export class VirtualEnvironment {
  constructor(private readonly dir: string) {}

  /** The folder of its programs. */
  get bin(): string {
    return join(this.dir, "bin");
  }

  /** Runs its interpreter to the end, whatever that is. */
  python(...args: string[]): Promise<Result> {
    return run(join(this.bin, "python"), args, this.dir);
  }

  /** Installs the package whose sources are in `folder`; what it needs must be there. */
  async install(folder: string): Promise<void> {
    await this.must("-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", folder);
  }

  /** Like {@link python}, but a failure fails the test. */
  async must(...args: string[]): Promise<string> {
    const { exitCode, output, stdout } = await this.python(...args);
    assert.equal(exitCode, 0, `python ${args.join(" ")} failed:\n${output}`);
    return stdout.trim();
  }
}

/** A Python; undefined, and said of what is skipped, where there is none. */
export async function pythonFor(what: string): Promise<Python | undefined> {
  const python = await ensurePython();
  if (python === undefined) note(`Skipped, ${what}: ${pythonLack}`);
  return python;
}

/** Makes one in the folder `dir`. */
export async function makeVirtualEnvironment(python: Python, dir: string): Promise<VirtualEnvironment> {
  const packages = await pythonPackages(python, requirements);
  const { exitCode, output } = await run(python.file, ["-m", "venv", "--without-pip", dir], projectRoot);
  assert.equal(exitCode, 0, output);
  const environment = new VirtualEnvironment(dir);
  const site = await environment.must("-c", "import sysconfig; print(sysconfig.get_path('purelib'))");
  writeFileSync(join(site, "pinned.pth"), `${packages}\n`);
  return environment;
}
