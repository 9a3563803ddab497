// The scorers: how each is called, and what it says.
import { join } from "node:path";

import { execa } from "execa";

import type { Manifests } from "./manifests.js";
import { checkovFolder, scorerPrograms } from "./programs.js";
import {
  readCheckov,
  readKubeScore,
  readKubesec,
  readPodSecurity,
  readTrivy,
  type Reader,
  type Score,
} from "./score.js";

/** A scorer that can be called. */
export interface Scorer {
  readonly name: string;
  readonly score: (manifests: Manifests, signal: AbortSignal) => Promise<Score>;
}

/** The Kubernetes version whose rules hold, as kube-score wants it: that of the node that is built here. */
const kubernetesVersion = "v1.34";

/** A scorer that is a program: its output is read, and its status does not matter, which tells of findings as of failure. */
function program(
  name: string,
  file: string,
  args: (manifests: Manifests) => readonly string[],
  read: Reader,
  env: NodeJS.ProcessEnv = {},
): Scorer {
  return {
    name,
    score: async (manifests, signal) => {
      const { stdout, stderr } = await execa(file, args(manifests), {
        env,
        stdin: "ignore",
        reject: false,
        timeout: 300_000,
        cancelSignal: signal,
      });
      try {
        return read(stdout);
      } catch (cause) {
        throw new Error(`${name} did not score ${manifests.name}: ${stderr || stdout}`, { cause });
      }
    },
  };
}

/** Every scorer that this machine can run, ready to be called. */
export async function prepareScorers(): Promise<Scorer[]> {
  const own = await scorerPrograms("programs", ["./pod-security", "./kubesec"]);
  // Made for older Kubernetes modules than the others.
  const kubeScore = await scorerPrograms("kube-score", ["github.com/zegl/kube-score/cmd/kube-score"]);
  // One of its packages needs what Go 1.26 has for trial only.
  const trivy = await scorerPrograms("trivy", ["."], { GOEXPERIMENT: "jsonv2" });
  const checkov = await checkovFolder();
  const file = (manifests: Manifests): string[] => [manifests.file];
  return [
    program("Pod Security", join(own, "pod-security"), file, readPodSecurity),
    program(
      "kube-score",
      join(kubeScore, "kube-score"),
      (manifests) => [
        "score",
        "--output-format=json",
        `--kubernetes-version=${kubernetesVersion}`,
        // Nothing in a manifest may switch a check off.
        "--disable-ignore-checks-annotations",
        "--disable-optional-checks-annotations",
        manifests.file,
      ],
      readKubeScore,
    ),
    program("kubesec", join(own, "kubesec"), file, readKubesec),
    program("trivy", join(trivy, "trivy"), (manifests) => [manifests.folder], readTrivy),
    ...(checkov === undefined ? [] : [checkovScorer(checkov)]),
  ];
}

/** @param folder with checkov's modules */
function checkovScorer(folder: string): Scorer {
  const options = ["--framework=kubernetes", "--output=json", "--quiet", "--compact", "--skip-download"];
  return program(
    "checkov",
    "python3",
    (manifests) => ["-m", "checkov.main", ...options, "--file", manifests.file],
    readCheckov,
    { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1", LOG_LEVEL: "ERROR" },
  );
}
