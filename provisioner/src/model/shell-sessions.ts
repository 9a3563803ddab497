// How many shell sessions a sandbox's server keeps at once: a gateway that runs several agents in one sandbox needs one for each.
import type { Environment } from "./environment.js";
import type { SandboxServer } from "./pod.js";

/** How each server is told, and how many it keeps if it is not: sandboxd/internal/config, and what DeerFlow knows of AIO's. */
const servers = {
  sandboxd: { variable: "SANDBOXD_MAX_SESSIONS", byItself: 32 },
  aio: { variable: "MAX_SHELL_SESSIONS", byItself: 10 },
} as const;

/** The most that may be asked for. Each is a process of its own. */
export const mostShellSessions = 256;

/** What any server keeps at least, for pods from before it was noted on them. */
export const leastShellSessions = 10;

/** How many a sandbox of this environment keeps. What its image says of that is not known here. */
export function shellSessionsOf({ env }: Pick<Environment, "env">, server: SandboxServer): number {
  const { variable, byItself } = servers[server];
  const told = Number(env[variable]);
  return Number.isInteger(told) && told > 0 ? told : byItself;
}

/** The environment, but with a server that keeps as many as are wanted; the same one if that does. */
export function withShellSessions(
  environment: Environment,
  wanted: number | undefined,
  server: SandboxServer,
): Environment {
  if (wanted === undefined || wanted <= shellSessionsOf(environment, server)) return environment;
  return { ...environment, env: { ...environment.env, [servers[server].variable]: String(wanted) } };
}
