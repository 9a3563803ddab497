// Every environment variable that the egress proxy reads.
import { z } from "zod";

import { parseRange } from "../egress/address.js";
import { variables, whole, type Variable } from "./variables.js";

const { HOST, PORT, LOG_LEVEL, POD_NAME, K8S_NAMESPACE, KUBECONFIG_PATH, K8S_API_SERVER } = variables;

const ranges = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  )
  .refine((parts) => parts.every((part) => parseRange(part) !== undefined));

/** The variables, by name. */
export const egressVariables = {
  HOST,
  PORT: { ...PORT, schema: whole(0, 65535).default(3128), purpose: "the port of the proxy; default 3128" },
  HEALTH_PORT: {
    ...PORT,
    schema: whole(0, 65535).default(8081),
    purpose: "the port of /livez, /readyz and /metrics, which sandboxes must not reach; default 8081",
  },
  LOG_LEVEL,
  POD_NAME: { ...POD_NAME, purpose: "this replica's name in Events; default: the host's name" },
  K8S_NAMESPACE,
  KUBECONFIG_PATH,
  K8S_API_SERVER,
  DENIED_CIDRS: {
    schema: ranges,
    allowed: "ranges of addresses such as 10.42.0.0/16,fd00::/8, separated by commas",
    purpose:
      "what no rule of a sandbox opens, beside link-local, metadata and other ranges that are never open: the cluster's, the nodes' and your own",
  },
  DRAIN_SECONDS: {
    schema: whole(0, 600).default(10),
    allowed: "a whole number of seconds from 0 to 600",
    purpose: "how long it goes on serving after it is told to stop, not Ready any more; seconds, default 10",
  },
} as const satisfies Record<string, Variable>;
