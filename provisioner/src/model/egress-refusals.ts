// What the egress proxy refuses to a sandbox: as it writes it into Events, and as whoever follows the sandbox is told of it.
import { z } from "zod";

/** Why a destination is refused; docs/api.md says what each means. */
export const egressRefusals = [
  "invalid",
  "not_allowed",
  "denied",
  "private",
  "closed",
  "unresolvable",
  "unreachable",
  "crowded",
] as const;

/** One of {@link egressRefusals}. */
export type EgressRefusal = (typeof egressRefusals)[number];

/** One kind of refusal, once or several times. */
export const refusalRecord = z.object({
  host: z.string().meta({
    description:
      "What the sandbox asked for; `other destinations`, with port 0, where there are too many within a second.",
  }),
  port: z.int().meta({ description: "0 where there is none, as of what is no host and port." }),
  reason: z.enum(egressRefusals),
  count: z.int().meta({ description: "How often within a second." }),
});

export type RefusalRecord = z.infer<typeof refusalRecord>;
