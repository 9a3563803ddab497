// Prometheus' own engine for tests.
import { execa } from "execa";

/** An answer to a scrape at a time, with the labels that Prometheus adds to it. Times are seconds. */
export interface Scrape {
  readonly at: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What to evaluate. */
export interface Task {
  readonly scrapes?: readonly Scrape[];
  /** Series in the notation of Prometheus' own tests, such as `name{label="value"} 0+1x10`. */
  readonly series?: readonly string[];
  /** Seconds between the values of series, and between evaluations of rules. */
  readonly step: number;
  readonly queries?: readonly string[];
  /** When queries are evaluated, and the last evaluation of rules. */
  readonly at: number;
  /** A rules file. */
  readonly rules?: string;
}

/** One series of an answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An alert that fired, at the first time that it did. */
export interface Firing {
  readonly at: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What came of a task. */
export interface Outcome {
  readonly queries: readonly (readonly Sample[])[];
  readonly firing: readonly Firing[];
  /** How many samples the scrapes had. */
  readonly samples: number;
}

/** Evaluates a task. @throws if anything in it cannot be parsed or evaluated. */
export async function evaluate(program: string, task: Task): Promise<Outcome> {
  const { stdout } = await execa(program, [], { input: JSON.stringify(task) });
  return JSON.parse(stdout) as Outcome;
}
