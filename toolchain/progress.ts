// Says what a long command is doing, and for how long: one line at the start of a step, one at its end, and a sign of
// life in between. Plain lines only, so that parallel steps and log files read well.

/** A step's voice: what it is busy with right now, shown in the next sign of life. */
export interface Progress {
  detail(text: string): void;
}

const heartbeatMs = 15_000;

/** Seconds with one decimal below a minute, else minutes and seconds. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** How long each finished step of this process took, in milliseconds, by title: what the benchmarks read. */
export const stepDurations = new Map<string, number>();

/** Runs `work` as a named step. Its lines go to standard error, so that a command's own output stays clean. */
export async function step<T>(title: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const started = performance.now();
  let detail = "";
  const elapsed = (): string => formatDuration(performance.now() - started);
  process.stderr.write(`▸ ${title}\n`);
  const heartbeat = setInterval(() => {
    process.stderr.write(`  … ${title}: ${elapsed()}${detail === "" ? "" : ` (${detail})`}\n`);
  }, heartbeatMs);
  try {
    const result = await work({ detail: (text) => (detail = text.trim().slice(0, 100)) });
    stepDurations.set(title, performance.now() - started);
    process.stderr.write(`✓ ${title}: ${elapsed()}\n`);
    return result;
  } catch (error) {
    process.stderr.write(`✗ ${title}: failed after ${elapsed()}\n`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

/** A remark that is not a step: which of several ways was taken, and why. */
export function note(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
