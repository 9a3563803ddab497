// What NetworkPolicies have to say about a direction.
import { mayBeEmpty } from "./selectors";
import { at, listAt, unknown, type Value } from "./values";

/** A direction, as `policyTypes` names it. */
export type Direction = "Ingress" | "Egress";

/** Whether a policy may deny all traffic of all pods of its namespace in one direction. */
export function deniesAll(policy: Value, direction: Direction): boolean {
  const spec = at(policy, "spec");
  if (spec === unknown) return true;
  const types = at(spec, "policyTypes");
  const applies =
    types === unknown ||
    (Array.isArray(types) && types.some((type) => type === unknown || type === direction));
  const open = listAt(spec, direction.toLowerCase()).length > 0;
  return mayBeEmpty(at(spec, "podSelector")) && applies && !open;
}
