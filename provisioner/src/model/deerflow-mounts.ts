// What DeerFlow's sandboxes see of the outside: skills, a thread's data, and the extra mounts of its gateway.
import { posix } from "node:path";

import { defaultTenant } from "./names.js";
import type { MountedVolume } from "./pod.js";
import { defaultSkillsRoot, skillsFolders } from "./skills-root.js";

/** Where things are, by DeerFlow's environment variables. */
export interface MountSettings {
  /** `SKILLS_HOST_PATH`: one folder of the node with all skills. */
  readonly skillsHostPath?: string | undefined;
  /** `SKILLS_PVC_NAME` */
  readonly skillsClaim?: string | undefined;
  /** `SKILLS_PVC_SUBPATH_TEMPLATE`, with `{user_id}` and `{thread_id}`. */
  readonly skillsSubPath?: string | undefined;
  /** `THREADS_HOST_PATH`: the node's folder with one folder for each thread. */
  readonly threadsHostPath?: string | undefined;
  /** `USERDATA_PVC_NAME` */
  readonly userDataClaim?: string | undefined;
  /** `DEER_FLOW_HOST_BASE_DIR`: where the gateway says that its state is, with one folder for each user. */
  readonly baseDir?: string | undefined;
  /**
   * `HOST_PATH_MOUNTS`: whether folders of nodes may be mounted. If not, all is in claims: the gateway's state in that of users' data,
   * below {@link stateFolder}.
   * @default true
   */
  readonly hostPaths?: boolean | undefined;
}

/** Who asks. Users and threads are the tenant's own: those of two tenants may be called the same. */
export interface Owner {
  readonly tenant: string;
  readonly userId: string;
  readonly threadId: string;
}

/** A folder of the gateway's state that is to be seen in the sandbox. */
export interface ExtraMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
}

/** Where extra mounts may go beside the folders of skills: what DeerFlow's gateway asks for. */
const extraMountTargets: readonly string[] = [
  "/mnt/acp-workspace",
  "/mnt/integrations/lark-cli/config",
  "/mnt/integrations/lark-cli/config/locks",
  "/mnt/integrations/lark-cli/data",
  "/mnt/integrations/lark-cli/runtime",
];

/** An extra mount that a sandbox does without. */
export interface LeftOut {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly why: string;
}

/** The folder of the claim of users' data that is the gateway's state: its Helm chart mounts that folder as its own. */
const stateFolder = "deer-flow";

/** The gateway's state where `DEER_FLOW_HOST_BASE_DIR` is not set. */
const defaultBaseDir = "/.deer-flow";

/** An extra mount that cannot be: a sentence for its sender. */
export class MountError extends Error {
  override readonly name = "MountError";
}

/**
 * What of the extra mounts can be had, and what a sandbox does without. The gateway gives up without a sandbox if one mount is
 * refused, and sends its mounts whoever serves it: so where folders of nodes cannot be mounted at all, what no claim has is left
 * out. Where they can be, all are taken, and refused if they are bad.
 * @throws MountError if a mount is not one of the gateway's.
 */
export function servedMounts(
  settings: MountSettings,
  { tenant }: Owner,
  extra: readonly ExtraMount[],
  skillsRoot = defaultSkillsRoot,
): { served: ExtraMount[]; leftOut: LeftOut[] } {
  checkTargets(extra, skillsRoot);
  if (settings.hostPaths !== false) return { served: [...extra], leftOut: [] };
  const served: ExtraMount[] = [];
  const leftOut: LeftOut[] = [];
  const inSkillsClaim =
    settings.skillsClaim !== undefined && !overridesSkills(extra, skillsRoot) ? skillsRoot : undefined;
  for (const mount of extra) {
    const why = whyNot(settings, tenant, mount, inSkillsClaim);
    if (why === undefined) served.push(mount);
    else leftOut.push({ containerPath: mount.containerPath, hostPath: mount.hostPath, why });
  }
  return { served, leftOut };
}

/** Why no claim has what is to be mounted, if none has. `readOnlyRoot`: a volume that nothing can be mounted in. */
function whyNot(
  settings: MountSettings,
  tenant: string,
  mount: ExtraMount,
  readOnlyRoot: string | undefined,
): string | undefined {
  const { userDataClaim, baseDir } = settings;
  if (userDataClaim === undefined || baseDir === undefined)
    return "no claim is known to hold the gateway's state: set USERDATA_PVC_NAME and DEER_FLOW_HOST_BASE_DIR";
  if (tenant !== defaultTenant) return `the gateway's state is the tenant ${defaultTenant}'s`;
  if (!mount.hostPath.startsWith(`${baseDir.replace(/\/$/, "")}/`))
    return `it is not below DEER_FLOW_HOST_BASE_DIR, ${baseDir}`;
  // In a read-only volume a runtime can make no place to mount it at, so that the pod would not start.
  if (readOnlyRoot !== undefined && mount.containerPath.startsWith(`${readOnlyRoot}/`))
    return `${readOnlyRoot} is the claim SKILLS_PVC_NAME: without that one, skills come from the gateway's state`;
  return undefined;
}

/**
 * The volumes of one sandbox; each place is mounted once, and what the gateway sends goes over what is configured.
 * @throws MountError if an extra mount is not allowed.
 */
export function deerflowVolumes(
  settings: MountSettings,
  owner: Owner,
  extra: readonly ExtraMount[],
  skillsRoot = defaultSkillsRoot,
): MountedVolume[] {
  checkTargets(extra, skillsRoot);
  const apart = apartFrom(owner);
  if (extra.length > 0 && apart !== "")
    throw new MountError(
      `extra_mounts are folders of the gateway's state, which is that of the tenant ${defaultTenant} and not of ${owner.tenant}: leave them out`,
    );
  const own = { ...owner, userId: apart + owner.userId };
  // A claim of skills would be hidden by them all the same, and they could not be mounted in it.
  const configured = overridesSkills(extra, skillsRoot) ? [] : skills(settings, own, skillsRoot);
  const places = [...configured, ...userData(settings, own), ...extraMounts(settings, extra)];
  return [...new Map(places.map((place) => [place.mountPath, place])).values()];
}

/**
 * What comes before the names of a tenant's folders. The gateway, and the state that it shares with sandboxes, is the tenant
 * `default`'s; whoever else calls has folders of its own, which no name of a user or thread can lead out of: none has a dot.
 */
function apartFrom({ tenant }: Owner): string {
  return tenant === defaultTenant ? "" : `${tenant}.`;
}

function skills(settings: MountSettings, owner: Owner, skillsPath: string): MountedVolume[] {
  if (settings.skillsClaim !== undefined) {
    const template = settings.skillsSubPath;
    // A part that goes by thread alone is the tenant's own as well.
    const thread = (template?.includes("{user_id}") === true ? "" : apartFrom(owner)) + owner.threadId;
    const subPath = template?.replaceAll("{user_id}", owner.userId).replaceAll("{thread_id}", thread);
    const volume = {
      name: "skills",
      persistentVolumeClaim: { claimName: settings.skillsClaim, readOnly: true },
    };
    return [{ volume, mountPath: skillsPath, readOnly: true, ...(subPath === undefined ? {} : { subPath }) }];
  }
  if (settings.skillsHostPath !== undefined)
    return [onHost("skills", settings.skillsHostPath, skillsPath, true)];
  const { baseDir, userDataClaim, hostPaths } = settings;
  if (baseDir === undefined) return [];
  const view = (kind: string, path: string): MountedVolume => {
    const place = `${skillsPath}/${kind}`;
    return hostPaths === false && userDataClaim !== undefined
      ? inClaim(userDataClaim, `${stateFolder}/${path}`, place, true)
      : onHost(`skills-${kind}`, posix.join(baseDir, path), place, true);
  };
  const all = view("public", "skills_view/public");
  // The gateway makes views for its own users alone.
  if (apartFrom(owner) !== "") return [all];
  return [
    all,
    view("custom", `users/${owner.userId}/skills_view/custom`),
    view("legacy", `users/${owner.userId}/skills_view/legacy`),
  ];
}

/** Both sides see the same folder: the gateway keeps threads by user under its state. */
function userData(settings: MountSettings, owner: Owner): MountedVolume[] {
  const { userId, threadId } = owner;
  const folder = `users/${userId}/threads/${threadId}/user-data`;
  if (settings.userDataClaim !== undefined)
    return [inClaim(settings.userDataClaim, `${stateFolder}/${folder}`, "/mnt/user-data", false)];
  if (settings.baseDir !== undefined)
    return [onHost("user-data", posix.join(settings.baseDir, folder), "/mnt/user-data", false)];
  if (settings.threadsHostPath !== undefined) {
    const path = posix.join(settings.threadsHostPath, apartFrom(owner) + threadId, "user-data");
    return [onHost("user-data", path, "/mnt/user-data", false)];
  }
  return [];
}

/** Whether the gateway brings all skills itself: for a thread that may have some of them only. */
function overridesSkills(extra: readonly ExtraMount[], skillsRoot: string): boolean {
  const brought = new Set(extra.map(({ containerPath }) => containerPath));
  return skillsFolders(skillsRoot).every((folder) => brought.has(folder));
}

/** @throws MountError if a mount goes where none may, or where another one does. */
function checkTargets(extra: readonly ExtraMount[], skillsRoot: string): void {
  const targets = [...extraMountTargets, ...skillsFolders(skillsRoot)];
  const seen = new Set<string>();
  for (const [index, { containerPath }] of extra.entries()) {
    if (!targets.includes(containerPath)) {
      throw new MountError(
        `extra_mounts[${index}].container_path is ${JSON.stringify(containerPath)}, but must be one of ${targets.join(", ")}`,
      );
    }
    if (seen.has(containerPath)) {
      throw new MountError(
        `extra_mounts[${index}].container_path is ${JSON.stringify(containerPath)}, which an earlier mount has`,
      );
    }
    seen.add(containerPath);
  }
}

function extraMounts(settings: MountSettings, extra: readonly ExtraMount[]): MountedVolume[] {
  return extra.map(({ hostPath, containerPath, readOnly }, index) => {
    const relative = withinBase(hostPath, settings.baseDir ?? defaultBaseDir, index);
    return settings.userDataClaim === undefined
      ? onHost(`extra-${index}`, hostPath, containerPath, readOnly)
      : inClaim(settings.userDataClaim, `${stateFolder}/${relative}`, containerPath, readOnly);
  });
}

/** Ends of the gateway's folders that it gives to sandboxes to write to, beside users' data. */
const writableFolders: readonly (readonly string[])[] = [
  ["acp-workspace"],
  ["lark-cli", "config", "locks"],
  ["lark-cli", "data"],
];

/** Whether a path lies in one of those, or in users' data, and is not such a folder itself. */
function isWritten(parts: readonly string[]): boolean {
  return (
    parts.includes("user-data") ||
    writableFolders.some((folder) =>
      parts.some(
        (_, at) =>
          at + folder.length < parts.length && folder.every((name, offset) => parts[at + offset] === name),
      ),
    )
  );
}

/** Whether users' data lies below a path: a user's folder, its threads, or one of them. Code in a sandbox that has it could swap that. */
function holdsData([kind, , threads = "threads", , more]: readonly string[]): boolean {
  return (kind === "users" || kind === "threads") && threads === "threads" && more === undefined;
}

/** Whether a path holds all users or threads, or belongs to those of another tenant ({@link apartFrom}). */
function isOthers([kind = "", name = "."]: readonly string[]): boolean {
  return (kind === "users" || kind === "threads") && name.includes(".");
}

/** The path below the gateway's state. What code in a sandbox can write to is refused: a link there could lead anywhere. */
function withinBase(hostPath: string, base: string, index: number): string {
  const relative = posix.relative(base, hostPath);
  const plain =
    posix.isAbsolute(hostPath) && posix.normalize(hostPath) === hostPath && !/[\0\n:]/.test(hostPath);
  const parts = relative.split("/");
  if (
    !plain ||
    relative === "" ||
    parts[0] === ".." ||
    isWritten(parts) ||
    isOthers(parts) ||
    holdsData(parts)
  ) {
    throw new MountError(
      `extra_mounts[${index}].host_path is ${JSON.stringify(hostPath)}, but must be an absolute path in plain form below ${base}, of one user, outside every folder that sandboxes write to (user-data, acp-workspace, lark-cli/config/locks, lark-cli/data); DEER_FLOW_HOST_BASE_DIR names that folder`,
    );
  }
  return relative;
}

function onHost(name: string, path: string, mountPath: string, readOnly: boolean): MountedVolume {
  // What is read must be there: an empty folder in its place would hide that it is not.
  return {
    volume: { name, hostPath: { path, type: readOnly ? "Directory" : "DirectoryOrCreate" } },
    mountPath,
    readOnly,
  };
}

function inClaim(claimName: string, subPath: string, mountPath: string, readOnly: boolean): MountedVolume {
  return { volume: { name: "state", persistentVolumeClaim: { claimName } }, mountPath, readOnly, subPath };
}
