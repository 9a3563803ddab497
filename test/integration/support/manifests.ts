// The objects that components make, as kubectl takes them: for tests that put one component alone onto a cluster.
import { execa } from "execa";

import { record } from "../../support/graph.js";
import { node } from "./cluster.js";

/** One object. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The Kubernetes objects that a program registers, in no order. */
export async function manifestsOf(program: () => unknown): Promise<Manifest[]> {
  const { resources } = await record(program);
  return resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ inputs }) => inputs as unknown as Manifest);
}

/** Makes or changes objects, namespaces first; a failure fails the test with kubectl's own words. */
export async function applyAll(items: readonly Manifest[]): Promise<void> {
  const homes = items.filter(({ kind }) => kind === "Namespace");
  const others = items.filter(({ kind }) => kind !== "Namespace");
  await execa("docker", ["exec", "-i", node, "kubectl", "apply", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items: [...homes, ...others] }),
  });
}

/** A namespace as a manifest. */
export function namespaceManifest(name: string): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
