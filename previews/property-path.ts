// Property paths as the engine writes them: `spec.containers[0].image`, `metadata.annotations["example.com/key"]`.

/** One part of a path: an object's key or an array's index. */
export type Key = string | number;

const part = /\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** The keys of a path. A path that is not well formed is one key: it then names nothing, and nothing is shown of it. */
export function parsePath(path: string): Key[] {
  const keys: Key[] = [];
  part.lastIndex = 0;
  while (part.lastIndex < path.length) {
    const found = part.exec(path);
    if (found === null) return [path];
    const [, name, index, quoted] = found;
    if (index !== undefined) keys.push(Number(index));
    else keys.push(name ?? (quoted ?? "").replace(/\\(.)/g, "$1"));
  }
  return keys;
}

/** A path as the engine writes it. */
export function formatPath(keys: readonly Key[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    if (/[.[\]"]/.test(key)) return `${path}["${key.replace(/["\\]/g, "\\$&")}"]`;
    return path === "" ? key : `${path}.${key}`;
  }, "");
}
