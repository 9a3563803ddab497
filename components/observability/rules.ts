// The alerts as Prometheus reads them, for the parts that a stack has.
import type { Alert } from "./alert";
import { sandboxAlerts } from "./sandbox-alerts";
import { egressProxyAlerts } from "./egress-proxy-alerts";
import { provisionerAlerts } from "./provisioner-alerts";

/** Which parts there are. */
export interface WatchedParts {
  /** The Deployment of shared sandboxes: without a pod of it, there are no metrics of sandboxes, and nothing is wrong. */
  readonly sharedSandboxes: boolean;
  readonly provisioner: boolean;
  readonly egressProxy: boolean;
}

/** The alerts by the name of their group. */
function groupsOf({
  sharedSandboxes,
  provisioner,
  egressProxy,
}: WatchedParts): Record<string, readonly Alert[]> {
  return {
    ...(sharedSandboxes ? { "sandlot-sandboxes": sandboxAlerts } : {}),
    ...(provisioner ? { "sandlot-provisioner": provisionerAlerts } : {}),
    ...(egressProxy ? { "sandlot-egress-proxy": egressProxyAlerts } : {}),
  };
}

/** Every alert of the given parts. */
export function alertsOf(parts: WatchedParts): Alert[] {
  return Object.values(groupsOf(parts)).flat();
}

/** The page of an alert, as a path in this repository. */
export const runbookPath = (alert: string): string => `docs/runbooks/${alert}.md`;

/** The rules as Prometheus reads them from a file, and as `PrometheusRule` has them in its spec. */
export function ruleGroups(parts: WatchedParts, runbookUrl?: string) {
  const runbook = (name: string) =>
    runbookUrl === undefined ? { runbook: runbookPath(name) } : { runbook_url: `${runbookUrl}/${name}.md` };
  return {
    groups: Object.entries(groupsOf(parts)).map(([group, alerts]) => ({
      name: group,
      rules: alerts.map(({ name, expr, after, severity, summary }) => ({
        alert: name,
        expr,
        for: after,
        labels: { severity },
        annotations: { summary, ...runbook(name) },
      })),
    })),
  };
}
