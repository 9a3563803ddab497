// The Job that proves from inside that the handler is gVisor. It is deployed before sandboxes are and must complete.
import type * as k8s from "@pulumi/kubernetes";
import { createHash } from "node:crypto";

import { hardenedContainer, hardenedPod } from "../shared/hardening";
import { commonLabels } from "../shared/labels";
import { podPlace } from "../shared/pod-place";
import type { CheckSettings, GvisorRuntimeSettings } from "./resolve";
import { checkScript } from "./scripts";

/** {@link CheckSettings}, every value known. */
export interface KnownCheck extends Omit<CheckSettings, "priorityClassName"> {
  namespace: string;
  image: string;
  serviceAccountName: string;
  priorityClassName?: string | undefined;
}

/** A Job's parts, plain. */
export interface JobParts {
  metadata: k8s.types.input.meta.v1.ObjectMeta & { name: string };
  spec: k8s.types.input.batch.v1.JobSpec;
}

/**
 * The Job. A Job cannot be changed, so its name follows from what it tries: something else is another Job, which must complete as
 * well, and the same is the same one. It is kept when it is done, because a Job that went by itself would be made anew by the
 * next update.
 */
export function checkJob(settings: GvisorRuntimeSettings, check: KnownCheck): JobParts {
  const spec = jobSpec(settings, check);
  const scheduling = [settings.overhead, settings.nodeSelector, settings.tolerations];
  const key = createHash("sha256")
    .update(JSON.stringify([spec, scheduling]))
    .digest("hex");
  return {
    metadata: {
      name: `gvisor-check-${key.slice(0, 8)}`,
      namespace: check.namespace,
      labels: commonLabels("runtime-check"),
      // One that failed is made anew by the next update, which is when its reason may be gone.
      annotations: { "pulumi.com/replaceUnready": "true" },
    },
    spec,
  };
}

function jobSpec(settings: GvisorRuntimeSettings, check: KnownCheck): k8s.types.input.batch.v1.JobSpec {
  return {
    backoffLimit: 0,
    activeDeadlineSeconds: check.timeoutSeconds,
    template: {
      metadata: { labels: commonLabels("runtime-check") },
      spec: {
        restartPolicy: "Never",
        runtimeClassName: settings.runtimeClassName,
        serviceAccountName: check.serviceAccountName,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 0,
        ...podPlace(check),
        securityContext: hardenedPod,
        containers: [container(settings, check)],
      },
    },
  };
}

/** What is tried, in words. The handler of a RuntimeClass that is there already is not known here. */
function subject({ runtimeClassName, existing, handler }: GvisorRuntimeSettings): string {
  const name = `RuntimeClass ${runtimeClassName}`;
  return existing ? name : `${name} (handler ${handler})`;
}

/** Pulumi names the container when it does not end well: the name says what is wrong. */
function container(settings: GvisorRuntimeSettings, check: KnownCheck): k8s.types.input.core.v1.Container {
  return {
    name: "handler-must-run-gvisor",
    image: check.image,
    imagePullPolicy: check.imagePullPolicy,
    command: ["/bin/sh", "-c", checkScript],
    env: [{ name: "SUBJECT", value: subject(settings) }],
    resources: {
      requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "8Mi" },
      limits: { cpu: "500m", memory: "64Mi", "ephemeral-storage": "16Mi" },
    },
    securityContext: hardenedContainer,
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}
