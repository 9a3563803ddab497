// Loaded into a process before its own code: sets its clock, as far as JavaScript sees one, ahead of the machine's or behind it, by
// the milliseconds in the file SANDLOT_TEST_CLOCK, whenever that changes. Timers and performance.now() are as they were, which is
// what happens to a process when its machine's clock is set.
import { readFileSync } from "node:fs";

const MachineDate = globalThis.Date;
let aheadMs = 0;

function read() {
  aheadMs = Number(readFileSync(process.env.SANDLOT_TEST_CLOCK, "utf8"));
}

read();
setInterval(read, 50).unref();

const now = () => MachineDate.now() + aheadMs;

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, given, self) => Reflect.construct(target, given.length === 0 ? [now()] : given, self),
  apply: () => new MachineDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});
