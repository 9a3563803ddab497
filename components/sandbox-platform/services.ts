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

const isNeeded = ({ provisioner }: SandboxPlatformArgs): boolean =>
  provisioner?.sandboxUrls === SandboxUrls.ClusterIp;

/** The namespace's arguments. Without a number of its own, its quota has room for a Service of every pod beside all others. */
export function namespaceArgs(args: SandboxPlatformArgs): SandboxNamespaceArgs {
  const { namespace = {} } = args;
  if (!isNeeded(args) || namespace.quota?.services !== undefined) return namespace;
  const { quota } = withDefaults(namespace);
  return { ...namespace, quota: { ...namespace.quota, services: quota.pods + quota.services } };
}

/** Notes a quota of Services that ends before that of sandboxes does: the rest would be refused for no reason that is configured. */
export function checkServices(
  checks: Checks,
  args: SandboxPlatformArgs,
  { quota }: SandboxNamespaceSettings,
): void {
  if (!isNeeded(args)) return;
  const most = args.provisioner?.maxSandboxes ?? defaultMaxSandboxes;
  const [field, sandboxes] =
    most <= quota.pods ? ["provisioner.maxSandboxes", most] : ["namespace.quota.pods", quota.pods];
  const needed = sandboxes + failedServices + sharedServices;
  if (quota.services >= needed) return;
  checks.problem(
    `namespace.quota.services is ${quota.services}, but provisioner.sandboxUrls is ${SandboxUrls.ClusterIp}, so that each of up to ` +
      `${sandboxes} sandboxes (${field}) needs a Service, up to ${failedServices} failed ones keep theirs for a while, and the shared ` +
      `ones need one; raise it to ${needed}, or lower ${field}`,
  );
}
