// Every environment variable that the provisioner reads: what it is for, what is allowed, and its default.
import { z } from "zod";

import { sandboxServers } from "../model/pod.js";
import { isProxyUrl } from "../model/proxy-url.js";
import { serviceTypes } from "../model/service.js";
import { tracingVariables } from "./tracing-variables.js";

/** One variable. */
export interface Variable<T extends z.ZodType = z.ZodType> {
  /** Reads the text. Absent variables and empty ones are the same. */
  readonly schema: T;
  /** The rest of the sentence "… must be". */
  readonly allowed: string;
  readonly purpose: string;
}

const dnsLabel = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const path = z.string().refine((text) => text.startsWith("/") && !text.split("/").includes(".."));
const image = z
  .string()
  .refine((text) => /@sha256:[0-9a-f]{64}$/.test(text) || /:(?!latest$)[\w][\w.-]{0,127}$/.test(text));

const httpUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
});

/** A whole number within limits, both included. */
export function whole(minimum: number, maximum: number) {
  return z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum);
}

const seconds = (minimum: number, maximum: number, fallback: number, purpose: string) => ({
  schema: whole(minimum, maximum).default(fallback),
  allowed: `a whole number of seconds from ${minimum} to ${maximum}`,
  purpose: `${purpose}; seconds, default ${fallback}`,
});

const week = 7 * 24 * 3600;

const absolutePath = "an absolute path without ..";

/** The variables, by name. Those with a name of DeerFlow's mean what they mean there. */
export const variables = {
  HOST: {
    schema: z.string().default("0.0.0.0"),
    allowed: "an address",
    purpose: "the address to listen at; default 0.0.0.0",
  },
  PORT: {
    schema: whole(0, 65535).default(8002),
    allowed: "a port",
    purpose: "the port to listen at; default 8002",
  },
  METRICS_PORT: {
    schema: whole(0, 65535).default(8003),
    allowed: "a port",
    purpose: "the port of /metrics, which callers of the API need not reach; default 8003",
  },
  LOG_LEVEL: {
    schema: z.enum(["fatal", "error", "warn", "info", "debug", "trace"]).default("info"),
    allowed: "one of fatal, error, warn, info, debug, trace",
    purpose: "how much is logged; default info",
  },
  POD_NAME: {
    schema: z.string().min(1).max(253).optional(),
    allowed: "a name",
    purpose: "this replica's name in the Lease; default: a random one",
  },
  K8S_NAMESPACE: {
    schema: dnsLabel.default("deer-flow"),
    allowed: "the name of a namespace: at most 63 lower-case letters, digits and hyphens",
    purpose: "the namespace of sandboxes, which must exist; default deer-flow",
  },
  KUBECONFIG_PATH: {
    schema: path.default("/root/.kube/config"),
    allowed: absolutePath,
    purpose: "the kubeconfig; if there is none, the pod's own account; default /root/.kube/config",
  },
  K8S_API_SERVER: {
    schema: httpUrl.refine((text) => text.startsWith("https://")).optional(),
    allowed: "a URL such as https://host.docker.internal:26443",
    purpose:
      "another address of the API server. Its certificate is still verified, against the host that the kubeconfig names",
  },
  CLUSTERS_FILE: {
    schema: path.optional(),
    allowed: absolutePath,
    purpose:
      "the file with several clusters, instead of the one that the variables above name; changed weights and drains are taken over while running",
  },
  CLUSTER_LOST_SECONDS: {
    schema: whole(1, 3600).optional(),
    allowed: "a whole number of seconds from 1 to 3600",
    purpose:
      "for how long the last that was seen of a cluster that cannot be watched is still taken for true; seconds, default 300, with CLUSTERS_FILE 30",
  },
  SANDBOX_IMAGE: {
    schema: image.optional(),
    allowed: "an image reference with a tag other than latest, or with a digest",
    purpose: "the image of the environment DEFAULT_ENVIRONMENT, if no ConfigMap defines that",
  },
  DEFAULT_ENVIRONMENT: {
    schema: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/)
      .default("default"),
    allowed: "at most 40 lower-case letters, digits and hyphens",
    purpose: "the environment of those who name none, such as DeerFlow; default: default",
  },
  SANDBOX_CONTAINER_PORT: {
    schema: whole(1, 65535).default(8080),
    allowed: "a port from 1 to 65535",
    purpose: "the port of the sandbox's server; default 8080",
  },
  SANDBOX_SERVER: {
    schema: z.enum(sandboxServers).default("sandboxd"),
    allowed: `one of ${sandboxServers.join(", ")}`,
    purpose:
      "whose server the images have: sandboxd, or any other with the AIO sandbox API, which takes no env, secrets or token; default sandboxd",
  },
  SANDBOX_SERVICE_ACCOUNT: {
    schema: dnsLabel.default("default"),
    allowed: "the name of a service account",
    purpose: "the service account of sandboxes; its token is never in them; default: default",
  },
  SANDBOX_SERVICE_TYPE: {
    schema: z.enum(serviceTypes).default("NodePort"),
    allowed: `one of ${serviceTypes.join(", ")}`,
    purpose: "how sandboxes are reached, so what their URL is; default NodePort",
  },
  NODE_HOST: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9.:[\]-]+$/)
      .optional(),
    allowed: "a host name or address",
    purpose:
      "the host of URLs with SANDBOX_SERVICE_TYPE=NodePort; default: inside the cluster the address of the sandbox's node, outside host.docker.internal",
  },
  ROUTER_URL: {
    schema: httpUrl.transform((text) => text.replace(/\/$/, "")).optional(),
    allowed: "a URL such as http://provisioner.sandlot.svc:8002, without ? and #",
    purpose: "where clients reach this service, with SANDBOX_SERVICE_TYPE=Router",
  },
  ROUTER_HOST_SUFFIX: {
    schema: z
      .string()
      .max(189)
      .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
      .optional(),
    allowed: "a domain of two labels or more in lower case, such as sandboxes.example.com",
    purpose:
      "the domain below which each port of a sandbox has a host, {port}-{id}.<domain>, with scheme and port of ROUTER_URL; default: none",
  },
  EGRESS_PROXY_URL: {
    schema: httpUrl.refine((text) => URL.canParse(text) && isProxyUrl(text)).optional(),
    allowed:
      "a URL by the name of a Service, such as http://egress-proxy.sandlot-system.svc:3128, or by an address",
    purpose:
      "where sandboxes of profile allowlist reach the egress proxy, which keeps their rules; without it, rules are refused",
  },
  SKILLS_HOST_PATH: {
    schema: path.optional(),
    allowed: absolutePath,
    purpose: "the nodes' folder with skills, read-only at /mnt/skills",
  },
  SKILLS_PVC_NAME: {
    schema: dnsLabel.optional(),
    allowed: "the name of a claim",
    purpose: "the claim with skills, read-only at /mnt/skills",
  },
  SKILLS_PVC_SUBPATH_TEMPLATE: {
    schema: z
      .string()
      .refine(
        (text) =>
          !text.startsWith("/") &&
          !text.split("/").includes("..") &&
          !/\{(?!user_id\}|thread_id\})/.test(text),
      )
      .optional(),
    allowed: "a relative path without .., in which {user_id} and {thread_id} stand for themselves",
    purpose: "the part of SKILLS_PVC_NAME that a sandbox sees",
  },
  THREADS_HOST_PATH: {
    schema: path.optional(),
    allowed: absolutePath,
    purpose: "the nodes' folder with one folder for each thread",
  },
  USERDATA_PVC_NAME: {
    schema: dnsLabel.optional(),
    allowed: "the name of a claim",
    purpose: "the claim with users' data",
  },
  DEER_FLOW_HOST_BASE_DIR: {
    schema: path.optional(),
    allowed: absolutePath,
    purpose:
      "the gateway's state: users' data by user and thread, skill views, extra mounts; on nodes, or in USERDATA_PVC_NAME below deer-flow",
  },
  HOST_PATH_MOUNTS: {
    schema: z.stringbool({ truthy: ["true"], falsy: ["false"] }).default(true),
    allowed: "true or false",
    purpose:
      "whether folders of nodes may be mounted; false where Pod Security forbids it: mounts that no claim has are left out; default true",
  },
  PROVISIONER_API_KEY: {
    schema: z.string().min(16).optional(),
    allowed: "at least 16 characters",
    purpose: "the API key of the tenant `default`, without quota",
  },
  API_KEYS_FILE: {
    schema: path.optional(),
    allowed: absolutePath,
    purpose: "the file with hashed API keys and tenants; changes are taken over while running",
  },
  SIGNING_KEY_FILE: {
    schema: path.optional(),
    allowed: absolutePath,
    purpose:
      "the file with the key that sandboxes' tokens are made from, at least 32 bytes; further lines are keys that are taken as well, for a rotation; default: made from PROVISIONER_API_KEY",
  },
  READY_TIMEOUT_SECONDS: seconds(
    1,
    120,
    20,
    "how long a create waits for the sandbox to answer; DeerFlow's client gives up after 30",
  ),
  API_PATIENCE_SECONDS: seconds(
    0,
    60,
    8,
    "for how long errors of the API server and failed connections to it are waited out in a call; unless 0, a create does so for READY_TIMEOUT_SECONDS",
  ),
  SOFT_TIMEOUT_SECONDS: seconds(1, week, 3600, "the life of a sandbox of /v1 that asks for none"),
  HARD_TIMEOUT_SECONDS: seconds(60, week, 86400, "the longest life of any sandbox"),
  DEERFLOW_IDLE_SECONDS: seconds(
    60,
    week,
    14400,
    "how long a sandbox of /api lives after it was last named or used",
  ),
  START_TIMEOUT_SECONDS: seconds(10, 3600, 300, "when a pod that never answered is given up"),
  FAILED_SECONDS: seconds(0, 86400, 600, "how long a failed sandbox stays to be seen"),
  POOL_MAX_AGE_SECONDS: seconds(60, week, 3600, "when an idle pod is replaced"),
  POOL_MAX_STARTING: {
    schema: whole(1, 100).default(8),
    allowed: "a whole number from 1 to 100",
    purpose:
      "the most pods of one pool that start at once, for each node that has sandboxes or idle pods; half as many within two seconds of a claim; default 8",
  },
  DRAIN_SECONDS: seconds(
    0,
    3600,
    20,
    "for how long, after it is told to stop, requests and WebSockets that are under way may go on",
  ),
  MAX_SANDBOXES: {
    schema: whole(1, 100000).default(500),
    allowed: "a whole number from 1 to 100000",
    purpose: "the most pods, idle ones among them and failed ones not; default 500",
  },
  ...tracingVariables,
} as const satisfies Record<string, Variable>;
