// What the platform tells its gVisor runtime: the arguments given, and where to try whether the handler is gVisor.
import type * as pulumi from "@pulumi/pulumi";

import type { GvisorRuntimeArgs } from "../gvisor-runtime/args";
import type { SandboxPlatformArgs } from "./args";

/** Where sandboxes live. */
export interface SandboxPlace {
  namespace: pulumi.Input<string>;
  serviceAccountName: pulumi.Input<string>;
  priorityClassName?: pulumi.Input<string>;
}

/** The runtime's arguments: it is tried as a sandbox would run, with the same image at the same place. */
export function runtimeArgs(args: SandboxPlatformArgs, place: SandboxPlace): GvisorRuntimeArgs {
  const { runtime = {}, gvisorCheck = {}, deployment = {}, image } = args;
  if (gvisorCheck.enabled === false) return runtime;
  return {
    ...runtime,
    check: {
      ...place,
      image,
      imagePullPolicy: deployment.imagePullPolicy,
      imagePullSecrets: deployment.imagePullSecrets,
      nodeSelector: deployment.placement?.nodeSelector,
      tolerations: deployment.placement?.tolerations,
      timeoutSeconds: gvisorCheck.timeoutSeconds,
    },
  };
}
