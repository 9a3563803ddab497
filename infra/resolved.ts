// The images that setup found, pulled or built on this machine for a stack: what configuration leaves open, and what it
// made of what configuration names.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Which image: the key in resolved.json. */
export type ImageKey = "nodeImage" | "sandboxImage" | "provisionerImage";

/** One entry of resolved.json: the image to use where `requested` was configured. */
interface Resolved {
  readonly requested?: string;
  readonly ref: string;
}

const described: Readonly<Record<ImageKey, readonly [what: string, setting: string]>> = {
  nodeImage: ["node's", "cluster.image"],
  sandboxImage: ["sandboxes'", "sandbox.image"],
  provisionerImage: ["provisioner's", "provisioner.image"],
};

/**
 * The image to use where `requested` is configured: what `stacks/<stack>/resolved.json` below `stateDir` says of it, else
 * what is configured.
 * @throws Error that says to run setup, when it is neither configured nor resolved.
 */
export function resolveImage(
  stateDir: string,
  stack: string,
  key: ImageKey,
  requested: string | undefined,
): string {
  const file = join(stateDir, "stacks", stack, "resolved.json");
  const entry = read(file)[key];
  if (entry !== undefined && entry.requested === requested) return entry.ref;
  if (requested !== undefined) return requested;
  const [what, setting] = described[key];
  throw new Error(
    `The ${what} image is not known yet (${file}). Run \`make up\` or \`make preview\`, which set it up, or name it in ` +
      `the stack's file as ${setting}.`,
  );
}

function read(file: string): Partial<Record<ImageKey, Resolved>> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Partial<Record<ImageKey, Resolved>>;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
