// Refuses bad arguments before anything is registered: plain values at once, outputs as soon as they are known.
import * as pulumi from "@pulumi/pulumi";

/**
 * Says what a value must be, as the end of the sentence "… must be", or nothing if it is fine. A rule must not throw, whatever
 * it is given.
 */
export type Rule<T> = (value: T) => string | undefined;

/** Arguments of a component that cannot be: every problem in one error. Pulumi shows its message without a stack trace. */
export class ArgumentError extends pulumi.RunError {
  override readonly name = "ArgumentError";

  /** Each problem is a line of its own that says which component it is about. */
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** Collects the problems of one component's arguments. */
export class Checks {
  readonly #problems: string[] = [];
  readonly #subject: string;

  /** `type` and `name` are those of the component, for messages. */
  constructor(type: string, name: string) {
    this.#subject = `${type} "${name}"`;
  }

  /** Holds a plain value against a rule; an absent one is fine. */
  plain<T>(field: string, value: T | undefined, rule: Rule<T>): void {
    if (value === undefined) return;
    const allowed = rule(value);
    if (allowed !== undefined) this.#problems.push(`${this.#subject}: ${describe(field, value, allowed)}`);
  }

  /**
   * Holds a value against a rule now if it is plain, and when it is known otherwise: use the returned one.
   * @throws ArgumentError, by the returned output, if the value turns out to be bad.
   */
  input<T>(field: string, value: pulumi.Input<T>, rule: Rule<T>): pulumi.Input<T> {
    if (!isDeferred(value)) {
      this.plain(field, value as T, rule);
      return value;
    }
    return pulumi.output(value).apply((known) => {
      const allowed = rule(known as T);
      if (allowed !== undefined)
        throw new ArgumentError([`${this.#subject}: ${describe(field, known, allowed)}`]);
      return known as T;
    });
  }

  /** As {@link input}; an absent value stays absent. */
  optional<T>(field: string, value: pulumi.Input<T> | undefined, rule: Rule<T>): pulumi.Input<T> | undefined {
    return value === undefined ? undefined : this.input(field, value, rule);
  }

  /** Notes a problem that is not about one value alone; a whole sentence without its full stop. */
  problem(sentence: string): void {
    this.#problems.push(`${this.#subject}: ${sentence}.`);
  }

  /** Takes over the problems that `resolve`, which checks a part, throws; returns what it returns. */
  part<T>(resolve: () => T): T | undefined {
    try {
      return resolve();
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error;
      this.#problems.push(...error.problems);
      return undefined;
    }
  }

  /** @throws ArgumentError if there was any problem. */
  finish(): void {
    if (this.#problems.length > 0) throw new ArgumentError(this.#problems);
  }
}

/** Whether a value is known only later. */
export function isDeferred(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

function describe(field: string, value: unknown, allowed: string): string {
  const shown = JSON.stringify(value) as string | undefined;
  return `${field} is ${shown ?? String(value)}, but must be ${allowed}.`;
}
