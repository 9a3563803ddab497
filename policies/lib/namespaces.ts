// The namespaces of a stack that hold sandboxes, and what is in them.
import type { ClusterObject, Finding } from "./rule";
import { at, fieldsAt, mayBe, textAt, type Value } from "./values";
import { areOfSandboxes, isSandbox } from "./workloads";

/** A namespace that holds sandboxes, or is made to hold them. */
export interface SandboxNamespace {
  readonly name: string;
  /** The Namespace if the stack makes it, else what makes sandboxes in it. */
  readonly urn: string;
}

/**
 * The namespaces that hold sandboxes: those with a workload of sandboxes, and those that say so by their labels. One whose name
 * is not known yet is left to the update.
 */
export function sandboxNamespaces(objects: readonly ClusterObject[]): SandboxNamespace[] {
  const made = new Map(
    objects
      .filter(({ kind }) => kind === "Namespace")
      .map((each) => [textAt(each.object, "metadata", "name"), each] as const),
  );
  const found = new Map<string, string>();
  for (const { urn, workload } of objects) {
    const name = workload?.namespace;
    if (workload === undefined || name === undefined || !isSandbox(workload)) continue;
    found.set(name, made.get(name)?.urn ?? found.get(name) ?? urn);
  }
  for (const [name, { urn, object }] of made) {
    const labels = Object.fromEntries(fieldsAt(object, "metadata", "labels"));
    if (name !== undefined && areOfSandboxes(labels)) found.set(name, urn);
  }
  return [...found].map(([name, urn]) => ({ name, urn }));
}

/** The Namespace objects that hold sandboxes. */
export function sandboxNamespaceObjects(objects: readonly ClusterObject[]): ClusterObject[] {
  const urns = new Set(sandboxNamespaces(objects).map(({ urn }) => urn));
  return objects.filter(({ kind, urn }) => kind === "Namespace" && urns.has(urn));
}

/** The namespaces with sandboxes for which no object of `kind` may be what `isRight` looks for. */
export function namespacesWithout(
  objects: readonly ClusterObject[],
  kind: string,
  isRight: (object: Value) => boolean,
  problem: string,
): Finding[] {
  const candidates = objects.filter((each) => each.kind === kind && isRight(each.object));
  return sandboxNamespaces(objects)
    .filter(({ name }) => !candidates.some(({ object }) => mayBe(at(object, "metadata", "namespace"), name)))
    .map(({ name, urn }) => ({ urn, message: `The namespace ${name} holds sandboxes and ${problem}` }));
}
