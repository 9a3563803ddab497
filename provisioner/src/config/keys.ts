// Who may call: API keys, stored only as hashes, and the tenants that they stand for.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import { z } from "zod";

import type { Quota } from "../core/quota.js";
import { defaultTenant } from "../model/names.js";
import { parseQuantity } from "../model/quantity.js";
import { isAmount, type TenantBounds } from "../model/size.js";
import { mistakes, strict, type Hidden } from "../model/validation.js";
import { SettingsError } from "./errors.js";

/** Who calls. */
export interface Caller {
  readonly tenant: string;
  readonly quota: Quota;
  /** The most that one of its sandboxes may have. */
  readonly bounds: TenantBounds;
  /** The environments that may be used; undefined: all. */
  readonly environments: ReadonlySet<string> | undefined;
  readonly rateLimit: RateLimit;
}

/** How many requests within how many seconds. */
export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
}

/** For whom the file says nothing: far more than an agent backend needs, far less than a loop without a pause makes. */
export const defaultRateLimit: RateLimit = { requests: 1_000, seconds: 10 };

const rateLimit = strict({
  requests: z.int().min(1).max(1_000_000),
  seconds: z.int().min(1).max(3_600),
});

const quantity = z.string().transform((text, context) => {
  const amount = parseQuantity(text);
  if (amount === undefined) context.addIssue("must be a quantity such as 8, 500m or 16Gi");
  return amount ?? 0;
});

const amount = z.string().refine(isAmount, "must be a quantity above zero such as 2, 500m or 4Gi");

/** The file of `API_KEYS_FILE`. */
export const keysFile = strict({
  version: z.literal(1),
  rateLimit: rateLimit.optional(),
  tenants: z.record(
    z
      .string()
      .regex(
        /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        "the tenant's name must be at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
      ),
    strict({
      keys: z
        .array(
          strict({
            name: z.string().min(1),
            sha256: z
              .string()
              .regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits: the SHA-256 of the key"),
          }),
        )
        .min(1),
      environments: z.array(z.string()).min(1).optional(),
      rateLimit: rateLimit.optional(),
      quota: z
        .strictObject({
          sandboxes: z.int().min(0).optional(),
          cpu: quantity.optional(),
          memory: quantity.optional(),
        })
        .optional(),
      maxResources: z
        .strictObject({
          cpu: amount.optional(),
          memory: amount.optional(),
          ephemeralStorage: amount.optional(),
        })
        .optional(),
      runtimes: z.array(z.string().min(1)).min(1).optional(),
    }),
  ),
});

/** Whoever writes a key where its hash, or a list of them, is to be must not find it in the log. */
const hidden: Hidden = (path) => path.length === 0 || (path[2] === "keys" && path.at(-1) !== "name");

const everyMs = 2_000;

/** The keys, as they are at the moment. */
export class Keys {
  readonly #path: string | undefined;
  readonly #fixed: ReadonlyMap<string, Caller>;
  readonly #onChange: (problem: string | undefined) => void;
  #callers: ReadonlyMap<string, Caller>;
  #text: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onChange told when a changed file was taken over, or why it was not */
  constructor(
    apiKey: string | undefined,
    path: string | undefined,
    onChange: (problem: string | undefined) => void,
  ) {
    const caller = {
      ...{ tenant: defaultTenant, quota: {}, bounds: {}, environments: undefined },
      rateLimit: defaultRateLimit,
    };
    this.#fixed = new Map(apiKey === undefined ? [] : [[sha256(apiKey), caller]]);
    this.#callers = this.#fixed;
    this.#path = path;
    this.#onChange = onChange;
  }

  /** Reads the file, and from then on looks for changes. @throws SettingsError if it cannot be used. */
  async start(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return;
    await this.#read(path);
    // Mounted Secrets change by a link that is swapped, which file notifications miss.
    this.#timer = setInterval(() => {
      this.#read(path).then(
        (changed) => {
          if (changed) this.#onChange(undefined);
        },
        (error: unknown) => {
          this.#onChange(error instanceof Error ? error.message : String(error));
        },
      );
    }, everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Whom a key stands for. Only hashes are compared, so how long it takes tells nothing of any key.
   */
  callerOf(key: string): Caller | undefined {
    return this.#callers.get(sha256(key));
  }

  /** Whether the file had changed. What cannot be used changes nothing. */
  async #read(path: string): Promise<boolean> {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw new SettingsError([
        `API_KEYS_FILE is ${JSON.stringify(path)}, which cannot be read: ${String(error)}`,
      ]);
    });
    if (text === this.#text) return false;
    // A bad file is told of once, not at every look.
    this.#text = text;
    this.#callers = new Map([...this.#fixed, ...parseKeys(text)]);
    return true;
  }
}

/** Callers by the hash of their key. @throws SettingsError with one line for each mistake. */
export function parseKeys(text: string): Map<string, Caller> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new SettingsError(["The file of API keys is no JSON."]);
  }
  const result = keysFile.safeParse(parsed);
  if (!result.success) {
    throw new SettingsError(
      mistakes(result.error, parsed, hidden).map((mistake) => `The file of API keys is wrong at ${mistake}.`),
    );
  }
  const callers = new Map<string, Caller>();
  const { tenants, rateLimit: most = defaultRateLimit } = result.data;
  for (const [tenant, { keys, environments, quota = {}, rateLimit = most, ...own }] of Object.entries(
    tenants,
  )) {
    const bounds = { maxResources: own.maxResources, runtimes: own.runtimes };
    const caller = { tenant, quota, bounds, environments: environments && new Set(environments), rateLimit };
    for (const key of keys) {
      if (callers.has(key.sha256))
        throw new SettingsError([
          `The file of API keys has the key ${key.name} of tenant ${tenant} twice: each key stands for one tenant.`,
        ]);
      callers.set(key.sha256, caller);
    }
  }
  return callers;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
