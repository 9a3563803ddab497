// Every rule of the pack, one file each.
import type { Policies } from "@pulumi/policy";

import { apparmorProfile } from "./rules/apparmor-profile";
import { boundedTermination } from "./rules/bounded-termination";
import { clusterIdentifier } from "./rules/cluster-identifier";
import { defaultDenyEgress } from "./rules/default-deny-egress";
import { defaultDenyIngress } from "./rules/default-deny-ingress";
import { defaultProcMount } from "./rules/default-proc-mount";
import { disruptionBudgetRequired } from "./rules/disruption-budget-required";
import { droppedCapabilities } from "./rules/dropped-capabilities";
import { ephemeralVolumeLimits } from "./rules/ephemeral-volume-limits";
import { hostPathVolumes } from "./rules/host-path-volumes";
import { imageDigests } from "./rules/image-digests";
import { limitRangeRequired } from "./rules/limit-range-required";
import { minimumReplicas } from "./rules/minimum-replicas";
import { noClusterAdmin } from "./rules/no-cluster-admin";
import { noEscalationVerbs } from "./rules/no-escalation-verbs";
import { noExecOrSecrets } from "./rules/no-exec-or-secrets";
import { noExternalAddresses } from "./rules/no-external-addresses";
import { noExternalNames } from "./rules/no-external-names";
import { noHiddenObjects } from "./rules/no-hidden-objects";
import { noHostNamespaces } from "./rules/no-host-namespaces";
import { noHostPorts } from "./rules/no-host-ports";
import { noHostProcess } from "./rules/no-host-process";
import { noPrivateEgress } from "./rules/no-private-egress";
import { noPrivilegeEscalation } from "./rules/no-privilege-escalation";
import { noPrivilegedContainers } from "./rules/no-privileged-containers";
import { noProbeHosts } from "./rules/no-probe-hosts";
import { noRolesForSandboxes } from "./rules/no-roles-for-sandboxes";
import { noSecretsInEnvironment } from "./rules/no-secrets-in-environment";
import { noServiceAccountToken } from "./rules/no-service-account-token";
import { noWildcardRoles } from "./rules/no-wildcard-roles";
import { nonRootUser } from "./rules/non-root-user";
import { pinnedImages } from "./rules/pinned-images";
import { pinnedPodSecurityVersion } from "./rules/pinned-pod-security-version";
import { probesRequired } from "./rules/probes-required";
import { protectedObjects } from "./rules/protected-objects";
import { readOnlyRootFileSystem } from "./rules/read-only-root-file-system";
import { resourceLimitsRequired } from "./rules/resource-limits-required";
import { resourceQuotaRequired } from "./rules/resource-quota-required";
import { restrictedNamespaces } from "./rules/restricted-namespaces";
import { restrictedVolumeTypes } from "./rules/restricted-volume-types";
import { runAsNonRoot } from "./rules/run-as-non-root";
import { runtimeClassRequired } from "./rules/runtime-class-required";
import { safeSysctls } from "./rules/safe-sysctls";
import { seccompProfile } from "./rules/seccomp-profile";
import { selinuxOptions } from "./rules/selinux-options";
import { serviceTypes } from "./rules/service-types";
import { topologySpreadRequired } from "./rules/topology-spread-required";

export const rules: Policies = [
  apparmorProfile,
  boundedTermination,
  clusterIdentifier,
  defaultDenyEgress,
  defaultDenyIngress,
  defaultProcMount,
  disruptionBudgetRequired,
  droppedCapabilities,
  ephemeralVolumeLimits,
  hostPathVolumes,
  imageDigests,
  limitRangeRequired,
  minimumReplicas,
  noClusterAdmin,
  noEscalationVerbs,
  noExecOrSecrets,
  noExternalAddresses,
  noExternalNames,
  noHiddenObjects,
  noHostNamespaces,
  noHostPorts,
  noHostProcess,
  noPrivateEgress,
  noPrivilegeEscalation,
  noPrivilegedContainers,
  noProbeHosts,
  noRolesForSandboxes,
  noSecretsInEnvironment,
  noServiceAccountToken,
  noWildcardRoles,
  nonRootUser,
  pinnedImages,
  pinnedPodSecurityVersion,
  probesRequired,
  protectedObjects,
  readOnlyRootFileSystem,
  resourceLimitsRequired,
  resourceQuotaRequired,
  restrictedNamespaces,
  restrictedVolumeTypes,
  runAsNonRoot,
  runtimeClassRequired,
  safeSysctls,
  seccompProfile,
  selinuxOptions,
  serviceTypes,
  topologySpreadRequired,
];
