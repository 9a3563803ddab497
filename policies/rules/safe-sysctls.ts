// Kernel settings that are the pod's own, and no other's.
import { podRule } from "../lib/rule";
import { listAt, textAt } from "../lib/values";

const safe = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
];

export const safeSysctls = podRule(
  {
    name: "safe-sysctls",
    group: "Pod Security",
    description: "Pods set only those kernel settings that reach no other pod.",
    severity: "high",
    remediationSteps: `Remove it; allowed: ${safe.join(", ")}`,
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  ({ spec }) =>
    listAt(spec, "securityContext", "sysctls")
      // Both spellings are the kernel's.
      .map((sysctl) => textAt(sysctl, "name")?.replaceAll("/", "."))
      .filter((name): name is string => name !== undefined && !safe.includes(name))
      .map((name) => `The pod sets ${name}`),
);
