// sandlot:sandbox: the shared, always-on sandboxes.
import { z } from "zod";

import { variableFrom, volume } from "./mounts";
import { placement } from "./placement";
import { pullPolicy, resources } from "./shared";
import {
  count,
  countOrPercentage,
  dnsLabel,
  environment,
  field,
  flag,
  imageReference,
  listOf,
  nodePort,
  object,
  port,
  quantity,
} from "../values";

const timing = {
  initialDelaySeconds: count("Seconds before the first probe", 0, 600).optional(),
  periodSeconds: count("Seconds between probes", 1, 600).optional(),
  timeoutSeconds: count("Seconds to wait for an answer", 1, 600).optional(),
  failureThreshold: count("Failures in a row that count", 1, 1000).optional(),
};

const startupProbe = object(
  {
    enabled: flag(
      "Whether there is one. Without, pods are Ready about a second sooner, and the liveness probe begins when this one would have given up. Default: true",
    ).optional(),
    ...timing,
  },
  "When a new sandbox counts as started",
);

const autoscaling = object(
  {
    minReplicas: count("The least. Default: 2", 1, 500).optional(),
    maxReplicas: count("The most", 1, 500),
    cpuPercent: count(
      "The average CPU to hold, in percent of the request; 0 leaves CPU out. It takes a metrics server. Default: 70",
      0,
      1000,
    ).optional(),
    podMetrics: listOf(
      object(
        {
          name: field(
            z.string().regex(/^[A-Za-z_:][A-Za-z0-9_:.-]*$/),
            "The metric's name",
            "the name of a metric, such as sandboxd_commands_running",
          ),
          averageValue: quantity("The average over all sandboxes to hold"),
        },
        "One metric",
      ),
      "Metrics of the pods that the cluster offers as custom.metrics.k8s.io",
    ).optional(),
    scaleDownSeconds: count(
      "Seconds for which fewer must have been enough. Default: 300",
      0,
      3600,
    ).optional(),
  },
  "As many sandboxes as are needed, instead of replicas",
);

const rollout = object(
  {
    maxSurge: countOrPercentage(
      "Sandboxes beyond replicas while an update goes through. Default: 1",
    ).optional(),
    maxUnavailable: countOrPercentage(
      "Sandboxes that may be missing while an update goes through. Default: 0",
    ).optional(),
    minReadySeconds: count(
      "Seconds that a new sandbox must have been Ready before an old one goes. Default: 0",
      0,
      3600,
    ).optional(),
    progressDeadlineSeconds: count(
      "Seconds without progress after which an update has failed. Default: 600",
      10,
      86_400,
    ).optional(),
  },
  "How an update goes through the sandboxes",
);

const shutdown = object(
  {
    settleSeconds: count(
      "Seconds for which a sandbox that is to end goes on serving while nodes learn of it; with 0, requests on their way can be refused. Default: 0",
      0,
      300,
    ).optional(),
    drainSeconds: count(
      "Seconds at most for running commands to finish after that. Default: what the image's server does by itself",
      0,
      3600,
    ).optional(),
  },
  "How a sandbox ends; all of it fits into terminationGracePeriodSeconds",
);

export const sandbox = object(
  {
    image: imageReference(
      "The sandboxes' image. Default: the one that is built from this repository",
    ).optional(),
    imagePullPolicy: pullPolicy("the sandboxes' image").optional(),
    imagePullSecrets: listOf(
      dnsLabel("A Secret of the namespace with registry credentials"),
      "Credentials for the sandboxes' image, where the node pulls it",
    ).optional(),
    requireDigest: flag("Whether the image must be named by its digest. Default: false").optional(),
    replicas: count("How many shared sandboxes run. Default: 2", 0, 500).optional(),
    autoscaling: autoscaling.optional(),
    rollout: rollout.optional(),
    shutdown: shutdown.optional(),
    placement: placement.optional(),
    resources: object(
      {
        requests: resources("What a sandbox is promised").optional(),
        limits: resources("What a sandbox may use at most").optional(),
      },
      "A sandbox's resources",
    ).optional(),
    storage: object(
      {
        home: quantity("/home/sandbox. Default: 256Mi").optional(),
        temporary: quantity("/tmp. Default: 256Mi").optional(),
        userData: quantity("/mnt/user-data. Default: 512Mi").optional(),
      },
      "The sizes of a sandbox's writable folders",
    ).optional(),
    environment: environment(
      "Environment variables of every sandbox. Never secrets: anybody who may run code sees them",
    ).optional(),
    environmentFrom: listOf(
      variableFrom,
      "Environment variables from Secrets and ConfigMaps; all code in sandboxes can read them",
    ).optional(),
    volumes: listOf(volume, "More volumes; all code in sandboxes can read them").optional(),
    nodePort: nodePort("Opens the sandbox Service on nodes; for development. Default: closed").optional(),
    hostPort: port("Publishes nodePort on this machine's loopback address; for development").optional(),
    startupProbe: startupProbe.optional(),
    readinessProbe: object(timing, "When a sandbox gets traffic").optional(),
    livenessProbe: object(timing, "When a sandbox is restarted").optional(),
    terminationGracePeriodSeconds: count(
      "Seconds after which a sandbox that is to end is killed",
      0,
      3600,
    ).optional(),
    minAvailable: count(
      "Sandboxes that evictions must leave. Default: 1 if there are several replicas",
      0,
      500,
    ).optional(),
  },
  "The shared, always-on sandboxes",
);
