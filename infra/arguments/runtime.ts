// From configuration to what isolates sandboxes.
import {
  ContainerdLayout,
  GvisorMode,
  GvisorPlatform,
  NodeArchitecture,
  type GvisorInstall,
  type SandboxPlatformArgs,
} from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import { tolerations } from "./placement";

type Runtime = NonNullable<SandlotConfig["runtime"]>;

const mode = { preinstalled: GvisorMode.Preinstalled, install: GvisorMode.Install } as const;
const platform = {
  systrap: GvisorPlatform.Systrap,
  kvm: GvisorPlatform.Kvm,
  ptrace: GvisorPlatform.Ptrace,
} as const;
const architecture = { x86_64: NodeArchitecture.X86_64, aarch64: NodeArchitecture.Aarch64 } as const;
const layout = { standard: ContainerdLayout.Standard, k3s: ContainerdLayout.K3s } as const;

/** Whether sandboxes run in gVisor, in which RuntimeClass, and where nodes have it from. */
export function runtimeArguments({
  runtime = {},
}: SandlotConfig): Pick<SandboxPlatformArgs, "gvisor" | "runtime" | "gvisorCheck"> {
  if (runtime.isolation === "none") return { gvisor: false };
  return given({
    gvisor: true,
    runtime: given({
      mode: runtime.mode && mode[runtime.mode],
      runtimeClassName: runtime.className,
      existing: runtime.existing,
      handler: runtime.handler,
      overhead: runtime.overhead,
      nodeSelector: runtime.nodeSelector,
      tolerations: runtime.tolerations && tolerations(runtime.tolerations),
      install: runtime.install && installArguments(runtime.install),
    }),
    gvisorCheck: runtime.check,
  });
}

function installArguments(install: NonNullable<Runtime["install"]>): GvisorInstall {
  const { containerd, checksums, ...same } = install;
  return given({
    ...same,
    platform: install.platform && platform[install.platform],
    checksums: checksums?.map(({ architecture: processor, runsc, shim }) => ({
      architecture: architecture[processor],
      runsc,
      shim,
    })),
    containerd:
      containerd && given({ ...containerd, layout: containerd.layout && layout[containerd.layout] }),
  });
}
