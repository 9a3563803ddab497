// What the last `make up` of a stack left behind: its outputs, and the kubeconfig in a file of its own.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";

import { defaultStack, type Stack } from "./stack-file.js";

/** Stack outputs, a public contract: `infra/index.ts` exports exactly these, and what is in {@link SecretOutputs}. */
export interface StackOutputs {
  /** The container with the cluster, if it is one of our own. */
  readonly nodeContainer?: string;
  /** The API server's address, if there is a cluster. */
  readonly apiServer?: string;
  /** The kubeconfig's context, if the cluster was there already. */
  readonly context?: string;
  /** The folder of YAML files, if there is no cluster. */
  readonly rendered?: string;
  readonly namespace?: string;
  readonly service?: string;
  /** The sandbox API's address on this machine, if it is published. */
  readonly endpoint?: string;
  /** The sandbox API's address inside the cluster. */
  readonly clusterEndpoint?: string;
  readonly sandboxImage?: string;
  readonly runtimeClass?: string;
  /** The provisioner's address on this machine, if it is published. */
  readonly provisionerEndpoint?: string;
  /** The provisioner's address inside the cluster. */
  readonly provisionerClusterEndpoint?: string;
  /** The provisioner's namespace. */
  readonly provisionerNamespace?: string;
}

/** Outputs that are secret. */
export interface SecretOutputs {
  /** Where there is a cluster. */
  readonly kubeconfig?: string;
  /** The provisioner's API key, where the stack knows it. It is written into no file: `make api-key` asks the engine for it. */
  readonly apiKey?: string;
}

export function kubeconfigPath(stack: Stack): string {
  return join(stack.dir, "kubeconfig");
}

/** The command that brings the stack up. */
export function upCommand({ name }: Stack): string {
  return name === defaultStack ? "make up" : `make up STACK=${name}`;
}

function outputsPath(stack: Stack): string {
  return join(stack.dir, "outputs.json");
}

/** The names of {@link SecretOutputs}. */
const secretOutputs: readonly string[] = ["kubeconfig", "apiKey"] satisfies (keyof SecretOutputs)[];

/** Keeps the outputs of a finished update; the kubeconfig is readable by its owner alone, and the API key is kept nowhere. */
export function saveOutputs(stack: Stack, outputs: StackOutputs & SecretOutputs): StackOutputs {
  const { kubeconfig } = outputs;
  const rest = Object.fromEntries(
    Object.entries(outputs).filter(([name]) => !secretOutputs.includes(name)),
  ) as StackOutputs;
  if (kubeconfig !== undefined) writeFileSync(kubeconfigPath(stack), kubeconfig, { mode: 0o600 });
  writeFileSync(outputsPath(stack), `${JSON.stringify(rest, null, 2)}\n`);
  return rest;
}

/** The outputs of the last update. @throws UserError when there was none. */
export function readOutputs(stack: Stack): StackOutputs {
  const path = outputsPath(stack);
  if (!existsSync(path)) {
    throw new UserError(`Stack ${stack.name} is not up.`, `Run: ${upCommand(stack)}`);
  }
  return JSON.parse(readFileSync(path, "utf8")) as StackOutputs;
}

/**
 * The container of the node that `which` names: 1 for the server's, else such as agent-1.
 * @throws UserError when the stack has none of its own.
 */
export function nodeOf({ name }: Stack, { nodeContainer }: StackOutputs, which = "1"): string {
  if (nodeContainer !== undefined) return which === "1" ? nodeContainer : `${nodeContainer}-${which}`;
  throw new UserError(
    `Stack ${name} has no node of its own: its cluster is not in a container of this machine.`,
    "Leave NODE out, or ask whoever runs that cluster.",
  );
}

/** The outputs, or undefined when the stack is not up. */
export function tryReadOutputs(stack: Stack): StackOutputs | undefined {
  return existsSync(outputsPath(stack)) ? readOutputs(stack) : undefined;
}
