// A collector that is not there, or never answers: requests do not notice, the log says it now and then, the end is in time.
import assert from "node:assert/strict";

import { pino, type Logger } from "pino";

import { ReportedExporter } from "../../../../provisioner/src/tracing/reported-exporter.js";
import { house, type Replica } from "../house.js";
import { Collector } from "./collector.js";

type Exporter = ConstructorParameters<typeof ReportedExporter>[0];
type Line = Record<string, unknown>;

function logged(): { lines: Line[]; log: Logger } {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  return { lines, log: pino({ level: "info" }, { write }) };
}

/** Milliseconds that so many calls take, which end before any limit of rates is looked at. */
async function timed(replica: Replica, calls: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < calls; i += 100) {
    const call = () => replica.call("GET", "/v1/sandboxes", undefined, { "x-api-key": "nobody's" });
    const answers = await Promise.all(Array.from({ length: 100 }, call));
    for (const { statusCode } of answers) assert.equal(statusCode, 401);
  }
  return performance.now() - started;
}

describe("a collector that does not take traces", function () {
  this.timeout(60_000);

  // Variables that the SDK reads itself: a queue that is soon full.
  const queue = { OTEL_BSP_MAX_QUEUE_SIZE: "100", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "50" };
  before(() => Object.assign(process.env, queue));
  after(() => {
    for (const name of Object.keys(queue)) Reflect.deleteProperty(process.env, name);
  });

  for (const [what, answers] of [
    ["refuses connections", false],
    ["takes connections and never answers", undefined],
    ["answers with errors", 500],
  ] as const)
    it(`and ${what}: requests are served all the same, and the end comes in time`, async () => {
      const collector = new Collector();
      const endpoint = await collector.start();
      if (answers === false) await collector.stop();
      else collector.status = answers;
      const home = await house();
      const { lines, log } = logged();
      const plain = await home.start();
      const replica = await home.start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, log);
      try {
        await timed(plain, 100);
        const untraced = await timed(plain, 300);
        // More spans than the queue keeps: what is too much is dropped, and nobody waits for room.
        const traced = await timed(replica, 300);
        // Whoever waited would do so for the ten seconds that a batch has; a busy machine takes some of its own.
        assert.ok(traced < 3 * untraced + 5_000, `${traced} ms, and ${untraced} ms without traces`);
        const ending = performance.now();
        await replica.provisioner.stop();
        assert.ok(performance.now() - ending < 5_000, "two seconds are given to the collector, and no more");
        const said = lines.filter(({ msg }) => String(msg).startsWith("the collector does not take traces"));
        assert.ok(said.length <= 1, `${said.length} lines`);
      } finally {
        await home.end();
        if (answers !== false) await collector.stop();
      }
    });

  it("is told when it begins, every five minutes, and when it is over, without what the collector answered", () => {
    let now = 0;
    let fails = true;
    const exporter: Exporter = {
      export: (_, done) => {
        const error = Object.assign(new Error("Unauthorized"), { data: "private answer" });
        done(fails ? { code: 1, error } : { code: 0 });
      },
      shutdown: () => Promise.resolve(),
    };
    const { lines, log } = logged();
    const reported = new ReportedExporter(exporter, log, () => now);
    const send = (): void => {
      reported.export(new Array<never>(10), () => undefined);
    };
    for (; now <= 301_000; now += 1_000) send();
    fails = false;
    send();
    send();
    assert.deepEqual(
      lines.map(({ msg, lost, why }) => [String(msg).split(":")[0], lost, why]),
      [
        ["the collector does not take traces", 10, "Unauthorized"],
        ["the collector does not take traces", 3010, "Unauthorized"],
        ["the collector takes traces again", 3020, undefined],
      ],
    );
    assert.doesNotMatch(JSON.stringify(lines), /private answer/);
  });
});
