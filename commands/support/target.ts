// Where a stack's platform goes (sandlot:target in its configuration), as far as commands have to know it before the
// program does.
import { UserError } from "@sandlot/toolchain/errors.js";
import { isMap, type Document } from "yaml";

import { configured } from "./configured.js";
import type { Stack } from "./stack-file.js";
import { didYouMean, type VariableName, type Variables } from "./variables.js";

const kinds = ["container", "existing", "render"] as const;

/** A cluster in one container of this machine, a cluster that is there already, or YAML files. */
export type TargetKind = (typeof kinds)[number];

/** The kind of place that the configuration names. @throws UserError for one that there is not. */
export function targetKind(document: Document): TargetKind {
  const target = document.getIn(["config", "sandlot:target"]);
  const given = isMap(target) ? (configured(document, "target", "kind") ?? "container") : "container";
  const kind = kinds.find((each) => each === given);
  if (kind !== undefined) return kind;
  const hint = typeof given === "string" ? didYouMean(given, kinds) : "";
  throw new UserError(
    `sandlot:target.kind is ${JSON.stringify(given)}; allowed: one of ${kinds.join(", ")}.${hint}`,
    "Correct the stack's file in stacks/.",
  );
}

/** Variables that are about the container and this machine. */
const containerVariables: readonly VariableName[] = [
  "NODE_IMAGE",
  "SKILLS_PATH",
  "API_PORT",
  "HTTP_PORT",
  "PROVISIONER_PORT",
  "FORCE",
  "ONLY",
  "VOLUMES",
];

/** @throws UserError for a variable that means nothing where there is no cluster in a container. */
export function refuseContainerVariables(document: Document, stack: Stack, given: Variables): void {
  const kind = targetKind(document);
  if (kind === "container") return;
  const useless = containerVariables.filter((name) => given[name] !== undefined);
  if (useless.length === 0) return;
  throw new UserError(
    `${useless.join(", ")}: only for a cluster in a container of this machine, and stack ${stack.name} has ` +
      `target.kind ${kind}.`,
    "Leave it out (SKILLS_PATH may stand in the environment as well).",
  );
}

/** @throws UserError where there is no cluster that could be asked. */
export function refuseRendered(document: Document, stack: Stack, command: string): void {
  if (targetKind(document) !== "render") return;
  throw new UserError(
    `Stack ${stack.name} has no cluster to look at: its target.kind is render.`,
    `\`make up STACK=${stack.name}\` writes its YAML files anew; compare them with git. For what runs in a cluster, ` +
      `run \`make ${command}\` with that cluster's stack.`,
  );
}
