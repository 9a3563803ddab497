// sandlot:runtime: what isolates a sandbox from its node.
import { z } from "zod";

import { toleration } from "./placement";
import {
  absolutePath,
  choice,
  count,
  dnsLabel,
  dnsName,
  field,
  flag,
  imageReference,
  labels,
  listOf,
  object,
  quantity,
  text,
} from "../values";

const sha512 = (description: string) =>
  field(z.string().regex(/^[0-9a-f]{128}$/), description, "a SHA-512 as 128 lower-case hexadecimal digits");

const install = object(
  {
    image: imageReference(
      "The image that puts gVisor onto nodes: it needs sh, curl, sha512sum, cmp and nsenter, and runs as root with all rights on them",
    ),
    imagePullSecrets: listOf(
      dnsName("A Secret of the installer's namespace with registry credentials"),
      "Credentials for the installer's image",
    ).optional(),
    release: field(
      z.string().regex(/^[0-9]{8}(\.[0-9]+)?$/),
      "The gVisor release. Default: 20260209.1",
      'a release in quotes, such as "20260209.1"',
    ).optional(),
    baseUrl: field(
      z.url(),
      "The address below which releases are: Google's, or a mirror's. Default: https://storage.googleapis.com/gvisor/releases/release",
      "a URL, such as https://mirror.example.com/gvisor",
    ).optional(),
    checksums: listOf(
      object(
        {
          architecture: choice(["x86_64", "aarch64"], "The nodes' processor"),
          runsc: sha512("SHA-512 of runsc"),
          shim: sha512("SHA-512 of containerd-shim-runsc-v1"),
        },
        "The checksums of one kind of node",
      ),
      "What the programs must be; required for every release but the default one. Default: those of the default release",
    ).optional(),
    folder: absolutePath(
      "The folder on nodes that the programs are put into. Default: /opt/sandlot/gvisor",
    ).optional(),
    platform: choice(
      ["systrap", "kvm", "ptrace"],
      "How gVisor catches system calls; kvm is for bare metal. Default: systrap",
    ).optional(),
    containerd: object(
      {
        layout: choice(
          ["standard", "k3s"],
          "Whether containerd reads a file that is there to be changed, or one that k3s writes from a template. Default: standard",
        ).optional(),
        configFile: absolutePath(
          "The configuration that containerd reads. Default: /etc/containerd/config.toml; with k3s /var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        ).optional(),
        restartCommand: text(
          "The shell command that restarts containerd, run on the node as root. Default: systemctl restart of containerd, or of k3s or k3s-agent",
        ).optional(),
      },
      "The nodes' containerd",
    ).optional(),
    namespace: dnsLabel(
      "The installer's own namespace, which admits privileged pods. Default: sandlot-gvisor",
    ).optional(),
  },
  "How gVisor is put onto nodes; required with mode install, not allowed otherwise",
);

export const runtime = object(
  {
    isolation: choice(
      ["gvisor", "none"],
      "gvisor, or the cluster's ordinary runtime. Default: gvisor",
    ).optional(),
    mode: choice(
      ["preinstalled", "install"],
      "Whether nodes have gVisor, or get it from an installer. Default: preinstalled",
    ).optional(),
    className: dnsLabel("The RuntimeClass's name. Default: gvisor").optional(),
    existing: flag(
      "Whether the RuntimeClass is there already, such as GKE Sandbox's. Default: false",
    ).optional(),
    handler: dnsLabel("The container runtime's handler of that class. Default: runsc").optional(),
    overhead: object(
      { cpu: quantity("CPU").optional(), memory: quantity("Memory").optional() },
      "What gVisor itself needs for each pod, counted by scheduler and quota",
    ).optional(),
    nodeSelector: labels(
      "Labels of the nodes that have gVisor or get it. Default: every node; with mode install sandlot.dev/gvisor: install",
    ).optional(),
    tolerations: listOf(toleration, "Taints of the nodes that have gVisor or get it").optional(),
    install: install.optional(),
    check: object(
      {
        enabled: flag(
          "Whether a pod must prove from inside that it runs in gVisor before sandboxes are deployed. Default: true",
        ).optional(),
        timeoutSeconds: count(
          "Seconds that it may take, with installation and pulls. Default: 300",
          10,
          3600,
        ).optional(),
      },
      "The check that the handler is gVisor",
    ).optional(),
  },
  "What isolates a sandbox from its node",
);
