// What the kernel must offer to containers and to the network walls between them.
import { existsSync, readFileSync } from "node:fs";

import { tryOutput } from "../run.js";
import { failed, passed, type Check } from "./check.js";

/** The parts of the kernel's own account of itself that the checks read. */
export interface Kernel {
  /** `/proc/mounts`. */
  mounts: string;
  /** `/proc/config.gz` unpacked, or `/boot/config-…`; undefined where there is neither. */
  config: string | undefined;
}

/** Whether the control groups that containers need are mounted, of either version. */
export function checkCgroups(mounts: string): Check {
  const kinds = new Set(mounts.split("\n").map((line) => line.split(" ")[2] ?? ""));
  const needed = "version 1 or 2, mounted";
  if (kinds.has("cgroup")) return passed("control groups", "version 1", needed);
  if (kinds.has("cgroup2")) return passed("control groups", "version 2", needed);
  return failed(
    "control groups",
    "none mounted",
    needed,
    "Mount them (Debian: apt-get install cgroupfs-mount && cgroupfs-mount)",
  );
}

const features = {
  CONFIG_OVERLAY_FS: "overlay file system",
  CONFIG_BRIDGE: "network bridges",
  CONFIG_VETH: "virtual network pairs",
  CONFIG_NF_TABLES: "nftables",
  CONFIG_NF_NAT: "address translation",
} as const;

/** Whether the kernel has, built in or as modules, what the engine and the node's network walls need. */
export function checkKernel(config: string | undefined): Check {
  const needed = Object.values(features).join(", ");
  if (config === undefined)
    return passed("kernel", "does not publish its configuration; not checked", needed);
  const missing = Object.entries(features).filter(
    ([option]) => !new RegExp(`^${option}=[ym]$`, "m").test(config),
  );
  if (missing.length === 0) return passed("kernel", "all there", needed);
  const names = missing.map(([option, title]) => `${title} (${option})`).join(", ");
  return failed(
    "kernel",
    `without ${names}`,
    needed,
    "Boot a kernel that has them: every distribution's own does",
  );
}

/** {@link Kernel} of this machine; undefined where the engine has a kernel of its own (macOS, Windows). */
export async function readKernel(): Promise<Kernel | undefined> {
  if (process.platform !== "linux") return undefined;
  const mounts = readFileSync("/proc/mounts", "utf8");
  if (existsSync("/proc/config.gz"))
    return { mounts, config: await tryOutput("gzip", ["-dc", "/proc/config.gz"]) };
  const release = await tryOutput("uname", ["-r"]);
  const boot = `/boot/config-${release ?? ""}`;
  return { mounts, config: existsSync(boot) ? readFileSync(boot, "utf8") : undefined };
}
