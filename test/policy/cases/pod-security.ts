// Cases of the rules that are Pod Security `restricted`, control by control.
import { unknownText } from "../../support/policy";
import { deployment, object, podTemplate, secure, type Changes } from "../../support/policy-objects";
import { allows, refuses, type Spoil } from "./case";

const pods =
  (changes: Changes): Spoil =>
  (home) => ({ deployment: deployment(home, changes) });

/** The good container, beside one that only starts the pod and is spoilt. */
const startedBy = (own: object): Spoil =>
  pods({
    spec: {
      initContainers: [
        {
          ...(podTemplate({})["spec"] as { containers: object[] }).containers[0],
          name: "init",
          startupProbe: undefined,
          readinessProbe: undefined,
          livenessProbe: undefined,
          ...own,
        },
      ],
    },
  });

const cronJob: Spoil = (home) => ({
  job: object(home, "job", "batch/v1:CronJob", {
    spec: {
      schedule: "0 0 * * *",
      jobTemplate: {
        spec: { template: podTemplate({ spec: { hostNetwork: true, restartPolicy: "Never" } }) },
      },
    },
  }),
});

export const refused = [
  ...refuses(
    "no-host-namespaces",
    ["the network", pods({ spec: { hostNetwork: true } }), "deployment", /hostNetwork is true/],
    ["the processes", pods({ spec: { hostPID: true } }), "deployment", /hostPID is true/],
    ["the memory", pods({ spec: { hostIPC: true } }), "deployment", /hostIPC is true/],
    ["in a CronJob", cronJob, "job", /hostNetwork is true/],
  ),
  ...refuses(
    "no-privileged-containers",
    ["a container", pods({ own: { privileged: true } }), "deployment", /container sandbox is privileged/],
    [
      "a container that only starts the pod",
      startedBy({ securityContext: { ...secure, privileged: true } }),
      "deployment",
      /container init is privileged/,
    ],
  ),
  ...refuses(
    "no-host-process",
    [
      "the pod",
      pods({ context: { windowsOptions: { hostProcess: true } } }),
      "deployment",
      /The pod is a process/,
    ],
    [
      "a container",
      pods({ own: { windowsOptions: { hostProcess: true } } }),
      "deployment",
      /container sandbox is a process/,
    ],
  ),
  ...refuses(
    "dropped-capabilities",
    ["not all", pods({ own: { capabilities: { drop: ["NET_RAW"] } } }), "deployment", /keeps capabilities/],
    ["none", pods({ own: { capabilities: undefined } }), "deployment", /keeps capabilities/],
    [
      "one added",
      pods({ own: { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } } }),
      "deployment",
      /adds capabilities \(SYS_ADMIN\)/,
    ],
    [
      "low ports, where they are not allowed",
      pods({ own: { capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } }),
      "deployment",
      /adds capabilities \(NET_BIND_SERVICE\)/,
    ],
  ),
  ...refuses(
    "restricted-volume-types",
    [
      "a folder of the node",
      pods({ spec: { volumes: [{ name: "root", hostPath: { path: "/" } }] } }),
      "deployment",
      /volume root is a hostPath/,
    ],
    [
      "storage past the cluster",
      pods({ spec: { volumes: [{ name: "far", nfs: { server: "203.0.113.9", path: "/" } }] } }),
      "deployment",
      /volume far is a nfs/,
    ],
  ),
  ...refuses("no-host-ports", [
    "a port",
    pods({ container: { ports: [{ containerPort: 80, hostPort: 80 }] } }),
    "deployment",
    /node's port 80/,
  ]),
  ...refuses(
    "no-probe-hosts",
    [
      "a probe",
      pods({ container: { livenessProbe: { httpGet: { path: "/", port: 80, host: "169.254.169.254" } } } }),
      "deployment",
      /livenessProbe\.httpGet asks the host 169\.254\.169\.254/,
    ],
    [
      "a hook",
      pods({ container: { lifecycle: { preStop: { tcpSocket: { port: 80, host: "127.0.0.1" } } } } }),
      "deployment",
      /lifecycle\.preStop\.tcpSocket asks the host/,
    ],
  ),
  ...refuses(
    "apparmor-profile",
    [
      "by the pod",
      pods({ context: { appArmorProfile: { type: "Unconfined" } } }),
      "deployment",
      /The pod has/,
    ],
    [
      "by a container",
      pods({ own: { appArmorProfile: { type: "Unconfined" } } }),
      "deployment",
      /container sandbox has the AppArmor profile Unconfined/,
    ],
    [
      "by an annotation",
      pods({ annotations: { "container.apparmor.security.beta.kubernetes.io/sandbox": "unconfined" } }),
      "deployment",
      /container sandbox has the AppArmor profile unconfined/,
    ],
  ),
  ...refuses(
    "selinux-options",
    [
      "the type",
      pods({ context: { seLinuxOptions: { type: "spc_t" } } }),
      "deployment",
      /SELinux type spc_t/,
    ],
    ["the user", pods({ own: { seLinuxOptions: { user: "system_u" } } }), "deployment", /its SELinux user/],
    ["the role", pods({ own: { seLinuxOptions: { role: "system_r" } } }), "deployment", /its SELinux role/],
  ),
  ...refuses("default-proc-mount", [
    "unmasked",
    pods({ own: { procMount: "Unmasked" } }),
    "deployment",
    /procMount Unmasked/,
  ]),
  ...refuses(
    "seccomp-profile",
    [
      "none",
      pods({ context: { seccompProfile: undefined } }),
      "deployment",
      /sandbox has no seccomp profile/,
    ],
    [
      "unconfined by the container",
      pods({ own: { seccompProfile: { type: "Unconfined" } } }),
      "deployment",
      /sandbox has no seccomp profile/,
    ],
    [
      "unconfined by the pod",
      pods({
        context: { seccompProfile: { type: "Unconfined" } },
        own: { seccompProfile: { type: "RuntimeDefault" } },
      }),
      "deployment",
      /pod's seccomp profile is Unconfined/,
    ],
  ),
  ...refuses(
    "safe-sysctls",
    [
      "another pod's",
      pods({ context: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } }),
      "deployment",
      /sets kernel\.msgmax/,
    ],
    [
      "in the other spelling",
      pods({ context: { sysctls: [{ name: "net/core/somaxconn", value: "1" }] } }),
      "deployment",
      /sets net\.core\.somaxconn/,
    ],
  ),
  ...refuses("no-privilege-escalation", [
    "left open",
    pods({ own: { allowPrivilegeEscalation: undefined } }),
    "deployment",
    /container sandbox may gain privileges/,
  ]),
  ...refuses(
    "run-as-non-root",
    ["left open", pods({ context: { runAsNonRoot: undefined } }), "deployment", /sandbox may run as root/],
    [
      "the container overrides the pod",
      pods({ own: { runAsNonRoot: false } }),
      "deployment",
      /sandbox may run/,
    ],
    [
      "the pod says false",
      pods({ context: { runAsNonRoot: false }, own: { runAsNonRoot: true } }),
      "deployment",
      /The pod may run as root/,
    ],
  ),
  ...refuses(
    "non-root-user",
    ["the pod", pods({ context: { runAsUser: 0 } }), "deployment", /The pod runs as root/],
    ["a container", pods({ own: { runAsUser: 0 } }), "deployment", /container sandbox runs as root/],
  ),
];

export const allowed = [
  ...allows("dropped-capabilities", [
    "low ports, where they are allowed",
    pods({ own: { capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } }),
    { allowed: ["NET_BIND_SERVICE"] },
  ]),
  ...allows("restricted-volume-types", [
    "a projected ConfigMap",
    pods({ spec: { volumes: [{ name: "c", projected: { sources: [{ configMap: { name: "c" } }] } }] } }),
  ]),
  ...allows("no-host-ports", [
    "a port that the environment allows",
    pods({ container: { ports: [{ containerPort: 80, hostPort: 80 }] } }),
    { allowed: [80] },
  ]),
  ...allows("apparmor-profile", [
    "a profile of the node",
    pods({
      own: { appArmorProfile: { type: "Localhost" } },
      annotations: { "container.apparmor.security.beta.kubernetes.io/sandbox": "localhost/strict" },
    }),
  ]),
  ...allows("selinux-options", [
    "a level of its own",
    pods({ own: { seLinuxOptions: { type: "container_t", level: "s0:c1,c2" } } }),
  ]),
  ...allows("seccomp-profile", [
    "the container's own",
    pods({ context: { seccompProfile: undefined }, own: { seccompProfile: { type: "Localhost" } } }),
  ]),
  ...allows("safe-sysctls", [
    "the pod's own",
    pods({ context: { sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "1" }] } }),
  ]),
  ...allows("run-as-non-root", [
    "settings of the container instead of the pod",
    pods({ context: { runAsNonRoot: undefined }, own: { runAsNonRoot: true } }),
  ]),
];

export const notKnownYet = [
  ...allows("no-host-namespaces", ["the network", pods({ spec: { hostNetwork: unknownText } })]),
  ...allows("no-privileged-containers", ["the privilege", pods({ own: { privileged: unknownText } })]),
  ...allows("no-host-process", ["the options", pods({ own: { windowsOptions: unknownText } })]),
  ...allows(
    "dropped-capabilities",
    ["the capabilities", pods({ own: { capabilities: unknownText } })],
    ["one of them", pods({ own: { capabilities: { drop: [unknownText], add: [unknownText] } } })],
  ),
  ...allows(
    "restricted-volume-types",
    ["the volumes", pods({ spec: { volumes: unknownText } })],
    ["one of them", pods({ spec: { volumes: [unknownText, { name: "v", hostPath: unknownText }] } })],
  ),
  ...allows("no-host-ports", ["the port", pods({ container: { ports: [{ hostPort: unknownText }] } })]),
  ...allows("no-probe-hosts", ["the probe", pods({ container: { livenessProbe: unknownText } })]),
  ...allows("apparmor-profile", ["the profile", pods({ own: { appArmorProfile: { type: unknownText } } })]),
  ...allows("selinux-options", ["the type", pods({ own: { seLinuxOptions: { type: unknownText } } })]),
  ...allows("default-proc-mount", ["the mount", pods({ own: { procMount: unknownText } })]),
  ...allows(
    "seccomp-profile",
    ["the type", pods({ context: { seccompProfile: { type: unknownText } } })],
    ["the whole context", pods({ spec: { securityContext: unknownText } })],
  ),
  ...allows("safe-sysctls", ["the name", pods({ context: { sysctls: [{ name: unknownText }] } })]),
  ...allows("no-privilege-escalation", [
    "the setting",
    pods({ own: { allowPrivilegeEscalation: unknownText } }),
  ]),
  ...allows("run-as-non-root", ["the setting", pods({ own: { runAsNonRoot: unknownText } })]),
  ...allows("non-root-user", ["the user", pods({ own: { runAsUser: unknownText } })]),
];
