// When the kubelet ends a pod, whoever else is alive then: its `activeDeadlineSeconds`. Kubernetes counts it from the pod's start and
// lets nobody raise it. Every change of it makes the kubelet write the pod's status, so most claims leave it as it is.

/** Times are seconds. */
export interface DeadlineRules {
  /** The longest life of any sandbox. */
  readonly hardSeconds: number;
  /** When an idle pod is replaced. */
  readonly maxAgeSeconds: number;
}

/** A pod whose deadline may be set; the pods of earlier versions had none before their claim. */
interface Limited {
  readonly deadlineSeconds: number | undefined;
}

/** A pool that could not be renewed for so long is still of use. */
const graceSeconds = 3600;

/** By how much a sandbox may at most outlive its hard timeout where no provisioner runs that would end it. */
const mostSurplusSeconds = 7200;

/** The deadline of an idle pod: with room for the longest sandbox whenever it is claimed. */
export function idleDeadline({ hardSeconds, maxAgeSeconds }: DeadlineRules): number {
  return maxAgeSeconds + graceSeconds + hardSeconds;
}

/** Whether a pod of this age can become a sandbox of this life before the kubelet ends it. */
export function hasTime({ deadlineSeconds }: Limited, ageSeconds: number, hardSeconds: number): boolean {
  return deadlineSeconds === undefined || Math.ceil(ageSeconds) + hardSeconds <= deadlineSeconds;
}

/** The deadline that a claim has to write; undefined if the pod's own is near enough. */
export function claimDeadline(
  { deadlineSeconds }: Limited,
  ageSeconds: number,
  hardSeconds: number,
): number | undefined {
  const wanted = Math.ceil(ageSeconds) + hardSeconds;
  if (deadlineSeconds === undefined) return wanted;
  return deadlineSeconds - wanted > mostSurplusSeconds ? wanted : undefined;
}
