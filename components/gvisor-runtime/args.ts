// What gVisor in a cluster can be told: arguments and their defaults. What is wrong with given ones: ./resolve.ts.
import type * as pulumi from "@pulumi/pulumi";

import type { SandboxToleration } from "../shared/tolerations";

export { TaintEffect, TolerationOperator, type SandboxToleration } from "../shared/tolerations";

/** Where nodes have gVisor from. */
export enum GvisorMode {
  /** They have it: GKE Sandbox, an image of one's own, a cluster's add-on. */
  Preinstalled = "Preinstalled",
  /** A DaemonSet puts it onto labelled nodes. */
  Install = "Install",
}

/** How gVisor catches system calls (https://gvisor.dev/docs/architecture_guide/platforms/). */
export enum GvisorPlatform {
  /** By seccomp signals: works everywhere, virtual machines too. */
  Systrap = "systrap",
  /** By the processor's virtualisation: faster on bare metal; nodes need `/dev/kvm`. */
  Kvm = "kvm",
  /** By ptrace: slow and no longer developed. */
  Ptrace = "ptrace",
}

/** A node's processor, as `uname -m` calls it. */
export enum NodeArchitecture {
  X86_64 = "x86_64",
  Aarch64 = "aarch64",
}

/** How a node's containerd gets its configuration. */
export enum ContainerdLayout {
  /** It reads a file that is there to be changed. */
  Standard = "Standard",
  /** k3s writes the file at each start, from a template beside it. */
  K3s = "K3s",
}

/** What gVisor itself needs for each pod, beside its containers; Kubernetes quantities. */
export interface PodOverhead {
  /**
   * CPU.
   * @default - none
   */
  cpu?: string;
  /**
   * Memory.
   * @default - none
   */
  memory?: string;
}

/** SHA-512 of a release's two programs for one kind of processor, as published beside them in `.sha512` files. */
export interface GvisorChecksums {
  /** The processor. */
  architecture: NodeArchitecture;
  /** SHA-512 of `runsc`: 128 hexadecimal digits. */
  runsc: string;
  /** SHA-512 of `containerd-shim-runsc-v1`: 128 hexadecimal digits. */
  shim: string;
}

/** The containerd of nodes. */
export interface NodeContainerd {
  /**
   * How it gets its configuration.
   * @default ContainerdLayout.Standard
   */
  layout?: ContainerdLayout;
  /**
   * The configuration that containerd reads, a path of the node.
   * @default - "/etc/containerd/config.toml"; with K3s "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"
   */
  configFile?: string;
  /**
   * The shell command that restarts containerd, run on the node as root. It returns when containerd serves again and fails if it
   * does not. Running pods go on meanwhile.
   * @default - "systemctl restart containerd"; with K3s, of the units k3s and k3s-agent, the one that is active
   */
  restartCommand?: string;
}

/** How gVisor is put onto nodes, with `GvisorMode.Install`. */
export interface GvisorInstall {
  /**
   * The image that does it, with a tag or digest. It needs `sh`, `curl`, `sha512sum`, `cmp` and `nsenter`. It runs as root with
   * all rights on the node: name one that you trust.
   */
  image: pulumi.Input<string>;
  /**
   * Names of Secrets with registry credentials, in the installer's namespace.
   * @default []
   */
  imagePullSecrets?: string[];
  /**
   * The release, as in https://storage.googleapis.com/gvisor/releases/release.
   * @default "20260209.1"
   */
  release?: string;
  /**
   * The address below which `<release>/<architecture>/runsc` and `containerd-shim-runsc-v1` are: Google's, or a mirror's.
   * @default "https://storage.googleapis.com/gvisor/releases/release"
   */
  baseUrl?: string;
  /**
   * What the programs must be; anything else is not installed. Required for every release but the default one.
   * @default - those of the default release, for both architectures
   */
  checksums?: GvisorChecksums[];
  /**
   * The folder on nodes that the programs are put into; nothing else may be in it.
   * @default "/opt/sandlot/gvisor"
   */
  folder?: string;
  /**
   * How gVisor catches system calls.
   * @default GvisorPlatform.Systrap
   */
  platform?: GvisorPlatform;
  /** The nodes' containerd. See the fields for their defaults. */
  containerd?: NodeContainerd;
  /**
   * The namespace of the installer. It is made, for the installer alone, and admits privileged pods.
   * @default "sandlot-gvisor"
   */
  namespace?: string;
}

/** The pod that is run in gVisor before anything else is, to see that the handler is gVisor. */
export interface GvisorCheck {
  /** The namespace of the pod: the sandboxes', so that the same walls hold for it. */
  namespace: pulumi.Input<string>;
  /** The image of the pod: the sandboxes', which nodes have. It needs `sh` and `cat`, and `dmesg` if it has it. */
  image: pulumi.Input<string>;
  /** The service account of the pod: one without roles. */
  serviceAccountName: pulumi.Input<string>;
  /**
   * When the image is fetched: `Always`, `IfNotPresent` or `Never`.
   * @default "IfNotPresent"
   */
  imagePullPolicy?: string;
  /**
   * Names of Secrets of the namespace with registry credentials.
   * @default []
   */
  imagePullSecrets?: string[];
  /**
   * More labels that the pod's node must have, beside those of the RuntimeClass.
   * @default {}
   */
  nodeSelector?: { [name: string]: string };
  /**
   * Taints that the pod puts up with, beside those of the RuntimeClass.
   * @default []
   */
  tolerations?: SandboxToleration[];
  /**
   * The PriorityClass of the pod.
   * @default - the cluster's default
   */
  priorityClassName?: pulumi.Input<string>;
  /**
   * Seconds after which the pod must have ended, 10 to 3600: the pull of its image and, with `GvisorMode.Install`, the
   * installation included.
   * @default 300
   */
  timeoutSeconds?: number;
}

/** Options of {@link GvisorRuntime} beside where to check it. */
export interface GvisorRuntimeOptions {
  /**
   * Where nodes have gVisor from.
   * @default GvisorMode.Preinstalled
   */
  mode?: GvisorMode;
  /**
   * The name of the RuntimeClass.
   * @default "gvisor"
   */
  runtimeClassName?: string;
  /**
   * Whether the RuntimeClass is there already, such as GKE Sandbox's: none is made then, and its handler, overhead and
   * scheduling are not ours to set.
   * @default false
   */
  existing?: boolean;
  /**
   * The name that the nodes' container runtime knows gVisor by.
   * @default "runsc"
   */
  handler?: string;
  /** What gVisor itself needs for each pod: counted by scheduler and quota. See the fields for their defaults. */
  overhead?: PodOverhead;
  /**
   * Labels of the nodes that have gVisor or, with `GvisorMode.Install`, get it. Sandboxes run on no other.
   * @default - every node; with `GvisorMode.Install` { "sandlot.dev/gvisor": "install" }
   */
  nodeSelector?: { [name: string]: string };
  /**
   * Taints of the nodes that have gVisor or get it.
   * @default []
   */
  tolerations?: SandboxToleration[];
  /** How gVisor is put onto nodes. Required with `GvisorMode.Install`, not allowed otherwise. */
  install?: GvisorInstall;
}

/** Arguments of {@link GvisorRuntime}. */
export interface GvisorRuntimeArgs extends GvisorRuntimeOptions {
  /**
   * The pod that is run in gVisor before this component is complete.
   * @default - none: nothing is tried
   */
  check?: GvisorCheck;
}
