// The RuntimeClass, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { commonLabels } from "../shared/labels";
import { tolerationObject } from "../shared/tolerations";
import { GvisorMode } from "./args";
import type { GvisorRuntimeSettings } from "./resolve";

/** The label of nodes that the installer has put gVisor on. */
export const readyLabel = "sandlot.dev/gvisor-ready";

/** The RuntimeClass. Where gVisor is installed, sandboxes go to nodes that have it by now. */
export function runtimeClassArgs(settings: GvisorRuntimeSettings): k8s.node.v1.RuntimeClassArgs {
  const { overhead, tolerations } = settings;
  const podFixed = {
    ...(overhead.cpu === undefined ? {} : { cpu: overhead.cpu }),
    ...(overhead.memory === undefined ? {} : { memory: overhead.memory }),
  };
  const nodeSelector = {
    ...settings.nodeSelector,
    ...(settings.mode === GvisorMode.Install ? { [readyLabel]: "true" } : {}),
  };
  const scheduling = {
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(tolerationObject) }),
  };
  return {
    metadata: { name: settings.runtimeClassName, labels: commonLabels("runtime") },
    handler: settings.handler,
    ...(Object.keys(podFixed).length === 0 ? {} : { overhead: { podFixed } }),
    ...(Object.keys(scheduling).length === 0 ? {} : { scheduling }),
  };
}
