// The bodies and parameters of /v1: what is validated, and what the OpenAPI document is made from.
import { z } from "zod";

import { parseRule, ruleSyntax } from "../egress/rules.js";
import { egressProfiles } from "../model/egress.js";
import { refusalRecord } from "../model/egress-refusals.js";
import {
  sandboxIdPattern,
  sandboxIdRule,
  threadIdPattern,
  threadIdRule,
  userIdPattern,
  userIdRule,
} from "../model/names.js";
import { longestRule, mostRules } from "../model/network-rules.js";
import { isAmount } from "../model/size.js";
import { strict } from "../model/validation.js";
import { longestVariable, mostBytes, mostVariables, variableProblems } from "../model/variables.js";

const week = 7 * 24 * 3600;

/** A key of a label: the 63 characters that Kubernetes gives the name of one, without a prefix. */
const labelKey = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/,
    "its key must have no prefix, and be 1 to 63 letters, digits, -, _ and ., with a letter or digit at both ends",
  );
const labelValue = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/,
    "must be at most 63 letters, digits, -, _ and ., with a letter or digit at both ends",
  );
const variable = z
  .string()
  .regex(
    /^(?!SANDBOXD_)[A-Za-z_][A-Za-z0-9_]*$/,
    "its name must be letters, digits and _, and begin with no digit and not with SANDBOXD_",
  );

/** That an object has no more than so many entries, and how many it has if not. */
const atMost = (most: number, what: string) => {
  const count = (given: unknown): number => Object.keys(given as object).length;
  return [
    (given: unknown) => count(given) <= most,
    {
      error: ({ input }: { input?: unknown }) => `has ${count(input)} ${what}, but must have at most ${most}`,
    },
  ] as const;
};

const variablesRule = `With secrets at most ${mostVariables}, of ${mostBytes / 1024} KiB together, each at most ${longestVariable} bytes with its name, without NUL.`;

/** The most variables in each of env and secrets, and the most labels. */
const mostOfEach = 128;
const mostLabels = 32;

const environmentVariables = z
  .record(variable, z.string().max(65_536))
  .refine(...atMost(mostOfEach, "variables"))
  .meta({ maxProperties: mostOfEach });

const rules = z
  .array(
    z
      .string()
      .max(longestRule)
      .refine((text) => parseRule(text) !== undefined, `must be ${ruleSyntax}`),
  )
  .max(mostRules);

const networkFields = {
  allow: rules.optional().meta({
    description: `What it may reach: each ${ruleSyntax}. Private addresses are open only to a range that lies within them.`,
  }),
  deny: rules.optional().meta({ description: "What it may not reach, even if it is allowed." }),
};

/** The body of a change of what a sandbox may reach. */
export const networkSchema = strict(networkFields)
  .refine(({ allow, deny }) => allow !== undefined || deny !== undefined, "must have allow, deny or both")
  .meta({ id: "ChangeNetwork", description: "A list that is absent stays as it is." });

const amount = z
  .string()
  .refine(isAmount, 'must be a Kubernetes quantity above zero, such as "500m", "2", "256Mi" or "1Gi"');

const amounts = (what: string) =>
  strict({
    cpu: amount.optional().meta({ description: "Cores, such as 500m or 2." }),
    memory: amount.optional().meta({ description: "Bytes, such as 256Mi or 1Gi." }),
    ephemeralStorage: amount.optional().meta({ description: "Bytes of the node's disk." }),
  }).meta({ description: what });

const resources = strict({
  limits: amounts("What it may use at most. What is absent is as in its environment.").optional(),
  requests: amounts(
    "What it is promised. What is absent is as in its environment, or the limit where that is less.",
  ).optional(),
});

const userData = strict({
  userId: z.string().regex(userIdPattern, `must be ${userIdRule}`),
  threadId: z
    .string()
    .regex(threadIdPattern, `must be ${threadIdRule}`)
    .default("default")
    .meta({ description: "Which of the user's folders; there are as many as are named." }),
});

/** The body of a create. */
export const createSchema = strict({
  id: z.string().regex(sandboxIdPattern, `must be ${sandboxIdRule}`).optional().meta({
    description:
      "The id, unique among your sandboxes; a random one if absent. Creating the same again returns it.",
  }),
  environment: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .meta({ description: "What the sandbox is made from; see /v1/environments." }),
  resources: resources.optional().meta({
    description:
      "What it may use, up to `maxResources` of its environment. With other amounts than its environment's it starts cold.",
  }),
  runtime: z.string().min(1).max(253).optional().meta({
    description:
      "The RuntimeClass that it runs in, of `runtimes` of its environment. With another than its environment's it starts cold.",
  }),
  skills: z.boolean().optional().meta({
    description:
      "Whether it sees the configured skills, read-only, at /mnt/skills; default false. With them it starts cold.",
  }),
  userData: userData.optional().meta({
    description:
      "Whose data it has at /mnt/user-data. That stays when the sandbox goes; your next sandbox with the same user and thread has it again. With it, it starts cold.",
  }),
  labels: z
    .record(labelKey, labelValue)
    .refine(...atMost(mostLabels, "labels"))
    .optional()
    .meta({ description: "To find it again by.", maxProperties: mostLabels }),
  env: environmentVariables.optional().meta({
    description: `Environment variables of its commands. Kept in the sandbox's memory only. ${variablesRule}`,
  }),
  secrets: environmentVariables.optional().meta({
    description: "As env, for what is secret; no name may be in both. Never shown again.",
  }),
  egress: z
    .enum(egressProfiles)
    .optional()
    .meta({ description: "What it may reach; never more than its environment opens." }),
  network: strict(networkFields)
    .optional()
    .meta({ description: "What it may reach with egress `allowlist`; nothing, if absent." }),
  softTimeoutSeconds: z
    .int()
    .min(1)
    .max(week)
    .optional()
    .meta({ description: "It goes after this, unless it is extended." }),
  idleTimeoutSeconds: z.int().min(10).max(week).optional().meta({
    description:
      "It goes after this without activity: calls that name it, calls of its own API, and traffic through the router. Absent: never.",
  }),
  hardTimeoutSeconds: z
    .int()
    .min(60)
    .max(week)
    .optional()
    .meta({ description: "It goes after this, whatever happens." }),
})
  .superRefine(({ env, secrets }, context) => {
    for (const problem of variableProblems(env, secrets)) context.addIssue({ code: "custom", ...problem });
  })
  .meta({ id: "CreateSandbox" });

const shownAmounts = z.object({
  cpu: z.string().optional(),
  memory: z.string().optional(),
  ephemeralStorage: z.string().optional(),
});

const runtime = z
  .string()
  .optional()
  .meta({ description: "The RuntimeClass; absent for the nodes' ordinary runtime." });

/** A sandbox, as its owner sees it. */
export const sandboxSchema = z
  .object({
    id: z.string(),
    state: z.enum(["starting", "running", "stopping", "failed"]).meta({
      description:
        "starting: does not answer yet, or not now. failed: its server is gone; it does not come back.",
    }),
    reason: z.string().optional().meta({ description: "Why it failed, as Kubernetes says." }),
    environment: z.string(),
    start: z.enum(["warm", "cold"]).meta({
      description: "warm: it was waiting in a pool. cold: it was started for whoever asked.",
    }),
    url: z
      .string()
      .optional()
      .meta({ description: "The base URL of its API; absent while it is not known." }),
    hostUrl: z.string().optional().meta({
      description:
        "The URL of a server on one of its ports, with an origin of its own: `{port}` stands for the port. Absent where sandboxes have no hosts.",
    }),
    token: z.string().optional().meta({
      description: "What its API asks for in the header X-Sandbox-Token; absent if it asks for nothing.",
    }),
    resources: z
      .object({ limits: shownAmounts, requests: shownAmounts })
      .meta({ description: "What it may use at most, and what it is promised." }),
    runtime,
    skills: z.boolean().meta({ description: "Whether it sees skills at /mnt/skills." }),
    userData: z
      .object({ userId: z.string(), threadId: z.string() })
      .optional()
      .meta({ description: "Whose data is at /mnt/user-data; absent: what is there goes with the sandbox." }),
    labels: z.record(z.string(), z.string()),
    egress: z.string(),
    network: z
      .object({ allow: z.array(z.string()), deny: z.array(z.string()) })
      .optional()
      .meta({ description: "What it may reach; with egress `allowlist` only." }),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    hardExpiresAt: z.iso.datetime(),
    idleTimeoutSeconds: z.number().optional(),
    lastActiveAt: z.iso.datetime(),
  })
  .meta({ id: "Sandbox" });

export type SandboxBody = z.infer<typeof sandboxSchema>;

export const sandboxListSchema = z
  .object({
    items: z.array(sandboxSchema),
    next: z
      .string()
      .optional()
      .meta({ description: "Give it as `after` for the next page; absent on the last one." }),
  })
  .meta({ id: "SandboxList" });

export const extendSchema = strict({
  seconds: z
    .int()
    .min(1)
    .max(week)
    .meta({ description: "The soft timeout, from now; never beyond the hard one." }),
}).meta({ id: "ExtendSandbox" });

const allAmounts = z.object({ cpu: z.string(), memory: z.string(), ephemeralStorage: z.string() });

export const environmentListSchema = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        image: z.string(),
        egress: z.string(),
        limits: allAmounts.meta({ description: "The limits of a sandbox that asks for none." }),
        requests: allAmounts.meta({ description: "What a sandbox that asks for nothing is promised." }),
        maxResources: allAmounts.meta({ description: "The highest limits that you may ask for." }),
        runtime,
        runtimes: z.array(z.string()).meta({ description: "The RuntimeClasses that you may ask for." }),
        pool: z
          .object({
            size: z.int(),
            ready: z.int(),
            autoscaling: z
              .object({
                min: z.int(),
                max: z.int(),
                targetUtilization: z.int(),
                scaleDownSeconds: z.int(),
              })
              .optional()
              .meta({ description: "How `size` follows use; absent where it is fixed." }),
          })
          .meta({ description: "Idle pods: how many there should be now, and how many are Ready." }),
      }),
    ),
  })
  .meta({ id: "EnvironmentList" });

/** The data of an event `egress-refused`. */
export const egressRefusedSchema = refusalRecord
  .extend({ at: z.iso.datetime() })
  .meta({ id: "EgressRefused", description: "What the egress proxy refused to a sandbox." });

export const idParameters = z.object({ id: z.string() });

export const listQuery = strict({
  labels: z.string().max(2_000).optional().meta({
    description:
      "Labels that sandboxes must have: `key=value`, `key!=value`, `key` or `!key`, separated by commas.",
  }),
  limit: z.coerce.number().int().min(1).max(500).default(100).meta({ description: "The most on one page." }),
  after: z.string().max(64).optional().meta({ description: "`next` of the page before." }),
});

export const logsQuery = strict({
  tailLines: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .meta({ description: "The last lines." }),
});

export const createHeaders = z.object({
  "Idempotency-Key": z.string().min(1).max(255).optional().meta({
    description:
      "A create that is repeated with the same key returns what the first one made. Only without `id`.",
  }),
});
