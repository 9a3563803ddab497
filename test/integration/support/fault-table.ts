// The table of faults that were survived, as the suites that cause them print it.

export class FaultTable {
  readonly #rows: string[] = [];

  /** Runs a fault; what was survived becomes a row. */
  async row(fault: string, outcome: string, body: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await body();
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
    this.#rows.push(`${fault.padEnd(66)} ${seconds} s  ${outcome}`);
  }

  print(): void {
    console.log(this.#rows.map((row) => `      ${row}`).join("\n"));
  }
}
