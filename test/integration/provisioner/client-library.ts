// The client library of the AIO sandbox, which is not ours: it takes answers apart by models of its own, and fails where they are
// not what it expects. `client-library.py` calls by it whatever DeerFlow's gateway does.
import { join } from "node:path";

import { execa } from "execa";

import { pythonPackages } from "../../../toolchain/python.js";
import { projectRoot } from "../support/cluster.js";
import { pythonFor } from "../support/virtual-environment.js";

const here = join(projectRoot, "test/integration/provisioner");

/** What it made of a sandbox's answers, by what was called; undefined where there is no Python. Writes to `folder` of the sandbox. */
export async function playClientLibrary(
  url: string,
  folder: string,
): Promise<Record<string, unknown> | undefined> {
  const python = await pythonFor("the client library of the AIO sandbox");
  if (python === undefined) return undefined;
  const packages = await pythonPackages(python, join(here, "client-library-requirements.txt"));
  const { stdout } = await execa(python.file, [join(here, "client-library.py"), url, folder], {
    env: { PYTHONPATH: packages },
    timeout: 120_000,
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}
