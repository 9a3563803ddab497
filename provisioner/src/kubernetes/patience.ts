// Waits out trouble of a server: a request that is refused for the moment is made again, and one that is met with silence is made
// once more beside the first. Whichever is answered counts: a server that is slow need not begin anew, and a connection that has
// gone without a word holds nothing up.

/** When to try again. Milliseconds. */
export interface Pace {
  /** After how long a silence another try is made. */
  readonly silenceMs: number;
  /** How long the pause after the first trouble is; each after it is twice as long. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** What is tried. */
export interface Patient<T> {
  /** One try. It is to end with the signal. */
  readonly send: (signal: AbortSignal) => Promise<T>;
  /** Fires when nothing is waited out any longer. The first try is made in any case, and has until the first silence. */
  readonly over: AbortSignal;
  readonly pace: Pace;
  /** Whether the same request may be answered in a moment. */
  readonly mayPass: (error: unknown) => boolean;
  /** What is thrown where there was not even trouble. */
  readonly silent: () => Error;
}

/** The first answer. @throws the first error that does not pass; when it is over, the last that might have. */
export function patiently<T>({ send, over, pace, mayPass, silent }: Patient<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    let tries = 0;
    let trouble: Error | undefined;
    let pauseMs = pace.firstPauseMs;
    let next: NodeJS.Timeout | undefined;

    const end = (how: () => void): void => {
      clearTimeout(next);
      over.removeEventListener("abort", whenOver);
      stop.abort();
      how();
    };
    const giveUp = (): void => {
      end(() => {
        reject(trouble ?? silent());
      });
    };
    const whenOver = (): void => {
      if (tries > 1 || trouble !== undefined) giveUp();
    };
    const tryAgain = (): void => {
      if (over.aborted) giveUp();
      else tryOnce();
    };
    const fail = (error: Error): void => {
      // It was answered meanwhile.
      if (stop.signal.aborted) return;
      if (!mayPass(error)) {
        end(() => {
          reject(error);
        });
        return;
      }
      trouble = error;
      if (over.aborted) {
        giveUp();
        return;
      }
      clearTimeout(next);
      // Apart from each other: what was refused together must not come back together.
      next = setTimeout(tryAgain, pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(2 * pauseMs, pace.longestPauseMs);
    };
    const tryOnce = (): void => {
      tries += 1;
      next = setTimeout(tryAgain, pace.silenceMs);
      send(stop.signal).then((answer) => {
        end(() => {
          resolve(answer);
        });
      }, fail);
    };

    over.addEventListener("abort", whenOver);
    tryOnce();
  });
}
