// How new pods take the place of old ones, and how old ones end: what can be asked, what is refused, and the objects.
import type * as k8s from "@pulumi/kubernetes";

import type { Checks, Rule } from "../shared/checks";
import { over } from "../shared/defaults";
import { integerBetween, matching } from "../shared/rules";

/** How an update goes through the pods. */
export interface SandboxRollout {
  /**
   * How many pods there may be beyond `replicas` meanwhile, a number or a percentage such as `50%`.
   * @default "1"
   */
  maxSurge?: string;
  /**
   * How many pods may be missing meanwhile, a number or a percentage. Anything but "0" takes room for requests away.
   * @default "0"
   */
  maxUnavailable?: string;
  /**
   * For how many seconds a new pod must have been Ready before an old one goes, 0 to 3600.
   * @default 0
   */
  minReadySeconds?: number;
  /**
   * Seconds without progress after which an update has failed, 10 to 86400.
   * @default 600
   */
  progressDeadlineSeconds?: number;
}

/** How a pod ends that is replaced, drained or scaled away. All of it fits into `terminationGracePeriodSeconds`. */
export interface SandboxShutdown {
  /**
   * For how many seconds the pod goes on serving while nodes learn that no new requests go to it, 0 to 300. With 0, requests that are
   * on their way when a pod ends can be refused.
   * @default 0
   */
  settleSeconds?: number;
  /**
   * For how many seconds at most running commands may go on after that before they are asked to end, 0 to 3600. No new ones begin
   * meanwhile, and the pod ends as soon as none runs. It takes sandboxd as the image's server.
   * @default - what the server does by itself
   */
  drainSeconds?: number;
}

/** {@link SandboxRollout} with every default filled in. */
export type RolloutSettings = Required<Omit<SandboxRollout, "progressDeadlineSeconds">> &
  Pick<SandboxRollout, "progressDeadlineSeconds">;

/** {@link SandboxShutdown} with every default filled in. */
export type ShutdownSettings = Required<Pick<SandboxShutdown, "settleSeconds">> &
  Pick<SandboxShutdown, "drainSeconds">;

/** The variable that tells sandboxd how long running commands may go on (sandboxd/internal/config/config.go). */
export const drainVariable = "SANDBOXD_DRAIN_SECONDS";

/** Seconds that sandboxd takes to end what still runs after that: SANDBOXD_GRACE_SECONDS, twice, and a little. */
const serverSeconds = 5;

/** Fills in the defaults. */
export function rolloutDefaults(given: SandboxRollout = {}): RolloutSettings {
  return over<RolloutSettings>({ maxSurge: "1", maxUnavailable: "0", minReadySeconds: 0 }, given);
}

/** Fills in the defaults. */
export function shutdownDefaults(given: SandboxShutdown = {}): ShutdownSettings {
  return over<ShutdownSettings>({ settleSeconds: 0 }, given);
}

/** A number or a percentage, as text. */
export const countOrPercentage: Rule<string> = matching(
  /^(?:\d{1,4}|\d{1,2}%|100%)$/,
  'a number such as "1" or a percentage such as "50%"',
);

/** Kubernetes wants numbers as numbers and percentages as text. */
export function countOrPercentageValue(value: string): number | string {
  return value.endsWith("%") ? value : Number(value);
}

const isNone = (value: string): boolean => /^0+%?$/.test(value);

/** Holds the rollout against its rules. */
export function checkRollout(checks: Checks, rollout: RolloutSettings): void {
  const { maxSurge, maxUnavailable, minReadySeconds, progressDeadlineSeconds } = rollout;
  checks.plain("rollout.maxSurge", maxSurge, countOrPercentage);
  checks.plain("rollout.maxUnavailable", maxUnavailable, countOrPercentage);
  if (isNone(maxSurge) && isNone(maxUnavailable)) {
    checks.problem(
      `rollout.maxSurge is "${maxSurge}" and rollout.maxUnavailable is "${maxUnavailable}", so that no update could ever begin; raise one`,
    );
  }
  checks.plain("rollout.minReadySeconds", minReadySeconds, integerBetween(0, 3600, "a number of seconds"));
  checks.plain(
    "rollout.progressDeadlineSeconds",
    progressDeadlineSeconds,
    integerBetween(10, 86400, "a number of seconds"),
  );
  if (minReadySeconds >= (progressDeadlineSeconds ?? 600)) {
    checks.problem(
      `rollout.minReadySeconds is ${minReadySeconds}, but rollout.progressDeadlineSeconds is ${progressDeadlineSeconds ?? 600}, ` +
        "so that every update would fail; lower the one or raise the other",
    );
  }
}

/** Holds the shutdown against its rules; `grace` is the time that Kubernetes gives a pod to end. */
export function checkShutdown(checks: Checks, shutdown: ShutdownSettings, grace: number): void {
  const { settleSeconds, drainSeconds } = shutdown;
  checks.plain("shutdown.settleSeconds", settleSeconds, integerBetween(0, 300, "a number of seconds"));
  checks.plain("shutdown.drainSeconds", drainSeconds, integerBetween(0, 3600, "a number of seconds"));
  const needed = settleSeconds + (drainSeconds ?? 0) + serverSeconds;
  if ((settleSeconds > 0 || drainSeconds !== undefined) && needed > grace) {
    checks.problem(
      `terminationGracePeriodSeconds is ${grace}, but shutdown.settleSeconds, shutdown.drainSeconds and ${serverSeconds} for the ` +
        `server's own end are ${needed} together; raise the one or lower the others`,
    );
  }
}

/** The Deployment's strategy and its timing. */
export function rolloutSpec(
  rollout: RolloutSettings,
): Pick<k8s.types.input.apps.v1.DeploymentSpec, "strategy" | "minReadySeconds" | "progressDeadlineSeconds"> {
  const { maxSurge, maxUnavailable, minReadySeconds, progressDeadlineSeconds } = rollout;
  return {
    strategy: {
      type: "RollingUpdate",
      rollingUpdate: {
        maxUnavailable: countOrPercentageValue(maxUnavailable),
        maxSurge: countOrPercentageValue(maxSurge),
      },
    },
    ...(minReadySeconds === 0 ? {} : { minReadySeconds }),
    ...(progressDeadlineSeconds === undefined ? {} : { progressDeadlineSeconds }),
  };
}

/**
 * What is done before the server is asked to stop: nothing, for a while. The pod is no endpoint any more, but answers requests that
 * still come.
 */
export function lifecycleOf({ settleSeconds }: ShutdownSettings): {
  lifecycle?: k8s.types.input.core.v1.Lifecycle;
} {
  return settleSeconds === 0 ? {} : { lifecycle: { preStop: { sleep: { seconds: settleSeconds } } } };
}

/** What the server is told. */
export function shutdownVariables({ drainSeconds }: ShutdownSettings): { name: string; value: string }[] {
  return drainSeconds === undefined ? [] : [{ name: drainVariable, value: String(drainSeconds) }];
}
