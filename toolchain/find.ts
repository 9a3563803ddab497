// Finds a program as a shell would, and in the folders of system programs that a user's PATH may lack.
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The first executable file `name` in the folders of `env.PATH` or of system programs; undefined when there is none. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = [...(env["PATH"] ?? "").split(delimiter), ...systemFolders].filter(
    (folder) => folder !== "",
  );
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
