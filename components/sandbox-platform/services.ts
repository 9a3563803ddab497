// Room in the namespace's quota for the Services of sandboxes, where each has one.
import { SandboxUrls } from "../provisioner/args";
import { defaultMaxSandboxes } from "../provisioner/resolve";
import {
  withDefaults,
  type SandboxNamespaceArgs,
  type SandboxNamespaceSettings,
} from "../sandbox-namespace/args";
import type { Checks } from "../shared/checks";
import type { SandboxPlatformArgs } from "./args";

/** The shared sandboxes have one Service. */
const sharedServices = 1;
/** Failed sandboxes that stay to be seen keep theirs: so many, of all tenants (provisioner/src/model/timeouts.ts). */
const failedServices = 10;

/** The bounds of the quota that so many sandboxes with a Service each must fit in. */
const boundsOf = ({ provisioner }: SandboxPlatformArgs): ("services" | "nodePorts")[] => {
  switch (provisioner?.sandboxUrls) {
    case SandboxUrls.ClusterIp:
      return ["services"];
    case SandboxUrls.NodePort:
      return ["services", "nodePorts"];
    default:
      return [];
  }
};

const needed = (sandboxes: number): number => sandboxes + failedServices + sharedServices;

/** The namespace's arguments. Without numbers of its own, its quota has room for a Service of every pod beside all others. */
export function namespaceArgs(args: SandboxPlatformArgs): SandboxNamespaceArgs {
  const { namespace = {} } = args;
  const { pods, services, nodePorts } = withDefaults(namespace).quota;
  const room = { services: pods + services, nodePorts: Math.max(needed(pods), nodePorts) };
  const widened = boundsOf(args).filter((bound) => namespace.quota?.[bound] === undefined);
  if (widened.length === 0) return namespace;
  return {
    ...namespace,
    quota: { ...namespace.quota, ...Object.fromEntries(widened.map((bound) => [bound, room[bound]])) },
  };
}

/** Notes a quota of Services that ends before that of sandboxes does: the rest would be refused for no reason that is configured. */
export function checkServices(
  checks: Checks,
  args: SandboxPlatformArgs,
  { quota }: SandboxNamespaceSettings,
): void {
  const { maxSandboxes: most = defaultMaxSandboxes, sandboxUrls } = args.provisioner ?? {};
  const [field, sandboxes] =
    most <= quota.pods ? ["provisioner.maxSandboxes", most] : ["namespace.quota.pods", quota.pods];
  for (const bound of boundsOf(args)) {
    if (quota[bound] >= needed(sandboxes)) continue;
    checks.problem(
      `namespace.quota.${bound} is ${quota[bound]}, but provisioner.sandboxUrls is ${sandboxUrls ?? ""}, so that each of up to ` +
        `${sandboxes} sandboxes (${field}) needs a Service, up to ${failedServices} failed ones keep theirs for a while, and the shared ` +
        `ones need one; raise it to ${needed(sandboxes)}, or lower ${field}`,
    );
  }
}
