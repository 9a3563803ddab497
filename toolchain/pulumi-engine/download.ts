// Fetches published archives, and lets none through that was not verified. A server out of reach costs seconds, once.
import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import { execa } from "execa";
import type { Response } from "undici";

import { cached, cachePath, contentKey } from "../cache.js";
import { UserError } from "../errors.js";
import { httpGet, type HttpLimits } from "../http.js";
import { note, type Progress } from "../progress.js";
import { checksumOf, mirrorVariable, type Checksum, type Release, type ReleasePlace } from "./releases.js";

/** Something cannot be had from where we looked; another way may be taken. */
export class NotAvailable extends Error {
  override readonly name = "NotAvailable";
}

const defaultLimits: HttpLimits = { connectMs: 3_000, stallMs: 15_000 };

/** Downloads, and remembers for its lifetime (of a process, as a rule) which servers turned out useless. */
export class Downloader {
  private readonly useless = new Map<string, string>();

  constructor(private readonly limits: HttpLimits = defaultLimits) {}

  /**
   * Unpacks a release into the folder `dir`, from the first place that has it.
   * @throws NotAvailable when no place has it, with each one's reason.
   * @throws UserError when what came is not what was published.
   */
  async unpack(release: Release, dir: string, progress?: Progress): Promise<void> {
    const reasons: string[] = [];
    for (const place of release.places) {
      try {
        await this.unpackFrom(place, release, dir, progress);
        return;
      } catch (error) {
        if (!(error instanceof NotAvailable)) throw error;
        reasons.push(error.message);
      }
    }
    throw new NotAvailable([...new Set(reasons)].join("; "));
  }

  private async unpackFrom(
    place: ReleasePlace,
    release: Release,
    dir: string,
    progress?: Progress,
  ): Promise<void> {
    const expected = checksumOf(await this.text(place.checksums), release.archive);
    if (expected === undefined) {
      throw new NotAvailable(`${place.checksums} has no checksum of ${release.archive}`);
    }
    mkdirSync(dir, { recursive: true });
    const file = join(dir, release.archive);
    try {
      const actual = await this.file(place.archive, file, expected, progress);
      if (actual !== expected.hex) throw mismatch(place.archive, expected, actual);
      await extract(file, dir);
    } finally {
      rmSync(file, { force: true });
    }
  }

  private async text(url: string): Promise<string> {
    return this.get(url, (response) => response.text());
  }

  /** Writes what `url` answers to `path`; its digest. */
  private async file(
    url: string,
    path: string,
    { algorithm }: Checksum,
    progress?: Progress,
  ): Promise<string> {
    return this.get(url, async (response) => {
      if (response.body === null) throw new NotAvailable(`${url} is empty`);
      const hash = createHash(algorithm);
      const total = Number(response.headers.get("content-length") ?? 0);
      let received = 0;
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hash.update(chunk);
          received += chunk.length;
          progress?.detail(`${megabytes(received)}${total > 0 ? ` of ${megabytes(total)}` : ""} MB`);
          done(null, chunk);
        },
      });
      await pipeline(response.body, meter, createWriteStream(path));
      return hash.digest("hex");
    });
  }

  private async get<T>(url: string, use: (response: Response) => Promise<T>): Promise<T> {
    const { host } = new URL(url);
    const known = this.useless.get(host);
    if (known !== undefined) throw new NotAvailable(known);
    try {
      return await httpGet(url, this.limits, async (response) => {
        if (response.ok) return use(response);
        // S3 answers 403 for what it does not have.
        if ([403, 404, 410].includes(response.status))
          throw new NotAvailable(`${url} does not exist (HTTP ${response.status})`);
        throw this.giveUp(host, `${host} answers HTTP ${response.status}`);
      });
    } catch (error) {
      if (error instanceof NotAvailable || error instanceof UserError || isLocal(error)) throw error;
      throw this.giveUp(host, `${host} ${this.describe(error)}`, error);
    }
  }

  private giveUp(host: string, reason: string, cause?: unknown): NotAvailable {
    this.useless.set(host, reason);
    note(`Cannot download: ${reason}`);
    return new NotAvailable(reason, { cause });
  }

  private describe(error: unknown): string {
    const { connectMs, stallMs } = this.limits;
    const code = codeOf(error);
    switch (code) {
      case "UND_ERR_CONNECT_TIMEOUT":
        return `does not take connections (waited ${connectMs / 1000} s)`;
      case "UND_ERR_HEADERS_TIMEOUT":
        return `does not answer (waited ${stallMs / 1000} s)`;
      case "UND_ERR_BODY_TIMEOUT":
        return `has stopped sending (waited ${stallMs / 1000} s)`;
      case "UND_ERR_SOCKET":
      case "ECONNRESET":
        return "broke off the connection";
      default:
        return `cannot be reached (${code ?? String(error)})`;
    }
  }
}

/** The one that a command uses. */
export const downloader = new Downloader();

/** What the cache entries of downloaded releases are named. */
export const releaseEntry = "pulumi-release";

/** The cache entry of a release, there or not. */
export function cachedRelease(release: Release): string {
  return cachePath(releaseEntry, releaseKey(release));
}

/** The cache entry of a release, downloaded if it is not there. */
export function downloadRelease(release: Release, from: Downloader, progress?: Progress): Promise<string> {
  return cached(releaseEntry, releaseKey(release), (dir) => from.unpack(release, dir, progress));
}

function releaseKey(release: Release): string {
  return contentKey({ strings: [release.archive] });
}

/** The innermost error's code: fetch wraps what happened in a TypeError. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return codeOf(error.cause) ?? ("code" in error && typeof error.code === "string" ? error.code : undefined);
}

/** A failure of this machine's disk, not of the server. */
function isLocal(error: unknown): boolean {
  return ["ENOSPC", "EACCES", "EROFS", "EDQUOT", "EIO"].includes(codeOf(error) ?? "");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function mismatch(url: string, { algorithm, hex }: Checksum, actual: string): UserError {
  return new UserError(
    `${url} is not what was published: its ${algorithm.toUpperCase()} is ${actual}, the checksum file says ${hex}`,
    `Nothing of it was kept. Run the command again; if it happens again, do not trust the server or what is between: ` +
      `set ${mirrorVariable} to a mirror that you trust, or put pulumi and its plugins on PATH yourself`,
  );
}

async function extract(file: string, dir: string): Promise<void> {
  const result = await execa("tar", ["-xzf", file, "-C", dir], { reject: false, stdin: "ignore" });
  if (!result.failed) return;
  throw new UserError(
    `${file.split("/").at(-1) ?? file} cannot be unpacked: ${result.stderr.trim().split("\n").at(-1) ?? "tar failed"}`,
    "Check that tar and gzip are installed and that the disk is not full, then run the command again",
    { cause: result },
  );
}
