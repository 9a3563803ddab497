// What a Role or ClusterRole lets its holders do.
import { at, listAt, unknown, type Value } from "./values";

/** One rule of a role; what is not known yet is left out. */
export interface Grant {
  /** Where it is, for messages. */
  readonly label: string;
  readonly verbs: readonly string[];
  readonly groups: readonly string[];
  readonly resources: readonly string[];
  /** Paths of the API server that are no resources, such as `/healthz`. */
  readonly urls: readonly string[];
  /** Whether it is limited to objects by name. */
  readonly isNamed: boolean;
}

/** The kinds that grants are written in. */
export const roleKinds: readonly string[] = ["Role", "ClusterRole"];

/** The kinds that hand a role to somebody. */
export const bindingKinds: readonly string[] = ["RoleBinding", "ClusterRoleBinding"];

/** All rules of a role. */
export function grantsOf(role: Value): Grant[] {
  return listAt(role, "rules").map((rule, i) => ({
    label: `rules[${i}]`,
    verbs: textsAt(rule, "verbs"),
    groups: textsAt(rule, "apiGroups"),
    resources: textsAt(rule, "resources"),
    urls: textsAt(rule, "nonResourceURLs"),
    isNamed: at(rule, "resourceNames") === unknown || listAt(rule, "resourceNames").length > 0,
  }));
}

function textsAt(rule: Value, field: string): string[] {
  return listAt(rule, field).filter((value) => typeof value === "string");
}
