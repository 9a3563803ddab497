// Plays DeerFlow's gateway against a provisioner and a real cluster: create, discover, alive, list, destroy, and what agents do in a
// sandbox, through nothing but the URL that they were given.
import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";

import { gatewayBody } from "../../support/gateway-body.js";
import { SandboxClient, type Fetch } from "../../support/sandbox-client.js";
import { eventually } from "../support/cluster.js";

/** What the provisioner says of a sandbox. */
export interface Described {
  sandbox_id: string;
  sandbox_url: string;
  status: string;
  container_id: string;
  max_shell_sessions: number;
  lark_cli_broker: boolean;
}

/** A provisioner, and the place from which its sandboxes are called. */
export interface Gateway {
  /** A request with a key of the gateway's. */
  call(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }>;
  /** What a sandbox's URL is to be. */
  url(id: string): RegExp;
  /** A sandbox's pods. */
  pods(id: string): Promise<V1Pod[]>;
  /** Waits until its pool, if it has one, is full. */
  full?(): Promise<unknown>;
  /** Whether it is one process that nobody else asks: it lists nothing else, and knows at once what it did. */
  readonly alone?: boolean;
  /** @default - from this machine */
  readonly fetch?: Fetch;
}

/** Asks for a sandbox as the gateway does. */
export async function createByGateway(gateway: Pick<Gateway, "call">, id: string): Promise<Described> {
  const { status, body } = await gateway.call("POST", "/api/sandboxes", gatewayBody(id));
  assert.equal(status, 200, JSON.stringify(body));
  return body as Described;
}

/** Adds the tests. The gateway is asked for when they run. */
export function itServesGateway(gatewayOf: () => Gateway): void {
  const destroy = (id: string) => gatewayOf().call("DELETE", `/api/sandboxes/${id}`);
  const presence = async (id: string) =>
    (await gatewayOf().call("GET", `/api/sandboxes/${id}/presence`)).body as { exists: boolean };
  const sandboxOf = ({ sandbox_url: url }: Described): SandboxClient =>
    new SandboxClient(url, gatewayOf().fetch);

  it("creates, discovers, finds alive, lists and destroys", async () => {
    const gateway = gatewayOf();
    const id = "0123456789abcdef";
    const made = await createByGateway(gateway, id);
    try {
      const [pod] = await gateway.pods(id);
      const { sandbox_url: url, ...others } = made;
      assert.deepEqual(others, {
        ...{ sandbox_id: id, status: "Running", container_id: pod?.metadata?.uid },
        ...{ max_shell_sessions: 32, lark_cli_broker: false },
      });
      assert.match(url, gateway.url(id));
      assert.deepEqual(await presence(id), { sandbox_id: id, exists: true, container_id: made.container_id });
      assert.deepEqual((await gateway.call("GET", `/api/sandboxes/${id}`)).body, made);
      assert.deepEqual(await createByGateway(gateway, id), made);
      const list = (await gateway.call("GET", "/api/sandboxes")).body as {
        sandboxes: Described[];
        count: number;
      };
      assert.equal(list.count, list.sandboxes.length);
      if (gateway.alone === true) assert.equal(list.count, 1);
      assert.deepEqual(
        list.sandboxes.filter((each) => each.sandbox_id === id),
        [made],
      );
      assert.deepEqual((await gateway.call("GET", "/api/capabilities")).body, {
        lark_cli_init_image: false,
        lark_cli_broker_image: false,
      });
    } finally {
      assert.deepEqual((await destroy(id)).body, { ok: true, sandbox_id: id });
    }
    const asked = async () => (await gateway.call("GET", `/api/sandboxes/${id}`)).status;
    if (gateway.alone === true) assert.equal(await asked(), 404);
    // A replica that is asked may be a moment behind the one that deleted it.
    else await eventually("it is gone", async () => (await asked()) === 404, 2);
    assert.deepEqual((await destroy(id)).body, { ok: true, sandbox_id: id });
    // Told of the pod itself, so also while that is ending.
    await eventually("its pod is gone", async () => !(await presence(id)).exists);
    assert.deepEqual(await presence(id), { sandbox_id: id, exists: false, container_id: null });
    assert.equal((await gateway.pods(id)).length, 0);
  });

  it("executes, writes, reads, finds, lists, greps and downloads by the sandbox's URL", async () => {
    const id = "gateway-tools";
    const sandbox = sandboxOf(await createByGateway(gatewayOf(), id));
    try {
      assert.equal((await sandbox.context()).home_dir, "/home/sandbox");
      assert.equal((await sandbox.shell("echo $((6*7)); id -u")).body.data.output, "42\n1000");
      const given = await sandbox.bash("echo $WORD", { env: { WORD: "given" }, hard_timeout: 20 });
      assert.equal(given.body.data.stdout.trim(), "given");
      const { session_id } = (await sandbox.createBashSession({ session_id: "once" })).body.data;
      const once = await sandbox.bash("exec < /dev/null\necho $SECRET", { session_id, env: { SECRET: "s" } });
      assert.equal(once.body.data.stdout, "s\n");
      assert.equal((await sandbox.closeBashSession(session_id)).status, 200);
      const folder = "/mnt/user-data";
      const path = `${folder}/notes/a.txt`;
      assert.ok((await sandbox.write(path, "one\ntwo\n")).body.success);
      assert.equal((await sandbox.read(path)).body.data.content, "one\ntwo\n");
      assert.deepEqual((await sandbox.find(folder, "*.txt")).body.data.files, [path]);
      const listed = await sandbox.list(folder, { recursive: true, show_hidden: false });
      assert.ok(listed.body.data.files.some((file) => file.path === path));
      assert.equal((await sandbox.grep(folder, "tw")).body.data.matches[0]?.line_number, 2);
      assert.equal(await (await sandbox.download(path)).text(), "one\ntwo\n");
    } finally {
      await destroy(id);
    }
  });

  it("gives three sandboxes at once that see and reach nothing of each other", async () => {
    const gateway = gatewayOf();
    await gateway.full?.();
    const ids = ["gateway-iso-1", "gateway-iso-2", "gateway-iso-3"];
    try {
      const made = await Promise.all(ids.map((id) => createByGateway(gateway, id)));
      assert.equal(new Set(made.map(({ sandbox_url: url }) => url)).size, 3);
      await Promise.all(made.map((one) => sandboxOf(one).write("/home/sandbox/who", one.sandbox_id)));
      for (const one of made)
        assert.equal((await sandboxOf(one).read("/home/sandbox/who")).body.data.content, one.sandbox_id);
      const address = (await gateway.pods("gateway-iso-2"))[0]?.status?.podIP ?? "";
      assert.match(address, /^\d/);
      const first = sandboxOf(made[0] as Described);
      const reached = await first.bash(
        `curl -s -m 3 -o /dev/null -w '%{http_code}' http://${address}:8080/v1/sandbox`,
        { hard_timeout: 10 },
      );
      assert.equal(reached.body.data.stdout, "000");
      const account = await first.bash("test -e /var/run/secrets/kubernetes.io", { hard_timeout: 10 });
      assert.equal(account.body.data.exit_code, 1);
    } finally {
      await Promise.all(ids.map(destroy));
    }
  });
}
