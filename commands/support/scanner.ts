// The scanner of images, for stacks that have theirs scanned: where updates find it, and what they had it do.
import { delimiter } from "node:path";

import { ensureTrivy } from "@sandlot/toolchain/image-scanner/index.js";
import type { Document } from "yaml";

import { configured } from "./configured.js";
import type { StateResource } from "./state.js";

/** The environment with the scanner on its PATH. */
export async function withScanner(env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const path = env["PATH"] ?? process.env["PATH"] ?? "";
  return { ...env, PATH: [await ensureTrivy(), path].join(delimiter) };
}

/** The environment of an update: with the scanner, where the stack has its images scanned. */
export async function forUpdate(document: Document, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  return configured(document, "imageScan") === undefined ? env : withScanner(env);
}

/** A scan as an update made it. */
export interface Scan {
  readonly image: string;
  /** The shell script. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The scans among a stack's resources, each once. */
export function scansIn(resources: readonly StateResource[]): Scan[] {
  const scans = resources
    .filter(({ urn }) => urn.includes("sandlot:index:ImageScan$command:local:Command::"))
    .map(({ inputs }) => {
      const { create, environment } = inputs as { create: string; environment: Record<string, string> };
      return { image: environment["IMAGE"] ?? "", script: create, environment };
    });
  return [...new Map(scans.map((scan) => [JSON.stringify(scan), scan])).values()];
}
