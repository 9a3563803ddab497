// What an update that was cut off leaves behind: the engine's lock, and Docker objects that its state does not know.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { stateDir } from "@sandlot/toolchain/paths.js";
import { isAlive } from "@sandlot/toolchain/processes.js";
import { note } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { agentName } from "./agents.js";
import { stackCommand, type EngineEnvironment } from "./pulumi.js";
import { projectName, type Stack } from "./stack-file.js";
import { readState } from "./state.js";

/** Ids, by type, of what the stack's state holds. */
function idsInState(stack: Stack, type: string): Set<string> {
  return new Set(
    readState(stack).flatMap((resource) =>
      resource.type === type && resource.id !== undefined ? [resource.id] : [],
    ),
  );
}

/** Gives up the lock of an update whose process is gone. @throws UserError when that process is still at work. */
export async function releaseLock(stack: Stack, env: EngineEnvironment): Promise<void> {
  const dir = join(stateDir, "state", ".pulumi", "locks", "organization", projectName, stack.name);
  const locks = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(".json")) : [];
  for (const name of locks) {
    const { pid } = JSON.parse(readFileSync(join(dir, name), "utf8")) as { pid: number };
    if (isAlive(pid)) {
      throw new UserError(
        `Another command is changing stack ${stack.name} right now (process ${pid}).`,
        `Wait until it has ended. If process ${pid} is something else by now, remove ${join(dir, name)}.`,
      );
    }
  }
  if (locks.length === 0) return;
  note(`An earlier update of stack ${stack.name} was cut off: its lock is released`);
  await stackCommand(stack, ["cancel", stack.name, "--yes"], env);
}

type Kind = "container" | "network";

const inspectFormat: Record<Kind, string> = {
  container: '{{.Id}} {{index .Config.Labels "sandlot.dev/owner"}}',
  network: '{{.Id}} {{index .Labels "sandlot.dev/owner"}}',
};

/** The containers of the stack's agents, whichever checkout they are of. */
async function agentsOf({ name }: Stack, env: NodeJS.ProcessEnv): Promise<string[]> {
  const filter = ["--filter", `label=sandlot.dev/stack=${name}`];
  const { stdout } = await execa("docker", ["ps", "--all", ...filter, "--format", "{{.Names}}"], { env });
  return stdout.split("\n").filter((each) => each.startsWith(agentName({ name }, "")));
}

/**
 * Removes the containers and the network that carry this stack's name but are not in its state: the remains of an update
 * that was cut off, or of a checkout that is gone.
 * @throws UserError when they belong to somebody else.
 */
export async function removeOrphans(stack: Stack, env: EngineEnvironment): Promise<void> {
  const server = `sandlot-${stack.name}`;
  const containers = [...(await agentsOf(stack, env)), server];
  // The network last: containers hold on to it.
  const objects = [...containers.map((name) => ["container", name] as const), ["network", server] as const];
  for (const [kind, name] of objects) {
    const { stdout, failed } = await execa(
      "docker",
      [kind, "inspect", "--format", inspectFormat[kind], name],
      {
        env,
        reject: false,
      },
    );
    if (failed) continue;
    const [id = "", owner = ""] = stdout.trim().split(" ");
    if (idsInState(stack, `docker:index/${kind}:${kind === "container" ? "Container" : "Network"}`).has(id))
      continue;
    refuseForeign(kind, name, owner);
    note(
      `Removing the ${kind} ${name}, which ${owner === stateDir ? "an update that was cut off" : "a deleted checkout"} left behind`,
    );
    await execa(
      "docker",
      kind === "container" ? ["container", "rm", "--force", "--volumes", id] : ["network", "rm", id],
      {
        env,
      },
    );
  }
}

function refuseForeign(kind: Kind, name: string, owner: string): void {
  if (owner === stateDir || (owner !== "" && !existsSync(owner))) return;
  throw owner === ""
    ? new UserError(
        `A ${kind} named ${name} is there already, and it is not one of Sandlot's.`,
        `Remove or rename it: docker ${kind} rm ${name}`,
      )
    : new UserError(
        `The ${kind} ${name} belongs to another checkout, whose state is in ${owner}.`,
        `Run \`make down\` there first. Two checkouts can share a machine if each uses a stack and ports of its own.`,
      );
}

/** Whether the state holds a node's container that Docker no longer has, so that the engine must look before it acts. */
export async function containerIsMissing(stack: Stack, env: EngineEnvironment): Promise<boolean> {
  for (const id of idsInState(stack, "docker:index/container:Container")) {
    const { failed } = await execa("docker", ["container", "inspect", id], { env, reject: false });
    if (failed) return true;
  }
  return false;
}

/** Removes the nodes' containers, so that the next update makes them anew; their volumes stay. */
export async function removeContainer(stack: Stack, env: EngineEnvironment): Promise<void> {
  for (const id of idsInState(stack, "docker:index/container:Container")) {
    await execa("docker", ["container", "rm", "--force", "--volumes", id], { env, reject: false });
  }
}
