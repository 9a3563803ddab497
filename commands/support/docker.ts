// The Docker engine that commands talk to: one that answers now; nothing is installed or started for it.
import { findEngine } from "@sandlot/toolchain/docker-engine/index.js";
import { UserError } from "@sandlot/toolchain/errors.js";

import type { StackOutputs } from "./outputs.js";

/** The environment for calling `docker`. @throws UserError when no engine answers. */
export async function dockerEnvironment(): Promise<NodeJS.ProcessEnv> {
  const engine = await findEngine();
  if (engine === undefined) {
    throw new UserError(
      "No Docker engine answers on this machine.",
      "Start it, or let `make up` do it. See `make doctor`.",
    );
  }
  return engine.host === "" ? {} : { DOCKER_HOST: engine.host };
}

/** The same for a stack whose cluster is in a container; nothing for others, which need no Docker. */
export async function dockerEnvironmentOf({ nodeContainer }: StackOutputs): Promise<NodeJS.ProcessEnv> {
  return nodeContainer === undefined ? {} : dockerEnvironment();
}
