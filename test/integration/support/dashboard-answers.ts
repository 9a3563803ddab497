// What a dashboard's queries give on recorded scrapes, in Prometheus' own engine.
import assert from "node:assert/strict";

import { dashboard } from "../../../components/observability/dashboard.js";
import type { Dashboard } from "../../../components/observability/panel.js";
import { evaluate, type Sample, type Scrape } from "./prometheus.js";

/** Evaluates every query of a dashboard, at 60 seconds and over two minutes, on scrapes and series beside them. */
export async function ask(
  program: string,
  which: Dashboard,
  scrapes: readonly Scrape[],
  series: readonly string[] = [],
): Promise<Answers> {
  const panels = dashboard(which).panels.flatMap((panel) =>
    "targets" in panel
      ? panel.targets.map(({ expr, legendFormat }) => ({ title: panel.title, expr, legendFormat }))
      : [],
  );
  const queries = panels.map(({ expr }) => expr.replaceAll("$__rate_interval", "2m"));
  const outcome = await evaluate(program, { scrapes, series, queries, step: 15, at: 60 });
  const answers = panels.map(({ title, legendFormat }, i): [string, readonly Sample[]] => [
    `${title}: ${legendFormat}`,
    outcome.queries[i] ?? [],
  ]);
  return new Answers(new Map(answers), outcome.samples);
}

/** The answers, by a panel's title and a query's legend. */
export class Answers {
  constructor(
    private readonly answers: ReadonlyMap<string, readonly Sample[]>,
    /** How many samples the scrapes had. */
    readonly samples: number,
  ) {}

  /** Every query gives something, with the labels that its legend names. */
  check(): void {
    for (const [query, samples] of this.answers) {
      assert.ok(samples.length > 0, query);
      for (const [, label = ""] of query.matchAll(/\{\{(\w+)\}\}/g)) {
        for (const { labels } of samples) assert.ok(labels[label] !== undefined, `${query} has no ${label}`);
      }
    }
  }

  answer(title: string, legend: string): readonly Sample[] {
    const found = this.answers.get(`${title}: ${legend}`);
    assert.ok(found, `no query ${title}: ${legend}`);
    return found;
  }

  /** The one value of a query. */
  one(title: string, legend: string): number {
    const [sample, ...more] = this.answer(title, legend);
    assert.ok(sample !== undefined && more.length === 0, `${title}: ${legend}`);
    return sample.value;
  }

  /** The values of a query by a label. */
  by(title: string, label: string, legend = `{{${label}}}`): Record<string, number> {
    return Object.fromEntries(
      this.answer(title, legend).map(({ labels, value }): [string, number] => [labels[label] ?? "", value]),
    );
  }

  /** Values of a rate over two minutes as what was counted in them, by a label. */
  counted(title: string, label: string): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.by(title, label)).map(([name, value]): [string, number] => [
        name,
        Math.round(value * 120),
      ]),
    );
  }
}
