// Bad arguments: one clear line each, that names field, value and what is allowed.
import type { EgressProfile, PortProtocol } from "@sandlot/components";
import {
  SandboxServiceType,
  TolerationOperator,
  type GvisorRuntimeArgs,
  type K3sClusterArgs,
  type NodeImageArgs,
  type SandboxDeploymentArgs,
  type SandboxNamespaceArgs,
} from "@sandlot/components";

import { resolve as resolveRuntime } from "../../../components/gvisor-runtime/resolve";
import { resolve as resolveCluster } from "../../../components/k3s-cluster/validate";
import { resolve as resolveImage } from "../../../components/node-image/args";
import { resolve as resolveDeployment } from "../../../components/sandbox-deployment/validate";
import { resolve as resolveNamespace } from "../../../components/sandbox-namespace/args";
import { refuses } from "../../support/refuses";

refuses<K3sClusterArgs>("K3sCluster", resolveCluster, { stack: "dev", owner: "/x" }, [
  [{ stack: "a b", containerName: "c" }, /stack is "a b"/],
  [{ owner: "" }, /owner is ""/],
  [{ containerName: "My_Cluster" }, /containerName is "My_Cluster", but must be .*lower-case/],
  [{ image: "rancher/k3s" }, /image is "rancher\/k3s".*tag other than latest/],
  [
    { imagePullPolicy: "Sometimes" as never },
    /imagePullPolicy is "Sometimes", but must be one of Always, IfNotPresent, Never/,
  ],
  [{ apiPort: 65536 }, /apiPort is 65536/],
  [{ bindAddress: "localhost" }, /bindAddress is "localhost", but must be an IP address/],
  [{ ports: [{ host: 6443, node: 30080 }] }, /ports\[0\]\.host is 6443, which apiPort already uses/],
  [
    {
      ports: [
        { host: 1, node: 2 },
        { host: 1, node: 3 },
      ],
    },
    /ports\[1\]\.host is 1, which ports\[0\] already uses/,
  ],
  [{ ports: [{ host: 8443, node: 6443 }] }, /ports\[0\]\.node is 6443, which is already published/],
  [{ ports: [{ host: 1, node: 2, protocol: "sctp" as PortProtocol }] }, /ports\[0\]\.protocol is "sctp"/],
  [{ environment: { "A-B": "c" } }, /environment is "A-B"/],
  [{ memory: 512 }, /memory is 512, but must be a number of MiB from 1024/],
  [{ cpus: 0 }, /cpus is 0, but must be a number of cores/],
  [{ tlsSans: ["a b"] }, /tlsSans\[0\] is "a b"/],
  [
    { registryMirrors: [{ registry: "https://docker.io", endpoints: ["https://m"] }] },
    /registryMirrors\[0\]\.registry/,
  ],
  [
    { registryMirrors: [{ registry: "docker.io", endpoints: [] }] },
    /registryMirrors\[0\]\.endpoints is empty/,
  ],
  [
    { registryMirrors: [{ registry: "*", endpoints: ["mirror"] }] },
    /endpoints\[0\] is "mirror", but must be a URL/,
  ],
  [{ imageArchives: ["images/a.tar"] }, /imageArchives\[0\] is "images\/a\.tar"/],
  [{ imageArchives: ["/a/x.tar", "/b/x.tar"] }, /imageArchives\[1\].*same file name/],
  [
    { mounts: [{ source: "skills", target: "/skills" }] },
    /mounts\[0\]\.source is "skills", but must be an absolute path/,
  ],
  [
    { mounts: [{ source: "/skills", target: "/var/lib/rancher/k3s/server" }] },
    /mounts\[0\]\.target.*does not need itself/,
  ],
  [{ mounts: [{ source: "/", target: "/var/lib" }] }, /mounts\[0\]\.target/],
  [
    {
      mounts: [
        { source: "/a", target: "/x" },
        { source: "/b", target: "/x" },
      ],
    },
    /mounts\[1\]\.target is \/x, where another mount/,
  ],
  [{ podPidsLimit: 1 }, /podPidsLimit is 1, but must be a number of processes from 64/],
  [{ disable: ["Traefik"] }, /disable\[0\] is "Traefik"/],
  [{ extraServerArgs: ["debug"] }, /extraServerArgs\[0\] is "debug", but must be a flag/],
  [{ extraServerArgs: ["--tls-san=x"] }, /use tlsSans instead/],
  [{ extraServerArgs: ["--kubelet-arg=pod-max-pids=9"] }, /use podPidsLimit instead/],
  [{ readyTimeoutSeconds: 0 }, /readyTimeoutSeconds is 0/],
  [{ clusterIdentifier: "" }, /clusterIdentifier is ""/],
]);

const image: NodeImageArgs = { image: "sandbox:1", containerName: "sandlot-dev", containerId: "0123" };
refuses<NodeImageArgs>("NodeImage", resolveImage, image, [
  [{ image: "sandbox" }, /image is "sandbox"/],
  [{ image: `sandbox@sha256:${"0".repeat(64)}` }, /a tagged reference/],
  [{ image: "sandbox:1; reboot" }, /image is/],
  [{ containerName: "a b" }, /containerName is "a b"/],
  [{ buildCommand: "  " }, /buildCommand is " {2}", but must be a shell command/],
]);

refuses<SandboxNamespaceArgs>("SandboxNamespace", resolveNamespace, {}, [
  [{ name: "default" }, /name is "default", but must be a namespace of its own/],
  [{ name: "kube-system" }, /kube-/],
  [{ name: "Sandlot" }, /name is "Sandlot"/],
  [{ podSecurityVersion: "1.34" }, /podSecurityVersion is "1\.34", but must be latest or v1/],
  [
    { labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
    /labels .*pod-security\.kubernetes\.io\/enforce/,
  ],
  [{ labels: { "a b": "c" } }, /no label key/],
  [{ quota: { pods: -1 } }, /quota\.pods is -1/],
  [{ quota: { limitsMemory: "64GB" } }, /quota\.limitsMemory is "64GB", but must be a Kubernetes quantity/],
  [
    { limits: { maximum: { cpu: "500m" } } },
    /limits\.defaultLimits\.cpu is "1", but limits\.maximum\.cpu is "500m"/,
  ],
  [
    { limits: { defaultRequests: { memory: "2Gi" } } },
    /limits\.defaultRequests\.memory is "2Gi", but limits\.defaultLimits\.memory is "1Gi"/,
  ],
]);

refuses<GvisorRuntimeArgs>("GvisorRuntime", resolveRuntime, {}, [
  [{ runtimeClassName: "gVisor" }, /runtimeClassName is "gVisor"/],
  [{ handler: "run sc" }, /handler is "run sc"/],
  [{ overhead: { memory: "64MB" } }, /overhead\.memory is "64MB"/],
  [{ nodeSelector: { a: "b c" } }, /nodeSelector is/],
  [{ tolerations: [{ key: "" }] }, /tolerations\[0\]\.key is ""/],
  [
    { tolerations: [{ key: "a", operator: TolerationOperator.Exists, value: "b" }] },
    /operator Exists compares none/,
  ],
]);

const deployment: SandboxDeploymentArgs = {
  namespace: "sandlot",
  image: "sandbox:1",
  serviceAccountName: "sandbox",
};
refuses<SandboxDeploymentArgs>("SandboxDeployment", resolveDeployment, deployment, [
  [{ image: "sandbox:latest" }, /image is "sandbox:latest"/],
  [{ name: "Sandbox" }, /name is "Sandbox"/],
  [{ imagePullPolicy: "always" as never }, /imagePullPolicy is "always"/],
  [{ imagePullSecrets: ["A"] }, /imagePullSecrets\[0\] is "A"/],
  [{ replicas: -1 }, /replicas is -1, but must be a whole number from 0 to 1000/],
  [{ replicas: 1.5 }, /replicas is 1\.5/],
  [{ revisionHistoryLimit: 101 }, /revisionHistoryLimit is 101/],
  [{ egress: "all" as EgressProfile }, /egress is "all", but must be one of blocked, allowlist, open/],
  [
    { resources: { limits: { memory: "64Mi" } } },
    /resources\.requests\.memory is "128Mi", but resources\.limits\.memory is "64Mi"/,
  ],
  [{ resources: { requests: { cpu: "lots" } } }, /resources\.requests\.cpu is "lots"/],
  [
    { writable: { home: "2Gi" } },
    /writable\.home is "2Gi", but resources\.limits\.ephemeralStorage is "1Gi"/,
  ],
  [{ writable: { tmp: "x" } }, /writable\.tmp is "x"/],
  [{ env: [{ name: "A-B", value: "c" }] }, /env\[0\]\.name is "A-B"/],
  [
    { env: [{ name: "HOME", value: "/" }] },
    /env\[0\]\.name is "HOME", but must be a name that is not reserved/,
  ],
  [{ env: [{ name: "KUBERNETES_PORT", value: "" }] }, /not reserved/],
  [
    {
      env: [
        { name: "A", value: "1" },
        { name: "A", value: "2" },
      ],
    },
    /env\[1\]\.name is "A", which an earlier entry sets/,
  ],
  [{ env: [{ name: "A", value: "\0" }] }, /env\[0\]\.value contains a NUL/],
  [{ probes: { path: "v1/sandbox" } }, /probes\.path is "v1\/sandbox"/],
  [{ probes: { startup: { periodSeconds: 0 } } }, /probes\.startup\.periodSeconds is 0/],
  [{ probes: { liveness: { failureThreshold: 1.5 } } }, /probes\.liveness\.failureThreshold is 1\.5/],
  [{ service: { type: "LoadBalancer" as SandboxServiceType } }, /service\.type is "LoadBalancer"/],
  [
    { service: { type: SandboxServiceType.NodePort, nodePort: 80 } },
    /service\.nodePort is 80, but must be a port from 30000/,
  ],
  [{ service: { nodePort: 30080 } }, /service\.nodePort is 30080, but service\.type is ClusterIP/],
  [{ service: { clientAffinitySeconds: 86401 } }, /clientAffinitySeconds is 86401/],
  [{ disruption: {} }, /neither minAvailable nor maxUnavailable; give exactly one/],
  [{ disruption: { minAvailable: "1", maxUnavailable: "1" } }, /both minAvailable and maxUnavailable/],
  [
    { disruption: { minAvailable: "2" } },
    /minAvailable is "2" with 2 replicas, so that no node could ever be drained/,
  ],
  [{ disruption: { minAvailable: "100%" } }, /no node could ever be drained/],
  [{ disruption: { maxUnavailable: "0" } }, /maxUnavailable is "0", so that no node/],
  [{ disruption: { maxUnavailable: "half" } }, /maxUnavailable is "half"/],
  [{ terminationGracePeriodSeconds: -1 }, /terminationGracePeriodSeconds is -1/],
]);
