// The CronJob that removes users' stale data, built from plain settings. What runs in it: sandboxd/internal/retention.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { hardenedContainer, hardenedPod } from "../shared/hardening";
import { commonLabels } from "../shared/labels";
import { podPlace } from "../shared/pod-place";
import type { UserDataRetentionSettings } from "./resolve";

/** The name of the CronJob and its service account. */
export const retentionName = "user-data-retention";

/** The labels of all objects. They are not those of sandboxes: no policy lets this pod in or out of anything. */
export const retentionLabels = commonLabels(retentionName);

/** Where the provisioner keeps users' folders in the claim (provisioner/src/model/deerflow-mounts.ts). */
export const usersFolder = "deer-flow/users";

/** Seconds after which a run ends, done or not; the next one goes on. */
const longestRun = 3_600;

const mountPath = "/mnt/users";

/** The CronJob: one run at a time, and a run that fails is not repeated before the next one is due. */
export function cronJobArgs(
  settings: UserDataRetentionSettings,
  serviceAccountName: pulumi.Input<string>,
): k8s.batch.v1.CronJobArgs {
  return {
    metadata: { name: retentionName, namespace: settings.namespace, labels: retentionLabels },
    spec: {
      schedule: settings.schedule,
      // The one name that an API server knows without a file of time zones.
      timeZone: "UTC",
      concurrencyPolicy: "Forbid",
      // One that could not begin for so long is left out: the next does its work.
      startingDeadlineSeconds: longestRun,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        spec: {
          backoffLimit: 0,
          activeDeadlineSeconds: longestRun,
          template: { metadata: { labels: retentionLabels }, spec: podSpec(settings, serviceAccountName) },
        },
      },
    },
  };
}

function podSpec(
  settings: UserDataRetentionSettings,
  serviceAccountName: pulumi.Input<string>,
): k8s.types.input.core.v1.PodSpec {
  return {
    restartPolicy: "Never",
    serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 30,
    ...podPlace(settings),
    // The user and group of sandboxes, whose files these are; without fsGroup, which would change each of them.
    securityContext: hardenedPod,
    containers: [
      {
        name: "sweep",
        image: settings.image,
        imagePullPolicy: settings.imagePullPolicy,
        command: ["/usr/local/bin/sandboxd", "sweep", `-users=${mountPath}`, `-unused-days=${settings.days}`],
        resources: {
          requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "8Mi" },
          limits: { cpu: "500m", memory: "128Mi", "ephemeral-storage": "64Mi" },
        },
        securityContext: hardenedContainer,
        terminationMessagePolicy: "FallbackToLogsOnError",
        // Of the volume it sees the users' folders and nothing beside them.
        volumeMounts: [{ name: "user-data", mountPath, subPath: usersFolder }],
      },
    ],
    volumes: [{ name: "user-data", persistentVolumeClaim: { claimName: settings.claimName } }],
  };
}
