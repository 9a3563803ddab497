// What the components offer: the classes, their arguments, and the checks that a program can make before it registers anything.
export { EgressProxy } from "./egress-proxy";
export type { EgressProxyArgs, EgressProxyOptions } from "./egress-proxy/args";
export { GvisorRuntime } from "./gvisor-runtime";
export {
  ContainerdLayout,
  GvisorMode,
  GvisorPlatform,
  NodeArchitecture,
  TaintEffect,
  TolerationOperator,
} from "./gvisor-runtime/args";
export type {
  GvisorCheck,
  GvisorChecksums,
  GvisorInstall,
  GvisorRuntimeArgs,
  GvisorRuntimeOptions,
  NodeContainerd,
  PodOverhead,
  SandboxToleration,
} from "./gvisor-runtime/args";
export { ImageScan } from "./image-scan";
export { VulnerabilitySeverity } from "./image-scan/args";
export type { AcceptedVulnerability, ImageScanArgs, ImageScanOptions } from "./image-scan/args";
export { K3sCluster } from "./k3s-cluster";
export type { NodeContainer } from "./k3s-cluster/agents";
export { ImagePullPolicy, PortProtocol } from "./k3s-cluster/args";
export type { K3sClusterArgs, NodeMount, PublishedPort, RegistryMirror } from "./k3s-cluster/args";
export { resolve as validateK3sClusterArgs } from "./k3s-cluster/validate";
export { NodeImage } from "./node-image";
export type { ImageReceiver, NodeImageArgs } from "./node-image/args";
export { Observability } from "./observability";
export { alertsOf } from "./observability/rules";
export type { MetricsScraper, ObservabilityArgs, ObservabilityOptions } from "./observability/args";
export { Provisioner } from "./provisioner";
export { SandboxUrls } from "./provisioner/args";
export type {
  ApiServerPeer,
  ClustersPeer,
  ProvisionerArgs,
  ProvisionerKey,
  ProvisionerMetrics,
  ProvisionerOptions,
  ProvisionerServiceOptions,
  ProvisionerTenant,
  ProvisionerTimeouts,
  TenantQuota,
} from "./provisioner/args";
export type { CollectorPeer, TracingOptions } from "./provisioner/tracing";
export { SandboxDeployment } from "./sandbox-deployment";
export { ExternalTrafficPolicy, SandboxPullPolicy, SandboxServiceType } from "./sandbox-deployment/args";
export type { PodMetric, SandboxAutoscaling } from "./sandbox-deployment/autoscaling";
export type { KeyReference, SandboxVariable } from "./sandbox-deployment/environment";
export { AntiAffinity, NodeOperator } from "./sandbox-deployment/placement";
export type {
  NodePreference,
  NodeRequirement,
  PodProximity,
  SandboxPlacement,
  TopologySpread,
} from "./sandbox-deployment/placement";
export type { SandboxRollout, SandboxShutdown } from "./sandbox-deployment/rollout";
export type {
  ClaimVolume,
  EmptyFolder,
  FilesOf,
  ProjectedFiles,
  SandboxVolume,
} from "./sandbox-deployment/volumes";
export type {
  ComputeAmounts,
  EnvironmentVariable,
  ProbeTiming,
  StartupProbe,
  SandboxDeploymentArgs,
  SandboxDeploymentOptions,
  SandboxDisruption,
  SandboxProbes,
  SandboxResources,
  SandboxServiceOptions,
  SandboxWritable,
} from "./sandbox-deployment/args";
export { SandboxEnvironment } from "./sandbox-environment";
export type {
  EnvironmentBuild,
  EnvironmentNode,
  EnvironmentRegistry,
  PoolAutoscaling,
  RegistryCredentials,
  SandboxEnvironmentArgs,
  SandboxEnvironmentOptions,
  SecretVariable,
} from "./sandbox-environment/args";
export { SandboxNamespace } from "./sandbox-namespace";
export { PreemptionPolicy } from "./sandbox-namespace/args";
export type {
  NamespaceLimits,
  NamespacePriority,
  NamespaceQuota,
  ResourceAmounts,
  SandboxNamespaceArgs,
} from "./sandbox-namespace/args";
export { SandboxNetworkPolicies } from "./sandbox-network-policies";
export { EgressProtocol } from "./sandbox-network-policies/args";
export type {
  AllowedPort,
  AllowedRange,
  DnsPeer,
  IngressPeer,
  SandboxNetworkOptions,
  SandboxNetworkPoliciesArgs,
} from "./sandbox-network-policies/args";
export {
  EgressProfile,
  egressProfiles,
  metadataAddresses,
  shutRanges,
} from "./sandbox-network-policies/profiles";
export type { ProfileReach, ShutRange } from "./sandbox-network-policies/profiles";
export { SandboxPlatform } from "./sandbox-platform";
export type { SandboxPlatformArgs } from "./sandbox-platform/args";
export { resolve as validateSandboxPlatformArgs } from "./sandbox-platform/resolve";
export { SandboxRbac } from "./sandbox-rbac";
export type { AccessRule, NamespaceAccount, SandboxRbacArgs, SandboxRbacOptions } from "./sandbox-rbac/args";
export { ArgumentError } from "./shared/checks";
export { CLIENT_LABEL, EGRESS_LABEL, OWNER_LABEL, sandboxSelector, STACK_LABEL } from "./shared/labels";
export { VolumeAccessMode } from "./shared/volume/args";
export type { CsiVolume, NfsExport, VolumeNames } from "./shared/volume/args";
export { SkillsStorage } from "./skills-storage";
export { SkillsSource } from "./skills-storage/args";
export type { SkillsStorageArgs, SkillsStorageOptions } from "./skills-storage/args";
export { UserDataRetention } from "./user-data-retention";
export type { UserDataRetentionArgs, UserDataRetentionOptions } from "./user-data-retention/args";
export { UserDataStorage } from "./user-data-storage";
export { UserDataSource } from "./user-data-storage/args";
export type { UserDataStorageArgs, UserDataStorageOptions } from "./user-data-storage/args";
