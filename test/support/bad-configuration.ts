// Wrong stack configuration, one mistake a row: what is written, and what the error must say of it.

/** A row: the key and value written under `config:`, and the texts that the one error must contain. */
export interface BadInput {
  readonly title: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly says: readonly string[];
}

const row = (title: string, config: Record<string, unknown>, ...says: string[]): BadInput => ({
  title,
  config,
  says,
});

export const badConfiguration: readonly BadInput[] = [
  row("unknown section", { clutser: {} }, "sandlot:clutser is not a setting", "Did you mean cluster?"),
  row(
    "unknown setting",
    { cluster: { apiport: 6443 } },
    "sandlot:cluster.apiport is not a setting",
    "Did you mean apiPort?",
  ),
  row(
    "path as one key",
    { "sandbox.replicas": 3 },
    "sandlot:sandbox.replicas is not a setting",
    "Write replicas in a line of its own below sandbox.",
  ),
  row(
    "section of a wrong kind",
    { cluster: "k3s" },
    'sandlot:cluster is "k3s"',
    "an object with only image,",
  ),
  row("port too high", { cluster: { apiPort: 70000 } }, "sandlot:cluster.apiPort is 70000", "1 to 65535"),
  row("port zero", { cluster: { apiPort: 0 } }, "sandlot:cluster.apiPort is 0", "1 to 65535"),
  row("port as text", { cluster: { apiPort: "6443" } }, 'sandlot:cluster.apiPort is "6443"', "an integer"),
  row(
    "port with a fraction",
    { cluster: { apiPort: 6443.5 } },
    "sandlot:cluster.apiPort is 6443.5",
    "an integer",
  ),
  row(
    "image without a tag",
    { cluster: { image: "rancher/k3s" } },
    'sandlot:cluster.image is "rancher/k3s"',
    "with its tag",
  ),
  row(
    "image with capitals",
    { sandbox: { image: "Sandbox:1" } },
    'sandlot:sandbox.image is "Sandbox:1"',
    "with its tag",
  ),
  row(
    "pull policy misspelt",
    { cluster: { imagePullPolicy: "Allways" } },
    '"Allways"',
    "one of Always",
    "Did you mean Always?",
  ),
  row(
    "port without its node side",
    { cluster: { ports: [{ host: 80 }] } },
    "sandlot:cluster.ports[0].node is missing",
  ),
  row(
    "unknown protocol",
    { cluster: { ports: [{ host: 80, node: 80, protocol: "sctp" }] } },
    "ports[0].protocol",
    "tcp, udp",
  ),
  row(
    "variable with a bad name",
    { cluster: { environment: { "1X": "a" } } },
    "sandlot:cluster.environment",
    "letters, digits",
  ),
  row(
    "variable that is a number",
    { cluster: { environment: { X: 1 } } },
    "sandlot:cluster.environment.X is 1",
  ),
  row("memory with a unit", { cluster: { memory: "4Gi" } }, 'sandlot:cluster.memory is "4Gi"', "1024 to"),
  row("too little memory", { cluster: { memory: 64 } }, "sandlot:cluster.memory is 64", "1024 to"),
  row("cpus as number", { cluster: { cpus: 2 } }, "sandlot:cluster.cpus is 2", "a number in quotes"),
  row(
    "mirror that is no URL",
    { cluster: { registryMirrors: { "docker.io": ["mirror"] } } },
    'is "mirror"',
    "a URL",
  ),
  row(
    "relative archive",
    { cluster: { imageArchives: ["a.tar"] } },
    'imageArchives[0] is "a.tar"',
    "an absolute path",
  ),
  row(
    "relative mount",
    { cluster: { mounts: [{ source: "src", target: "/src" }] } },
    "mounts[0].source",
    "an absolute path",
  ),
  row("pid limit too low", { cluster: { podPidsLimit: 1 } }, "sandlot:cluster.podPidsLimit is 1", "64 to"),
  row("unknown k3s component", { cluster: { disable: ["trafik"] } }, "Did you mean traefik?"),
  row(
    "server flag without dashes",
    { cluster: { extraServerArgs: ["debug"] } },
    "extraServerArgs[0]",
    "beginning with --",
  ),
  row(
    "one port twice",
    { cluster: { apiPort: 8080 }, sandbox: { nodePort: 30080, hostPort: 8080 } },
    "port 8080",
    "twice",
  ),
  row(
    "namespace with capitals",
    { namespace: { name: "Sandlot" } },
    'sandlot:namespace.name is "Sandlot"',
    "lower-case",
  ),
  row("Pod Security version", { namespace: { podSecurityVersion: "1.34" } }, 'is "1.34"', '"v1.34"'),
  row(
    "quota that is a number",
    { namespace: { quota: { cpu: 4 } } },
    "sandlot:namespace.quota.cpu is 4",
    "quantity in quotes",
  ),
  row(
    "unknown egress profile",
    { network: { egress: "opne" } },
    '"opne"',
    "blocked, allowlist, open",
    "Did you mean open?",
  ),
  row(
    "address instead of a range",
    { network: { clientCidrs: ["10.0.0.1"] } },
    'clientCidrs[0] is "10.0.0.1"',
    "CIDR",
  ),
  row("range out of bounds", { network: { clusterCidrs: ["10.0.0.0/33"] } }, '"10.0.0.0/33"', "CIDR"),
  row(
    "range of IPv6 out of bounds",
    { network: { clusterCidrs: ["2001:db8::/129"] } },
    'clusterCidrs[0] is "2001:db8::/129"',
    "CIDR",
  ),
  row(
    "allow list that lists nothing",
    { network: { egress: "allowlist" } },
    'sandlot:network.egress is "allowlist"',
    "list what they may reach",
  ),
  row(
    "allow list without ports",
    { network: { allowlist: [{ cidr: "1.1.1.0/24", ports: [] }] } },
    "allowlist[0].ports is []",
    "at least one port",
  ),
  row(
    "allow list by host name",
    { network: { allowlist: [{ cidr: "example.com" }] } },
    'allowlist[0].cidr is "example.com"',
    "CIDR",
  ),
  row(
    "DNS cache that is no address",
    { network: { dns: { nodeLocalAddresses: ["node-local"] } } },
    'nodeLocalAddresses[0] is "node-local"',
    "an address",
  ),
  row("unknown isolation", { runtime: { isolation: "gvizor" } }, "Did you mean gvisor?"),
  row(
    "two sources of skills",
    { skills: { hostPath: "skills", existingClaim: "skills" } },
    "either hostPath or existingClaim",
  ),
  row(
    "skills from a server and a driver",
    {
      skills: {
        nfs: { server: "files", path: "/skills" },
        csi: { driver: "efs.csi.aws.com", volumeHandle: "fs-1" },
      },
    },
    "sandlot:skills.csi",
    "give either nfs or csi, not both",
  ),
  row(
    "users' data without a place",
    { userData: { size: "1Gi" } },
    "sandlot:userData",
    "say where the data is kept",
  ),
  row(
    "users' data outside its folder",
    { userData: { storageClass: "fast", subPath: "../other" } },
    'sandlot:userData.subPath is "../other"',
    "a folder inside the volume",
  ),
  row(
    "skills folder that is missing",
    { skills: { hostPath: "no/such/folder" } },
    "no/such/folder",
    "not a folder",
  ),
  row("negative replicas", { sandbox: { replicas: -1 } }, "sandlot:sandbox.replicas is -1", "0 to 500"),
  row(
    "bad quantity",
    { sandbox: { resources: { limits: { memory: "1 GB" } } } },
    'limits.memory is "1 GB"',
    "quantity",
  ),
  row(
    "unknown resource",
    { sandbox: { resources: { limits: { mem: "1Gi" } } } },
    "limits.mem is not a setting",
  ),
  row(
    "node port out of range",
    { sandbox: { nodePort: 8080 } },
    "sandlot:sandbox.nodePort is 8080",
    "30000 to 32767",
  ),
  row("host port alone", { sandbox: { hostPort: 8080 } }, "sandlot:sandbox.hostPort", "sandbox.nodePort"),
  row(
    "budget that blocks drains",
    { sandbox: { replicas: 2, minAvailable: 2 } },
    "minAvailable is 2",
    "less than replicas (2)",
  ),
  row(
    "probe period zero",
    { sandbox: { startupProbe: { periodSeconds: 0 } } },
    "startupProbe.periodSeconds is 0",
    "1 to 600",
  ),
  row("switch as text", { platform: "yes" }, 'sandlot:platform is "yes"', "true or false"),
  row(
    "target of an unknown kind",
    { target: { kind: "exiting" } },
    'sandlot:target.kind is "exiting"',
    "container, existing, render",
    "Did you mean existing?",
  ),
  row(
    "existing cluster without a context",
    { target: { kind: "existing", kubeconfigPath: "/k", clusterIdentifier: "a" } },
    "sandlot:target.context is missing",
    "kind existing needs context",
  ),
  row(
    "existing cluster without a kubeconfig",
    { target: { kind: "existing", context: "a", clusterIdentifier: "a" } },
    "sandlot:target.kubeconfig is missing",
    "kubeconfig or kubeconfigPath",
  ),
  row(
    "existing cluster without an identity",
    { target: { kind: "existing", kubeconfigPath: "/k", context: "a" } },
    "sandlot:target.clusterIdentifier is missing",
  ),
  row(
    "existing cluster with settings of a container",
    {
      target: { kind: "existing", kubeconfigPath: "/k", context: "a", clusterIdentifier: "a" },
      cluster: { apiPort: 1 },
    },
    'sandlot:cluster is {"apiPort":1}',
    "target.kind is existing: remove it",
  ),
  row(
    "published port where there is no container",
    { target: { kind: "render", directory: "r" }, sandbox: { nodePort: 30080, hostPort: 8080 } },
    "sandlot:sandbox.hostPort is 8080",
    "target.kind is render: remove it",
  ),
  row(
    "nothing to deploy where there is no container",
    { target: { kind: "render", directory: "r" }, platform: false },
    "sandlot:platform is false",
    "leaves nothing to do",
  ),
  row(
    "rendering to nowhere",
    { target: { kind: "render" } },
    "sandlot:target.directory is missing",
    "kind render needs directory",
  ),
  row(
    "a severity that there is not",
    { imageScan: { severity: "HIGH" } },
    'sandlot:imageScan.severity is "HIGH"',
    "one of low, medium, high, critical",
  ),
  row(
    "a vulnerability without its name",
    { imageScan: { accepted: [{ id: "all", reason: "tired" }] } },
    'sandlot:imageScan.accepted[0].id is "all"',
    "such as CVE-2026-12345",
  ),
  row(
    "a vulnerability accepted without a reason",
    { imageScan: { accepted: [{ id: "CVE-2026-1" }] } },
    "sandlot:imageScan.accepted[0].reason is missing",
  ),
  row(
    "a vulnerability accepted until a day that there is not",
    { imageScan: { accepted: [{ id: "CVE-2026-1", reason: "x", until: "2027-02-30" }] } },
    'sandlot:imageScan.accepted[0].until is "2027-02-30"',
    "a day, such as",
  ),
  row(
    "a database without its version",
    { imageScan: { database: "registry.example.com/trivy-db" } },
    'sandlot:imageScan.database is "registry.example.com/trivy-db"',
    "with its tag or digest",
  ),
  row(
    "a folder to render into, for a container",
    { target: { directory: "r" } },
    'sandlot:target.directory is "r"',
    "set kind to render",
  ),
];
