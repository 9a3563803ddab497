// The whole of stack configuration: one object per component (keys/), and what must hold between them. What is not named here
// is refused.
import type { z } from "zod";

import { checkSkills, checkUserData } from "./cross-storage";
import { cluster } from "./keys/cluster";
import { checkEnvironments, environments } from "./keys/environments";
import { imageScan } from "./keys/image-scan";
import { namespace } from "./keys/namespace";
import { network } from "./keys/network";
import { checkObservability, observability } from "./keys/observability";
import { checkProvisioner, provisioner } from "./keys/provisioner";
import { runtime } from "./keys/runtime";
import { sandbox } from "./keys/sandbox";
import { skills } from "./keys/skills";
import { checkTarget, target } from "./keys/target";
import { userData } from "./keys/user-data";
import { flag, object } from "./values";

/** Stack configuration as it is written, each key under `sandlot:`. */
export const configSchema = object(
  {
    cluster: cluster.optional(),
    environments: environments.optional(),
    imageScan: imageScan.optional(),
    namespace: namespace.optional(),
    network: network.optional(),
    observability: observability.optional(),
    platform: flag("Whether anything is deployed into the cluster. Default: true").optional(),
    provisioner: provisioner.optional(),
    runtime: runtime.optional(),
    sandbox: sandbox.optional(),
    skills: skills.optional(),
    target: target.optional(),
    userData: userData.optional(),
  },
  "Sandlot's configuration of one stack",
).superRefine((config, context) => {
  const refuse = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: "custom", path, message });
  };
  const { sandbox: box, skills: folder, cluster: node } = config;
  checkTarget(config.target ?? {}, config, refuse);
  const kind = config.target?.kind ?? "container";
  checkEnvironments(config.environments ?? [], kind, refuse);
  checkProvisioner(config.provisioner ?? {}, config.environments ?? [], kind, refuse);
  checkObservability(config.observability ?? {}, config.provisioner ?? {}, refuse);
  checkSkills(folder ?? {}, refuse);
  if (config.userData !== undefined) checkUserData(config.userData, refuse);
  if (config.network?.egress === "allowlist" && (config.network.allowlist ?? []).length === 0) {
    refuse(
      ["network", "egress"],
      "network.allowlist is empty, so that sandboxes would reach nothing: list what they may reach",
    );
  }
  if (box?.hostPort !== undefined && box.nodePort === undefined) {
    refuse(["sandbox", "hostPort"], "it publishes sandbox.nodePort: set that as well, or leave hostPort out");
  }
  if (box?.replicas !== undefined && box.autoscaling !== undefined) {
    refuse(["sandbox", "replicas"], "autoscaling decides how many there are: remove one of the two");
  }
  const byCpu = box?.autoscaling !== undefined && box.autoscaling.cpuPercent !== 0;
  if (byCpu && node?.disable?.includes("metrics-server") === true) {
    refuse(
      ["cluster", "disable"],
      "sandbox.autoscaling goes by CPU, which metrics-server measures: do not leave it out, or set autoscaling.cpuPercent to 0",
    );
  }
  const replicas = box?.autoscaling === undefined ? (box?.replicas ?? 2) : (box.autoscaling.minReplicas ?? 2);
  if (box?.minAvailable !== undefined && box.minAvailable >= replicas && box.minAvailable > 0) {
    refuse(
      ["sandbox", "minAvailable"],
      `must be less than replicas (${replicas}), or no node could ever be drained`,
    );
  }
  const hostPorts = [
    node?.apiPort ?? 6443,
    box?.hostPort,
    config.provisioner?.hostPort,
    ...(node?.ports ?? []).map(({ host }) => host),
  ];
  const twice = hostPorts.find((value, index) => value !== undefined && hostPorts.indexOf(value) !== index);
  if (twice !== undefined) {
    refuse(
      ["cluster"],
      `port ${twice} of this machine is published twice: apiPort, ports, sandbox.hostPort and provisioner.hostPort must differ`,
    );
  }
});

/** Stack configuration as it is written; every part may be missing. */
export type SandlotConfig = z.infer<typeof configSchema>;
