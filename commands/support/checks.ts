// What must be so before `make up` touches anything: room, memory, free ports, the skills folder.
import { statSync } from "node:fs";

import { findEngine } from "@sandlot/toolchain/docker-engine/index.js";
import { UserError } from "@sandlot/toolchain/errors.js";
import { cacheRoot, pathFrom } from "@sandlot/toolchain/paths.js";
import {
  checkDisk,
  checkMemory,
  checkPorts,
  diskNeeds,
  memoryNeeds,
  requireAll,
} from "@sandlot/toolchain/prerequisites/index.js";
import type { Document } from "yaml";

import { configured } from "./configured.js";
import type { ComposedStack } from "./stack-file.js";
import { targetKind } from "./target.js";

const defaultApiPort = 6443;

/** The ports of this machine that the stack's node will publish. Values of a wrong kind are left to the program. */
export function publishedPorts(document: Document): number[] {
  const apiPort = configured(document, "cluster", "apiPort") ?? defaultApiPort;
  const ports: unknown[] = [apiPort, configured(document, "sandbox", "hostPort")];
  if (configured(document, "provisioner", "enabled") === true)
    ports.push(configured(document, "provisioner", "hostPort"));
  for (let index = 0; ; index++) {
    const host = configured(document, "cluster", "ports", String(index), "host");
    if (host === undefined) break;
    ports.push(host);
  }
  return ports.filter((port) => typeof port === "number" && port > 0 && port < 65_536) as number[];
}

/** @throws UserError with everything that stands in the way, and the way out of each. */
export async function checkBeforeUp({ stack, document }: ComposedStack): Promise<void> {
  if (targetKind(document) !== "container") {
    requireAll([await checkDisk(cacheRoot(), diskNeeds.run)]);
    return;
  }
  checkSkills(document);
  const docker = await findEngine();
  const portOptions = {
    host: "127.0.0.1",
    ownContainer: `sandlot-${stack.name}`,
    ...(docker === undefined ? {} : { docker }),
  };
  requireAll([
    await checkDisk(cacheRoot(), diskNeeds.run),
    checkMemory(memoryNeeds.run),
    ...(await checkPorts(publishedPorts(document), portOptions)),
  ]);
}

function checkSkills(document: Document): void {
  if (configured(document, "skills", "existingClaim") !== undefined) return;
  const configuredPath = configured(document, "skills", "hostPath") ?? "skills";
  if (typeof configuredPath !== "string") return;
  const path = pathFrom(configuredPath);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  throw new UserError(
    `The skills folder ${path} is ${found === undefined ? "missing" : "no folder"} (SKILLS_PATH, or skills.hostPath in the stack's file).`,
    "Make it, or name another: make up SKILLS_PATH=/path/to/skills",
  );
}
