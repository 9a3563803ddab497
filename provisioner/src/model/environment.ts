// What a sandbox is made from: the record that a ConfigMap of the namespace holds.
import type { V1Affinity, V1Toleration, V1TopologySpreadConstraint } from "@kubernetes/client-node";
import { z } from "zod";

import { egressProfiles, looksNamesUp } from "./egress.js";
import { digest } from "./names.js";
import { poolRecord } from "./pool-size.js";
import { mistakes, type Hidden } from "./validation.js";

const amounts = z.object({ cpu: z.string(), memory: z.string(), "ephemeral-storage": z.string() });

const object = <T extends object>() =>
  z.custom<T>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "must be an object",
  );

/** The part of a pod's specification that says where it runs, and no other part; what is in it is the API server's to judge. */
const placement = z
  .object({
    nodeSelector: z.record(z.string(), z.string()),
    tolerations: z.array(object<V1Toleration>()),
    topologySpreadConstraints: z.array(object<V1TopologySpreadConstraint>()),
    affinity: object<V1Affinity>(),
  })
  .partial();

/** Version 1 of the record. Fields that it does not name are left alone: they may be added within the version. */
export const environmentRecord = z.object({
  version: z.literal(1),
  name: z
    .string()
    .regex(
      /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
      "must be at most 40 lower-case letters, digits and hyphens, with a letter or digit at both ends",
    ),
  image: z.string().min(1),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]),
  imagePullSecrets: z.array(z.string()),
  runtimeClassName: z.string().min(1).optional(),
  priorityClassName: z.string().min(1).optional(),
  egress: z.enum(egressProfiles),
  resources: z.object({ requests: amounts, limits: amounts }),
  // What a sandbox may ask for beyond that; absent: nothing more, and no other runtime.
  maxResources: amounts.partial().optional(),
  runtimes: z.array(z.string().min(1)).optional(),
  placement: placement.optional(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.object({ variable: z.string(), secret: z.string(), key: z.string() })),
  pool: poolRecord,
});

/** What a sandbox is made from. */
export type Environment = z.infer<typeof environmentRecord>;

/** The environment that `SANDBOX_IMAGE` alone describes; the amounts are those of the shared sandbox. */
export function environmentOfImage(name: string, image: string): Environment {
  return {
    version: 1,
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    imagePullSecrets: [],
    egress: "blocked",
    resources: {
      requests: { cpu: "100m", memory: "128Mi", "ephemeral-storage": "256Mi" },
      limits: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" },
    },
    env: {},
    secrets: [],
    pool: { size: 0 },
  };
}

/** What variables hold is nobody's business. */
const hidden: Hidden = ([first]) => first === "env";

/**
 * Reads the record of a ConfigMap.
 * @returns the environment, or a sentence that says what is wrong with it
 */
export function readEnvironment(labelled: string, text: string | undefined): Environment | string {
  if (text === undefined) return "it has no environment.json";
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return "its environment.json is no JSON";
  }
  const result = environmentRecord.safeParse(parsed);
  if (!result.success)
    return `its environment.json is wrong at ${mistakes(result.error, parsed, hidden).join("; at ")}`;
  return result.data.name === labelled
    ? result.data
    : `its environment.json is named ${result.data.name}, but its label says ${labelled}`;
}

/** What beside its environment a pod of the pool is built from. */
export interface BuiltWith {
  readonly port: number;
  readonly serviceAccountName: string;
  readonly server: string;
}

/** A hash of all that a pod of the pool is built from, so not of the pool's size or of what a request may choose. */
export function revisionOf(
  environment: Environment,
  { port, serviceAccountName, server }: BuiltWith,
): string {
  // Of what it opens, a pod knows one thing from its start: whether it has DNS.
  const built: Partial<Environment> & { names: boolean } = {
    ...environment,
    names: looksNamesUp(environment.egress),
  };
  delete built.pool;
  delete built.egress;
  delete built.maxResources;
  delete built.runtimes;
  return digest(JSON.stringify({ ...built, port, serviceAccountName, server })).slice(0, 16);
}
