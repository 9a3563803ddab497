// What an id was asked for with before, against what it is asked for with now, as far as that can be seen on the sandbox. Pure.
import type { SandboxRequest } from "./claim.js";
import { parseQuantity } from "./quantity.js";
import type { Sandbox } from "./sandbox.js";
import { amountNames, namedAmounts, type Amounts } from "./size.js";

/** A field of the request, and what it is on the sandbox that is there. */
export interface Difference {
  readonly field: string;
  readonly message: string;
}

/** What has its values not on the pod, or changes while the sandbox lives, so that it may differ without being seen to. */
export function unseenFields({ deerflow }: Pick<SandboxRequest, "deerflow">): string {
  return deerflow
    ? "user_id, thread_id, extra_mounts or skills_container_path"
    : "env, secrets, network or a timeout";
}

/** The fields that are seen to differ; none if what differs is {@link unseenFields}. */
export function differences(request: SandboxRequest, there: Sandbox): Difference[] {
  const { resources, mounts, deerflow } = request;
  const [asked, had] = [mounts?.userData, there.userData];
  return [
    ...difference("environment", request.environment, there.environment),
    // What is absent is the environment's, which may have been another then.
    ...(request.egress === undefined ? [] : difference("egress", request.egress, there.egress)),
    ...(request.runtime === undefined ? [] : difference("runtime", request.runtime, there.runtime)),
    ...amountDifferences("resources.limits", resources?.limits, namedAmounts(there.limits)),
    ...amountDifferences("resources.requests", resources?.requests, namedAmounts(there.requests)),
    ...difference("labels", request.labels, there.labels),
    // By the names that whoever asks has for it. DeerFlow's gateway cannot ask for skills: it has them by mounts or by configuration.
    ...(deerflow
      ? [
          ...difference("user_id", asked?.userId, had?.userId),
          ...difference("thread_id", asked?.threadId, had?.threadId),
        ]
      : [
          ...difference("skills", mounts?.skills ?? false, there.skills),
          ...difference("userData", asked, had),
          ...difference("idleTimeoutSeconds", request.lifetime.idleSeconds, there.idleSeconds),
        ]),
  ];
}

function amountDifferences(field: string, asked: Amounts = {}, there: Amounts): Difference[] {
  return amountNames.flatMap((name) => {
    const [one, other] = [asked[name], there[name]];
    return one === undefined || parseQuantity(one) === parseQuantity(other ?? "")
      ? []
      : difference(`${field}.${name}`, one, other);
  });
}

function difference(field: string, asked: unknown, there: unknown): Difference[] {
  if (text(asked) === text(there)) return [];
  return [{ field, message: `is ${text(asked)}, but was ${text(there)} when the sandbox was created` }];
}

/** Keys in order, so that order is no difference. */
function text(value: unknown): string {
  if (value === undefined) return "not given";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}
