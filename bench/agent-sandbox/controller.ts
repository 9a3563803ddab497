// agent-sandbox's controller (https://github.com/kubernetes-sigs/agent-sandbox), built from its published Go module, and the objects
// that its manifests install.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { V1ClusterRole } from "@kubernetes/client-node";
import { goEnvironment } from "@sandlot/toolchain/go.js";
import { goPrograms } from "@sandlot/toolchain/go-programs.js";
import { execa } from "execa";
import { parseAllDocuments } from "yaml";

import type { Surroundings } from "../surroundings.js";
import { controller, type Definition } from "./manifests.js";

const moduleName = "sigs.k8s.io/agent-sandbox";
const source = join(dirname(fileURLToPath(import.meta.url)), "controller");

/** What is measured. */
export interface Release {
  /** Such as `v1.0.3`. */
  readonly version: string;
  /** The controller, for the node. */
  readonly program: string;
  readonly definitions: readonly Definition[];
  /** What the controller may do. */
  readonly roles: readonly V1ClusterRole[];
}

/** The release that `controller/go.mod` names. @throws UserError when it cannot be built */
export async function release({ signal }: Pick<Surroundings, "signal">): Promise<Release> {
  const folder = await goPrograms({
    name: "bench-agent-sandbox",
    title: "agent-sandbox: build its controller from Go modules",
    source,
    packages: [`${moduleName}/cmd/${controller.name}`],
    why: "agent-sandbox's controller is built with it",
    log: "agent-sandbox",
    target: "container",
  });
  // In the modules' cache, unless somebody emptied that since the program was built.
  const { stdout } = await execa("go", ["mod", "download", "-json", moduleName], {
    cwd: source,
    env: goEnvironment("native"),
    cancelSignal: signal,
  });
  const { Dir, Version } = JSON.parse(stdout) as { Dir: string; Version: string };
  const manifests = join(Dir, "k8s");
  const objects = <T>(file: string): T[] =>
    parseAllDocuments(readFileSync(join(manifests, file), "utf8")).map((document) => document.toJS() as T);
  return {
    version: Version,
    program: join(folder, controller.name),
    definitions: readdirSync(join(manifests, "crds")).flatMap((name) =>
      objects<Definition>(join("crds", name)),
    ),
    roles: ["rbac.generated.yaml", "extensions-rbac.generated.yaml"].flatMap((name) =>
      objects<V1ClusterRole>(name),
    ),
  };
}
