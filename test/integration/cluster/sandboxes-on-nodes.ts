// What the provisioner makes of several nodes, and of one that is lost with sandboxes, idle ones and a replica on it.
import assert from "node:assert/strict";

import { execa } from "execa";

import { ask, type Ended, type Sandbox } from "../provisioner/deployed.js";
import { eventually, namespace } from "../support/cluster.js";

/** The cluster. */
export interface Nodes {
  readonly server: string;
  readonly agent: string;
  /** Where the provisioner is published. */
  readonly provisioner: string;
  readonly kubectl: (...args: string[]) => Promise<string>;
  readonly isReady: (node: string) => Promise<boolean>;
  readonly apiKey: () => Promise<string>;
}

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly labels: Record<string, string>;
  };
  readonly spec: { readonly nodeName?: string };
}

const poolSize = 4;
/** How long a client waits for one answer. */
const patienceMs = 6_000;
/** Of kubelets that are silent, until the cluster says so: `node-monitor-grace-period` of stack nodes, and a look every 5 s. */
const noticedSeconds = 32 + 15;
/** Until what is open to a sandbox is ended: a look each 10 s, three in vain of 3 s each, and a machine that is busy. */
const unreachableSeconds = 10 + 3 * 3 + 2 + 9;

/** To be called in a suite, after the stack is up. */
export function itHandsOutSandboxes({ server, agent, provisioner, kubectl, isReady, apiKey }: Nodes): void {
  let key: string;
  const made: Sandbox[] = [];

  /** As clients do: until a node is known to be lost, half of all connections are led to the replica on it, and are tried again. */
  const persistently = <T extends object>(what: string, work: () => Promise<T>): Promise<T> =>
    eventually(what, work, 60);
  const call = <T>(method: string, path: string, body?: object) =>
    persistently(`${method} ${path} is answered`, () =>
      ask<T>(method, provisioner + path, { "x-api-key": key }, body, patienceMs),
    );
  const create = async (id: string): Promise<Sandbox> => {
    const { status, body } = await call<Sandbox>("POST", "/v1/sandboxes", { id });
    assert.ok([200, 201].includes(status), JSON.stringify(body));
    return body;
  };
  const execOnce = ({ url, token }: Sandbox, command: string, patience = patienceMs) =>
    ask<{ data?: Ended; detail?: string }>(
      "POST",
      `${url}/v1/bash/exec`,
      { "x-sandbox-token": token },
      { command },
      patience,
    );
  const exec = (sandbox: Sandbox, command: string) =>
    persistently("a command is answered", () => execOnce(sandbox, command));
  /** The first answer to one of several, so that it is not left to chance whether the replica that lives is asked. */
  const execSeverally = (sandbox: Sandbox, command: string, patience?: number) =>
    Promise.any(Array.from({ length: 12 }, () => execOnce(sandbox, command, patience)));
  const pods = async (selector: string): Promise<Pod[]> => {
    const which = ["--namespace", namespace, "--selector", selector, "--output", "json"];
    return (JSON.parse(await kubectl("get", "pods", ...which)) as { items: Pod[] }).items;
  };
  const podsOf = (id: string): Promise<Pod[]> => pods(`sandlot.dev/sandbox-id=${id}`);
  const poolIsFull = (seconds = 120): Promise<boolean> =>
    eventually(
      "the pool is full",
      async () => {
        const { body } = await call<{ items: { pool: { ready: number } }[] }>("GET", "/v1/environments");
        return body.items[0]?.pool.ready === poolSize;
      },
      seconds,
    );
  const nodeOf = async (sandbox: Sandbox): Promise<string | undefined> =>
    (await podsOf(sandbox.id))[0]?.spec.nodeName;
  const here = async (sandbox: Sandbox): Promise<string | undefined> =>
    (await exec(sandbox, "echo here")).body.data?.stdout.trim();

  before(async () => {
    key = await apiKey();
    await poolIsFull();
  });

  after("remove what there is", async () => {
    await execa("docker", ["start", agent]);
    await eventually("the node is Ready again", () => isReady(agent), 60);
    for (const { id } of made) await call("DELETE", `/v1/sandboxes/${id}`);
  });

  it("leads to sandboxes on each of them, whichever it is asked on", async () => {
    const idle = await pods("sandlot.dev/state=idle");
    assert.deepEqual([...new Set(idle.map(({ spec }) => spec.nodeName))].sort(), [server, agent]);
    const nodes = new Set<string | undefined>();
    for (let count = 0; nodes.size < 2 && count < 2 * poolSize; count += 1) {
      const sandbox = await create(`on-nodes-${count}`);
      made.push(sandbox);
      assert.equal(await here(sandbox), "here");
      nodes.add(await nodeOf(sandbox));
    }
    assert.deepEqual([...nodes].sort(), [server, agent]);
    await poolIsFull();
  });

  it("goes on when one is lost, says that its sandboxes do not answer, and makes them again elsewhere", async () => {
    const homes = await Promise.all(made.map(nodeOf));
    const [lost, safe] = [made[homes.indexOf(agent)], made[homes.indexOf(server)]];
    assert.ok(lost !== undefined && safe !== undefined);
    const first = (await podsOf(lost.id))[0]?.metadata.name;
    const cut = execSeverally(lost, "echo > begun; sleep 300", 45_000).then((answer) => ({
      ...answer,
      at: performance.now(),
    }));
    cut.catch(() => undefined);
    await eventually(
      "the commands run",
      async () => (await exec(lost, "ls begun")).body.data?.exit_code === 0,
    );
    await execa("docker", ["kill", agent]);
    const since = performance.now();
    const passed = (): number => (performance.now() - since) / 1000;

    const { status } = await execSeverally(lost, "true", 15_000);
    assert.ok([502, 504].includes(status), `${status} from a sandbox that is lost`);
    // Nobody knows yet that it is lost, so half of the idle pods are as good as none.
    const slowest: number[] = [];
    for (let count = 0; passed() < noticedSeconds - 15; count += 1) {
      const asked = performance.now();
      const sandbox = await create(`unnoticed-${count}`);
      made.push(sandbox);
      assert.equal(await here(sandbox), "here");
      slowest.push((performance.now() - asked) / 1000);
      assert.equal(await here(safe), "here");
    }
    // What was under way there is told sooner than the cluster knows.
    const told = await cut;
    assert.equal(told.status, 504, JSON.stringify(told.body));
    assert.match(told.body.detail ?? "", /cannot be reached any more/);
    const cutAfter = (told.at - since) / 1000;
    assert.ok(cutAfter < unreachableSeconds, `cut after ${cutAfter.toFixed(1)} s`);
    await eventually(
      "it is told that it does not run",
      async () => {
        const answer = await call<{ state: string }>("GET", `/v1/sandboxes/${lost.id}`);
        return answer.status === 404 || answer.body.state !== "running";
      },
      noticedSeconds,
    );
    const noticed = passed();

    const again = await eventually(
      "it is made again",
      async () => {
        const answer = await call<Sandbox & { state: string }>("POST", "/v1/sandboxes", { id: lost.id });
        return answer.status < 300 && answer.body.state === "running" && answer.body;
      },
      150,
    );
    assert.equal(await here(again), "here");
    const live = (await podsOf(lost.id)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    assert.deepEqual([live.length, live[0]?.spec.nodeName], [1, server]);
    assert.notEqual(live[0]?.metadata.name, first);
    const anew = passed();
    await poolIsFull();
    console.log(
      `      created ${slowest.length} while nobody knew, the slowest in ${Math.max(...slowest).toFixed(1)} s; ` +
        `what was open cut after ${cutAfter.toFixed(0)} s, told after ${noticed.toFixed(0)} s, made again after ${anew.toFixed(0)} s`,
    );
    assert.equal(await here(safe), "here");
  });

  it("has nothing left over once the node is back", async () => {
    await execa("docker", ["start", agent]);
    await eventually("the node is Ready again", () => isReady(agent), 60);
    await eventually(
      "each sandbox has one pod, and none is being deleted",
      async () => {
        const all = await pods("app.kubernetes.io/managed-by=sandlot-provisioner");
        const ids = all.flatMap(({ metadata }) => metadata.labels["sandlot.dev/sandbox-id"] ?? []);
        return (
          all.every(({ metadata }) => metadata.deletionTimestamp === undefined) &&
          new Set(ids).size === ids.length
        );
      },
      120,
    );
    for (const sandbox of made.splice(0)) {
      const { status } = await call("DELETE", `/v1/sandboxes/${sandbox.id}`);
      assert.ok([204, 404].includes(status), `${sandbox.id}: ${status}`);
    }
    await eventually(
      "no sandbox is left",
      async () => (await pods("sandlot.dev/state=claimed")).length === 0,
      60,
    );
    await poolIsFull();
  });
}
