// What a scorer says of a set of manifests, and how each scorer's own output is read. Pure.

/** One check that one object does not pass. */
export interface Finding {
  /** The scorer's name of the check, such as `container-image-tag`. */
  readonly check: string;
  /** Kind and name, such as `Deployment/sandbox`, or as the scorer puts it. */
  readonly object: string;
  readonly message: string;
}

/** What one scorer says of one set of manifests. */
export interface Score {
  /** How many checks it made, over all objects. */
  readonly checks: number;
  /** Those that were not passed. */
  readonly findings: readonly Finding[];
  /** What the scorer sums up in a word of its own: a Pod Security level, points. */
  readonly verdict?: string;
}

/** Reads a scorer's output, which is JSON. */
export type Reader = (output: string) => Score;

/** From the most to the least that a workload may do. */
const levels = ["privileged", "baseline", "restricted"] as const;

/** Output of programs/pod-security. The verdict is the strictest level that every workload meets. */
export const readPodSecurity: Reader = (output) => {
  const workloads = JSON.parse(output) as {
    object: string;
    level: (typeof levels)[number];
    checks: number;
    violations: { reason: string; detail: string }[];
  }[];
  const least = Math.min(...workloads.map(({ level }) => levels.indexOf(level)));
  return {
    checks: workloads.reduce((sum, { checks }) => sum + checks, 0),
    findings: workloads.flatMap(({ object, violations }) =>
      violations.map(({ reason, detail }) => ({ check: reason, object, message: detail })),
    ),
    verdict: levels[least] ?? "no pods",
  };
};

/** From this grade on, kube-score is content (GradeAlmostOK in scorecard/scorecard.go). */
const almostOk = 7;

/** Output of `kube-score score --output-format json`. */
export const readKubeScore: Reader = (output) => {
  const objects = JSON.parse(output) as {
    type_meta: { kind: string };
    object_meta: { name: string };
    checks: {
      check: { id: string; name: string };
      grade: number;
      skipped: boolean;
      comments: { summary: string }[] | null;
    }[];
  }[];
  const made = objects.flatMap(({ type_meta, object_meta, checks }) =>
    checks
      .filter(({ skipped }) => !skipped)
      .map((each) => ({ ...each, object: `${type_meta.kind}/${object_meta.name}` })),
  );
  return {
    checks: made.length,
    findings: made
      .filter(({ grade }) => grade < almostOk)
      .map(({ check, object, comments }) => ({
        check: check.id,
        object,
        message: comments?.map(({ summary }) => summary).join("; ") ?? check.name,
      })),
  };
};

/** A check of kubesec's, passed or not. */
interface KubesecRule {
  id: string;
  reason: string;
}

/** Output of programs/kubesec. The verdict is the points of the workload that has the fewest. */
export const readKubesec: Reader = (output) => {
  const reports = JSON.parse(output) as {
    object: string;
    score: number;
    scoring: { critical?: KubesecRule[]; passed?: KubesecRule[]; advise?: KubesecRule[] };
  }[];
  const scored = reports.map(({ object, score, scoring }) => {
    const { critical = [], passed = [], advise = [] } = scoring;
    return { object, score, failed: [...critical, ...advise], count: passed.length };
  });
  const judged = scored.filter(({ failed, count }) => failed.length + count > 0);
  return {
    checks: judged.reduce((sum, { failed, count }) => sum + failed.length + count, 0),
    findings: judged.flatMap(({ object, failed }) =>
      failed.map(({ id, reason }) => ({
        check: id,
        object: object.split(".")[0] ?? object,
        message: reason,
      })),
    ),
    verdict: judged.length === 0 ? "no pods" : `${Math.min(...judged.map(({ score }) => score))} points`,
  };
};

/** Output of trivy/main.go, for files with one object each. */
export const readTrivy: Reader = (output) => {
  const results = JSON.parse(output) as {
    check: string;
    severity: string;
    message: string;
    file: string;
    passed: boolean;
  }[];
  return {
    checks: results.length,
    findings: results
      .filter(({ passed }) => !passed)
      .map(({ check, severity, message, file }) => ({
        check,
        object: file.replace(/\.yaml$/, "").replace("-", "/"),
        message: `${severity.toLowerCase()}: ${message}`,
      })),
  };
};

/** Output of `checkov --framework kubernetes --output json --quiet`, which counts what was passed and does not list it. */
export const readCheckov: Reader = (output) => {
  const { results, summary } = JSON.parse(output) as {
    results?: { failed_checks: { check_id: string; check_name: string; resource: string }[] };
    summary?: { passed: number; failed: number };
  };
  return {
    checks: (summary?.passed ?? 0) + (summary?.failed ?? 0),
    findings: (results?.failed_checks ?? []).map(({ check_id, check_name, resource }) => ({
      check: check_id,
      object: resource,
      message: check_name,
    })),
  };
};
