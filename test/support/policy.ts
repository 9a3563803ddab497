// Calls policies directly, without an engine: with hand-made resources, known or as unknown as a preview has them.
import * as policy from "@pulumi/policy";
import type { Policies, PolicyResource, ResourceValidationArgs, StackValidationArgs } from "@pulumi/policy";

// Exported since 1.21, but left out of the package's type declarations.
const { unknownCheckingProxy } = policy as unknown as { unknownCheckingProxy: <T>(value: T) => T };

/** What an unknown text is in a preview: reading it throws. */
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A resource, as a test writes it. */
export interface Resource {
  readonly type: string;
  readonly name?: string;
  readonly props: Record<string, unknown>;
  /** Whether Pulumi refuses to delete it. */
  readonly protect?: boolean;
}

/** A violation: the message and the resource. */
export interface Violation {
  readonly message: string;
  readonly urn: string | undefined;
}

/** The URN that a resource has in these tests. */
export function urnOf({ type, name = "resource" }: Resource): string {
  return `urn:pulumi:test::sandlot::${type}::${name}`;
}

/** What `rule` finds in `resources`, taken one by one or all together as the rule wants it. */
export async function violations(
  rule: Policies[number],
  resources: readonly Resource[],
  config: object = {},
): Promise<Violation[]> {
  const found: Violation[] = [];
  const given = resources.map((resource) => ({
    type: resource.type,
    name: resource.name ?? "resource",
    urn: urnOf(resource),
    props: unknownCheckingProxy(resource.props),
    opts: { protect: resource.protect ?? false },
    getConfig: () => config,
  }));
  if ("validateStack" in rule) {
    const all = given as unknown as PolicyResource[];
    await rule.validateStack(
      { resources: all, getConfig: () => config } as unknown as StackValidationArgs,
      (message, urn) => void found.push({ message, urn }),
    );
    return found;
  }
  const checks = [rule.validateResource ?? []].flat();
  for (const each of given) {
    const report = (message: string): void => void found.push({ message, urn: each.urn });
    for (const check of checks) await check(each as unknown as ResourceValidationArgs, report);
  }
  return found;
}
