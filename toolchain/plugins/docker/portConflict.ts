// Says in plain words why a container did not start: above all, which port is taken and by whom.
import type { Engine } from "./engine.js";

interface ContainerSummary {
  Names?: string[];
  Ports?: { PublicPort?: number; Type?: string }[];
}

/** A port of the host that something else has. */
export interface TakenPort {
  port: number;
  protocol: string | undefined;
}

/**
 * The port that Docker's message is about, in the words of its own allocator, of its proxy, and of the kernel
 * (libnetwork/portallocator, cmd/docker-proxy).
 */
export function takenPort(message: string): TakenPort | undefined {
  const allocated = /Bind for \S*:(\d+) failed: port is already allocated/.exec(message);
  if (allocated !== null) return { port: Number(allocated[1]), protocol: undefined };
  const inUse =
    /listen (tcp|udp|sctp)\d? \S*?:(\d+): bind: address already in use/.exec(message) ??
    /failed to bind host port for \S*?:(\d+)\S*?\/(tcp|udp|sctp)?/.exec(message) ??
    /failed to bind host port \S*?:(\d+)\/(tcp|udp|sctp)/.exec(message);
  if (inUse === null) return undefined;
  const [port, protocol] = /^\d+$/.test(inUse[1] ?? "") ? [inUse[1], inUse[2]] : [inUse[2], inUse[1]];
  return { port: Number(port), protocol };
}

/** The error to give for a container that Docker could not start. */
export async function explainStartFailure(engine: Engine, name: string, error: unknown): Promise<Error> {
  const message = error instanceof Error ? error.message : String(error);
  const taken = takenPort(message);
  if (taken === undefined)
    return new Error(`The container ${name} cannot be started: ${message}`, { cause: error });
  const { port, protocol = "tcp" } = taken;
  const owner = await containerWithPort(engine, port);
  const who = owner === undefined ? "another program of this machine" : `the container ${owner}`;
  const look = owner === undefined ? `\`ss -lnp\` shows which` : `docker rm -f ${owner} removes it`;
  return new Error(
    `The container ${name} cannot be started: port ${port}/${protocol} of the host is taken by ${who} (${look}). ` +
      "Free the port, or choose another in ports[].external",
    { cause: error },
  );
}

async function containerWithPort(engine: Engine, port: number): Promise<string | undefined> {
  const running = await engine.json<ContainerSummary[]>("GET", "/containers/json");
  const owner = running.find(({ Ports }) => Ports?.some(({ PublicPort }) => PublicPort === port));
  return owner?.Names?.[0]?.replace(/^\//, "");
}
