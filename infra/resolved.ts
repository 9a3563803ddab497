// The images that setup found, pulled or built on this machine for a stack: what configuration leaves open, and what it
// made of what configuration names.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { SandlotConfig } from "./config/schema";

/** The images to use. */
export interface Images {
  readonly nodeImage: string;
  readonly sandboxImage: string;
}

/** One entry of resolved.json: the image to use where `requested` was configured. */
interface Resolved {
  readonly requested?: string;
  readonly ref: string;
}

type ResolvedFile = Partial<Record<keyof Images, Resolved>>;

/**
 * Reads `stacks/<stack>/resolved.json` below `stateDir`, as far as it still is about what is configured.
 * @throws Error that says to run setup, when an image is neither configured nor resolved.
 */
export function resolveImages(stateDir: string, stack: string, config: SandlotConfig): Images {
  const file = join(stateDir, "stacks", stack, "resolved.json");
  const resolved = read(file);
  const choose = (key: keyof Images, requested: string | undefined): string => {
    const entry = resolved[key];
    if (entry !== undefined && entry.requested === requested) return entry.ref;
    if (requested !== undefined) return requested;
    throw new Error(
      `The ${key === "nodeImage" ? "node's" : "sandboxes'"} image is not known yet (${file}). Run \`make up\` or ` +
        "`make preview`, which set it up, or name it in the stack's file as cluster.image and sandbox.image.",
    );
  };
  return {
    nodeImage: choose("nodeImage", config.cluster?.image),
    sandboxImage: choose("sandboxImage", config.sandbox?.image),
  };
}

function read(file: string): ResolvedFile {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ResolvedFile;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
