// A container's log as text.
import type { Engine } from "./engine.js";

const frameHeader = 8;

/** Reads the log: the last `tail` lines, or all; with `follow` until the container ends. */
export async function containerLogs(
  engine: Engine,
  id: string,
  tty: boolean,
  { tail, follow, signal }: { tail?: number; follow?: boolean; signal?: AbortSignal },
): Promise<string> {
  const raw = await engine.bytes("GET", `/containers/${id}/logs`, {
    query: { stdout: true, stderr: true, follow: follow ?? false, tail: tail ?? "all" },
    ...(signal === undefined ? {} : { signal }),
  });
  return (tty ? raw : unframe(raw)).toString("utf8");
}

/** Without a terminal Docker sends frames: one byte of stream, three of nothing, four of length, then the data. */
export function unframe(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + frameHeader <= raw.length; ) {
    const length = raw.readUInt32BE(at + 4);
    parts.push(raw.subarray(at + frameHeader, at + frameHeader + length));
    at += frameHeader + length;
  }
  return Buffer.concat(parts);
}
