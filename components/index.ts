// What the components offer: the classes, their arguments, and the checks that a program can make before it registers anything.
export { GvisorRuntime } from "./gvisor-runtime";
export { TaintEffect, TolerationOperator } from "./gvisor-runtime/args";
export type { GvisorRuntimeArgs, PodOverhead, SandboxToleration } from "./gvisor-runtime/args";
export { K3sCluster } from "./k3s-cluster";
export { ImagePullPolicy, PortProtocol } from "./k3s-cluster/args";
export type { K3sClusterArgs, NodeMount, PublishedPort, RegistryMirror } from "./k3s-cluster/args";
export { resolve as validateK3sClusterArgs } from "./k3s-cluster/validate";
export { NodeImage } from "./node-image";
export type { NodeImageArgs } from "./node-image/args";
export { SandboxDeployment } from "./sandbox-deployment";
export { SandboxPullPolicy, SandboxServiceType } from "./sandbox-deployment/args";
export type {
  ComputeAmounts,
  EnvironmentVariable,
  ProbeTiming,
  SandboxDeploymentArgs,
  SandboxDeploymentOptions,
  SandboxDisruption,
  SandboxProbes,
  SandboxResources,
  SandboxServiceOptions,
  SandboxWritable,
} from "./sandbox-deployment/args";
export { SandboxNamespace } from "./sandbox-namespace";
export type {
  NamespaceLimits,
  NamespaceQuota,
  ResourceAmounts,
  SandboxNamespaceArgs,
} from "./sandbox-namespace/args";
export { SandboxNetworkPolicies } from "./sandbox-network-policies";
export type {
  DnsPeer,
  IngressPeer,
  SandboxNetworkOptions,
  SandboxNetworkPoliciesArgs,
} from "./sandbox-network-policies/args";
export { EgressProfile, egressProfiles, shutRanges } from "./sandbox-network-policies/profiles";
export type { ProfileReach, ShutRange } from "./sandbox-network-policies/profiles";
export { SandboxPlatform } from "./sandbox-platform";
export type { SandboxPlatformArgs } from "./sandbox-platform/args";
export { resolve as validateSandboxPlatformArgs } from "./sandbox-platform/resolve";
export { SandboxRbac } from "./sandbox-rbac";
export type { SandboxRbacArgs, SandboxRbacOptions } from "./sandbox-rbac/args";
export { ArgumentError } from "./shared/checks";
export { CLIENT_LABEL, EGRESS_LABEL, OWNER_LABEL, sandboxSelector, STACK_LABEL } from "./shared/labels";
export { SkillsStorage } from "./skills-storage";
export { SkillsSource } from "./skills-storage/args";
export type { SkillsStorageArgs, SkillsStorageOptions } from "./skills-storage/args";
