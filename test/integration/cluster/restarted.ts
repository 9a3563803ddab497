// What a client of the deployed provisioner is told while the node is away, about sandboxes that it has.
import { setTimeout as sleep } from "node:timers/promises";

import { ask, type Deployed } from "../provisioner/deployed.js";

/** How often each answer was given, by `what status`; `none` is no answer at all. */
export type Told = Readonly<Record<string, number>>;

export interface OwnedSandbox {
  readonly id: string;
  readonly url: string;
  readonly token: string;
  readonly state: string;
  readonly reason?: string;
}

/** Runs a command in a sandbox through the router: the answer's status, and what the command said. */
export async function runIn(
  { url, token }: OwnedSandbox,
  command: string,
): Promise<{ status: number; stdout: string | undefined }> {
  const headers = { "x-sandbox-token": token };
  const body = { command, hard_timeout: 20 };
  const answer = await ask<{ data?: { stdout: string } }>("POST", `${url}/v1/bash/exec`, headers, body);
  return { status: answer.status, stdout: answer.body.data?.stdout.trim() };
}

/** Asks for the sandboxes and in them, again and again, until it is stopped. */
export function asking(provisioner: Deployed, sandboxes: readonly OwnedSandbox[]): { stop(): Promise<Told> } {
  const told: Record<string, number> = {};
  let running = true;
  const loop = async (what: string, call: () => Promise<{ status: number }>): Promise<void> => {
    while (running) {
      // An answer that does not come belongs to a connection that was cut: what counts is what is said.
      const answer = call().then(
        ({ status }) => String(status),
        () => "none",
      );
      const key = `${what} ${await Promise.race([answer, sleep(3_000, "none")])}`;
      told[key] = (told[key] ?? 0) + 1;
      await sleep(200);
    }
  };
  const loops = sandboxes.flatMap((sandbox) => [
    loop("asked for", () => provisioner.call("GET", `/v1/sandboxes/${sandbox.id}`)),
    loop("run in", () => runIn(sandbox, "echo here")),
  ]);
  return {
    async stop() {
      running = false;
      await Promise.all(loops);
      return told;
    },
  };
}
