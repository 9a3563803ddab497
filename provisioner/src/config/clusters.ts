// The file of CLUSTERS_FILE: the clusters that sandboxes are made in, and what each gets of them.
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { z } from "zod";

import { mistakes, strict } from "../model/validation.js";
import { SettingsError } from "./errors.js";

const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be at most 63 lower-case letters, digits and hyphens",
  );

const whole = (minimum: number, maximum: number) =>
  z
    .int(`must be a whole number from ${minimum} to ${maximum}`)
    .min(minimum, `must be a whole number from ${minimum} to ${maximum}`)
    .max(maximum, `must be a whole number from ${minimum} to ${maximum}`);

const clustersFile = strict({
  version: z.literal(1),
  clusters: z
    .array(
      strict({
        name: dnsLabel,
        kubeconfig: z
          .string()
          .refine(
            (text) => text !== "" && !text.split("/").includes(".."),
            "must be a path without .., absolute or beside the file",
          )
          .optional(),
        context: z.string().min(1, "must be the name of a context of the kubeconfig").optional(),
        namespace: dnsLabel.optional(),
        weight: whole(0, 100).default(100),
        drain: z.boolean("must be true or false").default(false),
        nodeHost: z
          .string()
          .regex(/^[A-Za-z0-9.:[\]-]+$/, "must be a host name or address")
          .optional(),
        maxSandboxes: whole(1, 100_000).optional(),
      }),
    )
    .min(1, "must name at least one cluster"),
});

/** What a cluster gets; may change while the provisioner runs. */
export interface ClusterShare {
  /** 0 to 100, against the weights of the others; 0: only what no other has room for. */
  readonly weight: number;
  /** Whether it gets no new sandboxes and keeps no idle ones. */
  readonly drain: boolean;
}

/** One cluster. */
export interface ClusterEntry extends ClusterShare {
  readonly name: string;
  /** An absolute path; undefined: the cluster that the other variables name. */
  readonly kubeconfig?: string | undefined;
  /** Undefined: the kubeconfig's current one. */
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  readonly nodeHost?: string | undefined;
  readonly maxSandboxes?: number | undefined;
}

/** @param path where the text is from, which kubeconfigs may lie beside. @throws SettingsError with one line for each mistake. */
export function parseClusters(text: string, path: string): ClusterEntry[] {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new SettingsError([`CLUSTERS_FILE is ${JSON.stringify(path)}, which is no JSON.`]);
  }
  const result = clustersFile.safeParse(given);
  if (!result.success)
    throw new SettingsError(
      mistakes(result.error, given).map((mistake) => `CLUSTERS_FILE is wrong at ${mistake}.`),
    );
  const entries = result.data.clusters.map(({ kubeconfig, ...entry }) => ({
    ...entry,
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(dirname(path), kubeconfig) }),
  }));
  const problems = entries.flatMap((entry, i) => crossed(entry, i, entries.slice(0, i)));
  if (problems.length > 0) throw new SettingsError(problems);
  return entries;
}

const everyMs = 2_000;

/** The file, which is read at start and looked at from then on. */
export class ClustersFile {
  readonly #path: string;
  #text: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What it says at start. @throws SettingsError if it cannot be used. */
  async start(): Promise<ClusterEntry[]> {
    const entries = (await this.#read()) ?? [];
    const missing = entries.flatMap(({ kubeconfig }, i) =>
      // Whoever names a kubeconfig must never get the pod's own account instead.
      kubeconfig === undefined || (existsSync(kubeconfig) && statSync(kubeconfig).isFile())
        ? []
        : [
            `CLUSTERS_FILE is wrong at clusters.${i}.kubeconfig: there is no file ${JSON.stringify(kubeconfig)}.`,
          ],
    );
    if (missing.length > 0) throw new SettingsError(missing);
    return entries;
  }

  /** Tells `listener` of each change: what the file says now, or why that cannot be used. Returns what ends that. */
  follow(listener: (now: ClusterEntry[] | string) => void): () => void {
    // Mounted Secrets change by a link that is swapped, which file notifications miss.
    const timer = setInterval(() => {
      this.#read().then(
        (entries) => {
          if (entries !== undefined) listener(entries);
        },
        (error: unknown) => {
          listener(error instanceof Error ? error.message : String(error));
        },
      );
    }, everyMs);
    timer.unref();
    return () => {
      clearInterval(timer);
    };
  }

  /** Nothing if the file has not changed. */
  async #read(): Promise<ClusterEntry[] | undefined> {
    const path = this.#path;
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw new SettingsError([
        `CLUSTERS_FILE is ${JSON.stringify(path)}, which cannot be read: ${String(error)}`,
      ]);
    });
    if (text === this.#text) return undefined;
    // A bad file is told of once, not at every look.
    this.#text = text;
    return parseClusters(text, path);
  }
}

/** What an entry has in common with an earlier one that it must not, or lacks. */
function crossed(entry: ClusterEntry, i: number, earlier: readonly ClusterEntry[]): string[] {
  const at = (field: string): string => `CLUSTERS_FILE is wrong at clusters.${i}.${field}`;
  const problems: string[] = [];
  if (earlier.some(({ name }) => name === entry.name))
    problems.push(`${at("name")}: is ${JSON.stringify(entry.name)}, which an earlier one is called.`);
  const twin = earlier.find(
    ({ kubeconfig, context, namespace }) =>
      kubeconfig === entry.kubeconfig && context === entry.context && namespace === entry.namespace,
  );
  if (twin !== undefined)
    problems.push(
      `${at("kubeconfig")}: leads where that of ${twin.name} does, whose sandboxes would each be there twice; give another kubeconfig, context or namespace.`,
    );
  if (entry.kubeconfig === undefined && entry.context !== undefined)
    problems.push(
      `${at("context")}: is ${JSON.stringify(entry.context)}, but there is no kubeconfig that it could be of; name one.`,
    );
  return problems;
}
