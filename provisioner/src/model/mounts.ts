// What a sandbox may be asked for to see of the outside, and what it is shown to see: skills, and data that outlives it. Where that
// lies is as in DeerFlow's API, so that both lead to the same folders.
import { z } from "zod";

import { deerflowVolumes, type MountSettings } from "./deerflow-mounts.js";
import { threadIdPattern, userIdPattern } from "./names.js";
import type { MountedVolume } from "./pod.js";
import { defaultSkillsRoot } from "./skills-root.js";

const userData = z.strictObject({
  userId: z.string().regex(userIdPattern),
  threadId: z.string().regex(threadIdPattern),
});

/** Whose data, within a tenant. The ids become names of folders. */
export type UserData = Readonly<z.infer<typeof userData>>;

/** What of the outside a sandbox has. */
export interface Mounts {
  readonly skills: boolean;
  readonly userData?: UserData | undefined;
}

/** Where the gateway's state has a view of skills for everybody; those of single users are of DeerFlow's API alone. */
const publicSkillsPath = `${defaultSkillsRoot}/public`;
const userDataPath = "/mnt/user-data";

/** One thing that is asked for and cannot be had. */
export interface MountProblem {
  readonly field: "skills" | "userData";
  readonly message: string;
}

/** The volumes that a request of /v1 asks for; none if there are problems. */
export function askedVolumes(
  settings: MountSettings,
  tenant: string,
  asked: Mounts,
): { volumes: MountedVolume[]; problems: MountProblem[] } {
  const problems = [...skillsProblems(settings, asked), ...dataProblems(settings, asked)];
  if (problems.length > 0) return { volumes: [], problems };
  const places = [
    ...(asked.skills ? [defaultSkillsRoot, publicSkillsPath] : []),
    ...(asked.userData === undefined ? [] : [userDataPath]),
  ];
  // Without a user nothing is taken that goes by one.
  const { userId, threadId } = asked.userData ?? { userId: "", threadId: "" };
  const all = deerflowVolumes(settings, { tenant, userId, threadId }, []);
  return { volumes: all.filter(({ mountPath }) => places.includes(mountPath)), problems };
}

function skillsProblems(settings: MountSettings, { skills, userData }: Mounts): MountProblem[] {
  const { skillsClaim, skillsHostPath, skillsSubPath = "", baseDir } = settings;
  const problem = (message: string): MountProblem[] => [{ field: "skills", message }];
  if (!skills) return [];
  if ([skillsClaim, skillsHostPath, baseDir].every((place) => place === undefined))
    return problem(
      "is true, but must be false or absent: this provisioner has no skills (its operator sets SKILLS_PVC_NAME, SKILLS_HOST_PATH or DEER_FLOW_HOST_BASE_DIR)",
    );
  if (userData === undefined && /\{(?:user|thread)_id\}/.test(skillsSubPath))
    return problem(
      "is true, but must be false or absent without userData: skills are by user here (SKILLS_PVC_SUBPATH_TEMPLATE)",
    );
  return [];
}

function dataProblems(settings: MountSettings, asked: Mounts): MountProblem[] {
  const { userDataClaim, baseDir, threadsHostPath } = settings;
  if (asked.userData === undefined || userDataClaim !== undefined || baseDir !== undefined) return [];
  const why =
    threadsHostPath === undefined
      ? "this provisioner keeps no users' data"
      : "this provisioner keeps data by thread alone (THREADS_HOST_PATH), where users would not be apart";
  const message = `is given, but must be absent: ${why} (its operator sets USERDATA_PVC_NAME or DEER_FLOW_HOST_BASE_DIR)`;
  return [{ field: "userData", message }];
}

/** What volumes come to for whoever looks at the sandbox. */
export function mountsOf(
  volumes: readonly MountedVolume[],
  owner: UserData | undefined,
  skillsRoot = defaultSkillsRoot,
): Mounts {
  const at = (path: string): boolean =>
    volumes.some(({ mountPath }) => mountPath === path || mountPath.startsWith(`${path}/`));
  return { skills: at(skillsRoot), ...(at(userDataPath) ? { userData: owner } : {}) };
}

/** Of an annotation; undefined if it is none, or somebody wrote something else into it. */
export function readUserData(text: string | undefined): UserData | undefined {
  if (text === undefined) return undefined;
  try {
    return userData.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
