// Trivy, which tells what vulnerabilities images are known to have: the user's own, or built from its published Go modules. The
// hashes in go.sum say what those are; an archive would come with its checksum from the same place, and vouch for nothing.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { findOnPath } from "../find.js";
import { goPrograms } from "../go-programs.js";
import { atLeast } from "../prerequisites/tools.js";
import { note } from "../progress.js";
import { tryOutput } from "../run.js";
import { minimumVersions, trivyVersion } from "../versions.js";

const source = join(dirname(fileURLToPath(import.meta.url)), "trivy");

/** The folder with the `trivy` on PATH, if there is one that is new enough. */
export async function installedTrivy(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const installed = findOnPath("trivy", env);
  if (installed === undefined) return undefined;
  const answer = await tryOutput(installed, ["--version"], { env });
  const version = /^Version: v?(\d+\.\d+\.\d+)/m.exec(answer ?? "")?.[1];
  if (version !== undefined && atLeast(version, minimumVersions.trivy)) return dirname(installed);
  const found = version === undefined ? "does not tell its version" : `is ${version}`;
  note(`Not used: ${installed} ${found}, but ${minimumVersions.trivy} or newer is needed`);
  return undefined;
}

/**
 * The folder with `trivy`: that on PATH if it is new enough, else a built one.
 * @throws UserError when there is none and it cannot be built.
 */
export async function ensureTrivy(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const installed = await installedTrivy(env);
  if (installed !== undefined) return installed;
  return goPrograms({
    name: "trivy",
    title: "Trivy: build from Go modules",
    source,
    packages: ["github.com/aquasecurity/trivy/cmd/trivy"],
    why: `Trivy ${minimumVersions.trivy} or newer is not on PATH, so that it is built with it`,
    log: "trivy",
    linked: `-X github.com/aquasecurity/trivy/pkg/version/app.ver=${trivyVersion}`,
    // One of its packages needs what Go 1.26 has on trial only.
    env: { GOEXPERIMENT: "jsonv2" },
  });
}
