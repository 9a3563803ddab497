// Reads sizes as programs print them. Pure.

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** The bytes in a size such as `529.4MiB`, as `docker stats` prints it. @throws Error for anything else. */
export function parseSize(text: string): number {
  const [, amount, unit] = /^([0-9.]+) ?([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = units[unit ?? ""];
  if (factor === undefined || Number.isNaN(Number(amount)))
    throw new Error(`${JSON.stringify(text)} is no size`);
  return Number(amount) * factor;
}

/** The resident bytes that `/proc/<pid>/status` tells. @throws Error when it tells none. */
export function residentBytes(status: string): number {
  const kilobytes = /^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error("there is no VmRSS in /proc/<pid>/status");
  return Number(kilobytes) * 1024;
}
