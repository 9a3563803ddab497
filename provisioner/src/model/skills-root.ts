// Where skills are in a sandbox: `/mnt/skills`, or where DeerFlow's gateway is configured to tell its agents that they are.

/** Where they are if nobody says. */
export const defaultSkillsRoot = "/mnt/skills";

/** The kinds of skills, each a folder of its own. */
const kinds = ["public", "custom", "legacy", "integrations"] as const;

/** What the sandbox needs itself, and what else is mounted. */
const taken: readonly string[] = [
  ...["/mnt/user-data", "/mnt/acp-workspace", "/mnt/integrations", "/home/sandbox", "/tmp"],
  ...[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
  ],
];

/** {@link isSkillsRoot} in words. */
export const skillsRootRule = `an absolute path in plain form (letters, digits, ., _ and -; at most 256 characters) that is neither above nor below ${taken.join(", ")}`;

/** Whether skills can be mounted there, and hide nothing. */
export function isSkillsRoot(path: string): boolean {
  return (
    path.length <= 256 &&
    /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/.test(path) &&
    taken.every((other) => !isWithin(path, other) && !isWithin(other, path))
  );
}

/** The folders of skills that mounts of their own may go over. */
export function skillsFolders(root: string): string[] {
  return kinds.map((kind) => `${root}/${kind}`);
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
