// The Lease of a replica that is told to stop while it is being renewed: who leads then, and who may lead next.
import assert from "node:assert/strict";

import type { V1Lease } from "@kubernetes/client-node";

import { KubernetesError } from "../../../provisioner/src/kubernetes/client.js";
import { Leader } from "../../../provisioner/src/kubernetes/leader.js";
import type { Namespace } from "../../../provisioner/src/kubernetes/namespace.js";
import { eventually } from "./house.js";

/** A Lease on a server that can be made to hold writes up, before or after they are done. They are done in their order. */
class FakeLease {
  lease: V1Lease | undefined;
  /** How many writes have arrived, and how many were done. */
  arrived = 0;
  done = 0;
  before: Promise<void> = Promise.resolve();
  after: Promise<void> = Promise.resolve();
  #turn: Promise<unknown> = Promise.resolve();

  readonly namespace = {
    name: "test",
    getLease: () =>
      this.lease === undefined
        ? Promise.reject(new KubernetesError(404, "NotFound", "it is not there"))
        : Promise.resolve(structuredClone(this.lease)),
    createLease: (lease: V1Lease) => this.#write(lease, undefined),
    replaceLease: (_: string, lease: V1Lease) => this.#write(lease, lease.metadata?.resourceVersion),
  } as unknown as Namespace;

  get holder(): string | undefined {
    return this.lease?.spec?.holderIdentity;
  }

  #write(lease: V1Lease, version: string | undefined): Promise<void> {
    const { before, after } = this;
    this.arrived += 1;
    const written = this.#turn.then(async () => {
      await before;
      if (this.lease?.metadata?.resourceVersion !== version)
        throw new KubernetesError(409, "Conflict", "it has changed");
      this.done += 1;
      const metadata = { name: "lease", resourceVersion: String(this.done) };
      this.lease = Object.assign(structuredClone(lease), { metadata });
    });
    this.#turn = written.catch(() => undefined);
    return written.then(() => after);
  }
}

function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}

describe("a replica that is told to stop", () => {
  /** It renews all the time, and leads for as long as a test takes. */
  const timing = { durationMs: 600_000, periodMs: 1 };

  function started() {
    const fake = new FakeLease();
    let elected = 0;
    const leader = new Leader(fake.namespace, "a", { onElected: () => (elected += 1) }, timing);
    const { closed, open } = gate();
    return { fake, leader, closed, open, elected: () => elected };
  }

  it("leads no more, also when the answer to its last renewal comes after that, and the Lease is free", async () => {
    const { fake, leader, closed, open, elected } = started();
    const running = leader.run();
    await eventually("it leads", () => leader.leads);
    fake.after = closed;
    const { arrived } = fake;
    await eventually("it is renewed, unanswered", () => fake.arrived > arrived && fake.done === fake.arrived);
    const stopped = leader.stop();
    assert.equal(leader.leads, false);
    fake.after = Promise.resolve();
    open();
    await Promise.all([stopped, running]);
    assert.deepEqual([leader.leads, elected(), fake.holder], [false, 1, ""]);
  });

  it("gives the Lease back after its last renewal is done, and not across it", async () => {
    const { fake, leader, closed, open } = started();
    const running = leader.run();
    await eventually("it leads", () => leader.leads);
    fake.before = closed;
    await eventually("it is being renewed", () => fake.arrived > fake.done);
    const stopped = leader.stop();
    fake.before = Promise.resolve();
    // As far as the other end gets without the renewal.
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await Promise.all([stopped, running]);
    assert.deepEqual([leader.leads, fake.holder], [false, ""]);
  });

  it("does not come to lead by the Lease that it was taking, and gives that back", async () => {
    const { fake, leader, closed, open, elected } = started();
    fake.after = closed;
    const running = leader.run();
    await eventually("it has taken it, unanswered", () => fake.done === 1);
    const stopped = leader.stop();
    fake.after = Promise.resolve();
    open();
    await Promise.all([stopped, running]);
    assert.deepEqual([leader.leads, elected(), fake.holder], [false, 0, ""]);
  });

  it("does not wait for long for a renewal that is not answered", async () => {
    const { fake, leader, closed, open } = started();
    const running = leader.run();
    await eventually("it leads", () => leader.leads);
    fake.before = closed;
    await eventually("it is being renewed", () => fake.arrived > fake.done);
    await leader.stop();
    assert.equal(leader.leads, false);
    open();
    await running;
  });
});
