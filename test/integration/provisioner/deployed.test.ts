// The provisioner as it is deployed: replicas that die while they serve, what its account may do by the API server's own word, what
// reaches it, and where its keys are not. DeerFlow's gateway with it: ./url-modes.test.ts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { AuthorizationV1Api } from "@kubernetes/client-node";

import {
  cluster,
  eventually,
  kubectl,
  mustMake,
  nameOf,
  namespace,
  outputs,
  projectRoot,
  stack,
  stackDir,
  upWith,
} from "../support/cluster.js";
import { internet, makeTargets, removeTargets, standInPort, standIns } from "../support/targets.js";
import { makeRedirector, nameOfTarget, redirectPort, setAddresses } from "./bypass-targets.js";
import { addEnvironment, ask, Deployed, run, systemNamespace, type Ended, type Sandbox } from "./deployed.js";

/** What the targets serve. */
const page = /hello/;

/** A program with a login, as far as cookies go: it sets one for as many hosts as it can, and says which it got. */
const application = `
import http.server
class Application(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("set-cookie", "session=1; Path=/; Domain=sandboxes.example.com")
        self.end_headers()
        self.wfile.write(("cookie: %s" % self.headers["cookie"]).encode())
http.server.HTTPServer(("", 3000), Application).serve_forever()
`;

/**
 * Asks the name server of the first argument by UDP, with the second as question in hexadecimal, and connects to it by TCP. Prints
 * the length of the answer, 0 for a connection, or the name of the error.
 */
const dnsProgram = `
import socket, sys
def tell(how, work):
    try: print(how, work())
    except OSError as error: print(how, type(error).__name__)
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect((sys.argv[1], 53))
    s.send(bytes.fromhex(sys.argv[2]))
    return len(s.recv(512))
def tcp():
    socket.create_connection((sys.argv[1], 53), 2).close()
    return 0
tell("udp", udp)
tell("tcp", tcp)
`;

/** A question for an address of a name (RFC 1035, 4.1), in hexadecimal. */
function dnsQuestion(name: string): string {
  const header = [0x2a, 0x2a, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const labels = name.split(".").map((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([...header, ...labels.flat(), 0, 0, 1, 0, 1]).toString("hex");
}

describe("the deployed provisioner", function () {
  this.timeout(300_000);
  let provisioner: Deployed;

  before(async () => {
    provisioner = await Deployed.find();
    await eventually("two replicas", async () => (await provisioner.pods()).length === 2);
  });

  it("runs sandboxes where the shared ones run: in gVisor, as an account that may do nothing", async () => {
    const { items } = await cluster().core.listNamespacedPod({ namespace });
    const shared = items.find(
      ({ metadata }) => metadata?.labels?.["app.kubernetes.io/instance"] === "sandbox",
    );
    const made = await provisioner.create({ id: "deployed-same-walls" });
    try {
      const { spec } = await cluster()
        .core.listNamespacedPod({ namespace, labelSelector: `sandlot.dev/sandbox-id=${made.id}` })
        .then(({ items: [pod] }) => pod ?? assert.fail("it has no pod"));
      for (const field of ["runtimeClassName", "serviceAccountName", "automountServiceAccountToken"] as const)
        assert.deepEqual(spec?.[field], shared?.spec?.[field], field);
      assert.equal((await run(made, "test -e /var/run/secrets/kubernetes.io")).exit_code, 1);
    } finally {
      await provisioner.delete(made);
    }
  });

  /** Calls the API and a sandbox again and again, on connections of their own, until it is stopped. */
  function steadily(made: Sandbox): { stop(): Promise<{ answered: number; failed: string[] }> } {
    const failed: string[] = [];
    let [answered, running] = [0, true];
    const loop = async (call: () => Promise<unknown>): Promise<void> => {
      while (running) {
        await call().then(
          () => (answered += 1),
          (error: unknown) => failed.push(String(error)),
        );
        await sleep(20);
      }
    };
    const loops = [
      loop(async () => {
        assert.equal((await provisioner.call("GET", `/v1/sandboxes/${made.id}`)).status, 200);
      }),
      loop(async () => {
        assert.equal((await run(made, "echo here")).stdout.trim(), "here");
      }),
    ];
    return {
      async stop() {
        running = false;
        await Promise.all(loops);
        return { answered, failed };
      },
    };
  }

  it("answers every request while a replica is replaced", async () => {
    const made = await provisioner.create({ id: "deployed-drain" });
    const client = steadily(made);
    const [first] = await provisioner.pods();
    assert.ok(first);
    await cluster().core.deleteNamespacedPod({ name: nameOf(first), namespace: systemNamespace });
    await eventually("it is gone, and another is Ready", async () => {
      const names = (await provisioner.pods()).map(nameOf);
      return names.length === 2 && !names.includes(nameOf(first));
    });
    await sleep(4_000);
    const { answered, failed } = await client.stop();
    console.log(`      ${answered} requests answered meanwhile, ${failed.length} not`);
    await provisioner.delete(made);
    assert.deepEqual(failed, []);
    assert.ok(answered > 20, `${answered} requests prove little`);
  });

  it("lets commands through a replica that is replaced end, for longer than Kubernetes waits by itself, and goes then", async () => {
    const made = await provisioner.create({ id: "deployed-long" });
    const command = async (): Promise<string> => {
      const { status, body } = await ask<{ data: Ended }>(
        ...(["POST", `${made.url}/v1/bash/exec`, { "x-sandbox-token": made.token }] as const),
        { command: "sleep 40; echo done", hard_timeout: 60 },
        60_000,
      );
      assert.equal(status, 200, JSON.stringify(body));
      return body.data.stdout.trim();
    };
    try {
      const [first] = await provisioner.pods();
      assert.ok(first);
      // So many that some go through it.
      const commands = Promise.all(Array.from({ length: 8 }, command));
      await sleep(2_000);
      await cluster().core.deleteNamespacedPod({ name: nameOf(first), namespace: systemNamespace });
      assert.deepEqual(new Set(await commands), new Set(["done"]));
      await eventually("it has gone with the last of them", async () => {
        const { items } = await cluster().core.listNamespacedPod({ namespace: systemNamespace });
        return items.every((pod) => nameOf(pod) !== nameOf(first));
      });
    } finally {
      await provisioner.delete(made);
    }
    await eventually("two replicas again", async () => (await provisioner.pods()).length === 2);
  });

  it("loses no sandbox when the leading replica is killed while it serves, and creates on", async () => {
    const made = await provisioner.create({ id: "deployed-survivor" });
    const { output } = await kubectl("get", "lease", "sandlot-provisioner", "-n", namespace, "-o", "json");
    const { holderIdentity } = (JSON.parse(output) as { spec: { holderIdentity: string } }).spec;
    const client = steadily(made);
    await cluster().core.deleteNamespacedPod({
      name: holderIdentity,
      namespace: systemNamespace,
      gracePeriodSeconds: 0,
    });
    const killed = performance.now();
    const after = await eventually("another is created", async () => {
      const answer = await provisioner.call<Sandbox>("POST", "/v1/sandboxes", { id: "deployed-after" });
      return answer.status < 300 && answer.body;
    });
    const created = performance.now() - killed;
    await eventually("another replica leads", async () => {
      const lease = await kubectl("get", "lease", "sandlot-provisioner", "-n", namespace, "-o", "json");
      const { spec } = JSON.parse(lease.output) as { spec: { holderIdentity: string } };
      return spec.holderIdentity !== holderIdentity && spec.holderIdentity !== "";
    });
    const led = performance.now() - killed;
    const { answered, failed } = await client.stop();
    console.log(
      `      created again after ${created.toFixed(0)} ms, another leads after ${(led / 1000).toFixed(1)} s; ` +
        `${answered} requests answered meanwhile, ${failed.length} not`,
    );
    assert.equal((await run(made, "echo here")).stdout.trim(), "here");
    assert.equal((await run(after, "echo there")).stdout.trim(), "there");
    for (const id of [made.id, after.id]) assert.equal(await provisioner.delete({ id }), 204);
    await eventually("two replicas again", async () => (await provisioner.pods()).length === 2);
  });

  it("has an account that may do what it does, by the API server's own word, and nothing else", async () => {
    const authorization = cluster().config.makeApiClient(AuthorizationV1Api);
    const may = async (where: string, verb: string, what: string, name?: string): Promise<boolean> => {
      const [path = "", group = ""] = what.split("@");
      const [resource = "", subresource] = path.split("/");
      const { status } = await authorization.createSubjectAccessReview({
        body: {
          spec: {
            user: `system:serviceaccount:${systemNamespace}:provisioner`,
            groups: [
              "system:serviceaccounts",
              `system:serviceaccounts:${systemNamespace}`,
              "system:authenticated",
            ],
            resourceAttributes: {
              ...{ namespace: where, verb, group, resource },
              ...(subresource === undefined ? {} : { subresource }),
              ...(name === undefined ? {} : { name }),
            },
          },
        },
      });
      return status?.allowed ?? false;
    };
    const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    const allowed: Readonly<Record<string, readonly string[]>> = {
      pods: ["get", "list", "watch", "create", "patch", "delete"],
      "pods/log": ["get"],
      configmaps: ["list", "watch"],
      "leases@coordination.k8s.io": ["create"],
    };
    const others = ["pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "secrets"];
    const walls = ["networkpolicies@networking.k8s.io", "resourcequotas", "limitranges", "services"];
    const rights = ["serviceaccounts", "serviceaccounts/token", "roles@rbac.authorization.k8s.io"];
    for (const what of [...Object.keys(allowed), ...others, ...walls, ...rights]) {
      const granted = await Promise.all(
        verbs.map(async (verb) => ((await may(namespace, verb, what)) ? [verb] : [])),
      );
      assert.deepEqual(granted.flat(), allowed[what] ?? [], `${what} in ${namespace}`);
    }
    for (const [name, right] of [
      ["sandlot-provisioner", true],
      ["another", false],
    ] as const)
      assert.equal(await may(namespace, "update", "leases@coordination.k8s.io", name), right, name);
    // Neither in its own namespace, where its keys are, nor in others or in the whole cluster.
    const elsewhere = [systemNamespace, "kube-system", "default", ""].flatMap((where) =>
      ["pods", "secrets", "configmaps", "nodes", "namespaces"].map((what) => [where, what] as const),
    );
    const granted = elsewhere.map(async ([where, what]) => {
      const answers = await Promise.all(verbs.map((verb) => may(where, verb, what)));
      return answers.includes(true) ? [`${what} in ${where || "the cluster"}`] : [];
    });
    assert.deepEqual((await Promise.all(granted)).flat(), []);
  });

  it("is out of reach for code in sandboxes, by pod, by Service and by the node's port", async () => {
    const made = await provisioner.create({ id: "deployed-inside" });
    try {
      const { core } = cluster();
      const { spec } = await core.readNamespacedService({ name: "provisioner", namespace: systemNamespace });
      const pods = await provisioner.pods();
      const { items: nodes } = await core.listNode();
      const address = nodes[0]?.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
      const targets = [
        ...pods.flatMap(({ status }) => [8002, 8003].map((port) => `${status?.podIP ?? ""}:${port}`)),
        `${spec?.clusterIP ?? ""}:8002`,
        `${address ?? ""}:${spec?.ports?.[0]?.nodePort ?? 0}`,
      ];
      for (const target of targets) {
        assert.match(target, /^\d+\.\d+\.\d+\.\d+:\d+$/);
        const command = `curl -s -m 2 -o /dev/null -w '%{http_code}' http://${target}/health`;
        assert.equal((await run(made, command)).stdout, "000", target);
      }
    } finally {
      await provisioner.delete(made);
    }
  });

  it("lets no name out of a sandbox that may not reach the internet, and says so at once", async () => {
    const { core } = cluster();
    const { spec } = await core.readNamespacedService({ name: "kube-dns", namespace: "kube-system" });
    const { items } = await core.listNamespacedPod({
      namespace: "kube-system",
      labelSelector: "k8s-app=kube-dns",
    });
    const servers = [spec?.clusterIP ?? "", ...items.map(({ status }) => status?.podIP ?? "")];
    assert.ok(
      servers.length > 1 && servers.every((server) => /^\d+(?:\.\d+){3}$/.test(server)),
      servers.join(", "),
    );
    const asks = (made: Sandbox, server: string) =>
      run(
        made,
        `python3 -c '${dnsProgram}' ${server} ${dnsQuestion("kubernetes.default.svc.cluster.local")}`,
      );
    const remove = await addEnvironment("names", { egress: "open", pool: { size: 0 } });
    const made: Sandbox[] = [];
    try {
      await eventually("the environment is known", async () => {
        const { body } = await provisioner.call<{ items: { name: string }[] }>("GET", "/v1/environments");
        return body.items.some(({ name }) => name === "names");
      });
      const open = await provisioner.create({ id: "deployed-names-open", environment: "names" });
      made.push(open);
      for (const server of servers)
        await eventually(`${server} answers who may ask`, async () =>
          /^udp \d+\ntcp 0\n$/.test((await asks(open, server)).stdout),
        );
      const found = 'import socket; print(socket.gethostbyname("kubernetes.default.svc.cluster.local"))';
      assert.equal((await run(open, `python3 -c '${found}'`)).exit_code, 0, "names work where they may");

      const narrowed = await provisioner.create({
        id: "deployed-names-narrowed",
        environment: "names",
        egress: "blocked",
      });
      made.push(narrowed);
      const blocked = await provisioner.create({ id: "deployed-names-blocked" });
      made.push(blocked);
      for (const one of [narrowed, blocked])
        for (const server of servers) {
          const { stdout } = await asks(one, server);
          assert.match(stdout, /^udp [A-Za-z]+\ntcp [A-Za-z]+\n$/, `${one.id} asks ${server}`);
        }
      // Whoever waits for an answer does so for longer than a busy machine takes to start a program.
      const patient = "RES_OPTIONS='timeout:30 attempts:1'";
      const started = performance.now();
      assert.notEqual((await run(blocked, `${patient} python3 -c '${found}'`)).exit_code, 0);
      const took = performance.now() - started;
      console.log(`      a name that cannot be looked up is said to be none after ${took.toFixed(0)} ms`);
      assert.ok(took < 15_000, `a name took ${took.toFixed(0)} ms, as if somebody could answer`);
    } finally {
      for (const one of made) await provisioner.delete(one);
      await remove();
    }
  });

  it("hands a warm sandbox of an environment out, which a ConfigMap adds while it runs", async () => {
    const { core } = cluster();
    const remove = await addEnvironment("deployed", { pool: { size: 1 } });
    try {
      await eventually("its pool is full", async () => {
        const { body } = await provisioner.call<{ items: { name: string; pool: { ready: number } }[] }>(
          "GET",
          "/v1/environments",
        );
        return body.items.find((each) => each.name === "deployed")?.pool.ready === 1;
      });
      const asked = performance.now();
      const made = await provisioner.create({ environment: "deployed", env: { COLOUR: "green" } });
      const taken = performance.now() - asked;
      const result = await run(made, "echo $COLOUR from $HOSTNAME");
      assert.match(result.stdout, /^green from warm-deployed-/);
      console.log(
        `      a warm sandbox in ${taken.toFixed(0)} ms, its first command after ${(performance.now() - asked).toFixed(0)} ms`,
      );
      await provisioner.delete(made);
    } finally {
      await remove();
    }
    await eventually("its idle sandboxes are gone", async () => {
      const { items } = await core.listNamespacedPod({
        namespace,
        labelSelector: "sandlot.dev/environment=deployed",
      });
      return items.length === 0;
    });
  });

  it("keeps as many idle sandboxes of an environment as its use asks for, and fewer when it is used less", async () => {
    const autoscaling = { max: 2, targetUtilization: 50, scaleDownSeconds: 3 };
    const remove = await addEnvironment("following", { pool: { size: 0, autoscaling } });
    const pool = async (): Promise<{ size: number; ready: number } | undefined> => {
      const { body } = await provisioner.call<{
        items: { name: string; pool: { size: number; ready: number } }[];
      }>("GET", "/v1/environments");
      return body.items.find(({ name }) => name === "following")?.pool;
    };
    const holds = (count: number) => async (): Promise<boolean> => {
      const now = await pool();
      return now?.size === count && now.ready === count;
    };
    try {
      await eventually("the environment is known, and has none", holds(0));
      const made = await provisioner.create({ id: "following-1", environment: "following" });
      await eventually("one waits", holds(1));
      await provisioner.delete(made);
      await eventually("none waits", holds(0));
    } finally {
      await provisioner.delete({ id: "following-1" });
      await remove();
    }
  });

  it("keeps its keys where nobody finds them: not in state, previews, objects, logs or files in clear", async () => {
    const { core, apps } = cluster();
    const { data } = await core.readNamespacedSecret({
      name: "provisioner-keys",
      namespace: systemNamespace,
    });
    const signingKey = Buffer.from(data?.["signing.key"] ?? "", "base64").toString();
    const keysFile = Buffer.from(data?.["api-keys.json"] ?? "", "base64").toString();
    assert.match(signingKey, /^[0-9a-f]{64}$/);
    assert.doesNotMatch(keysFile, new RegExp(provisioner.apiKey), "the Secret holds hashes");
    const state = join(projectRoot, ".sandlot/state/.pulumi/stacks/sandlot", `${stack}.json`);
    const [pods, deployment, logs, preview] = await Promise.all([
      core.listNamespacedPod({ namespace: systemNamespace }),
      apps.readNamespacedDeployment({ name: "provisioner", namespace: systemNamespace }),
      kubectl("logs", "-n", systemNamespace, "deployment/provisioner", "--all-pods"),
      mustMake("preview"),
    ]);
    const places: Readonly<Record<string, string>> = {
      "the engine's state": readFileSync(state, "utf8"),
      "outputs.json": readFileSync(join(stackDir, "outputs.json"), "utf8"),
      "the stack's file": readFileSync(join(stackDir, `Pulumi.${stack}.yaml`), "utf8"),
      "a preview": preview.output,
      "its pods": JSON.stringify(pods.items),
      "its Deployment": JSON.stringify(deployment),
      "its logs": logs.output,
    };
    assert.match(places["its logs"] ?? "", /"msg":"created"/);
    for (const [place, text] of Object.entries(places)) {
      for (const [what, key] of Object.entries({
        "API key": provisioner.apiKey,
        "signing key": signingKey,
      })) {
        assert.ok(!text.includes(key), `the ${what} is in ${place}`);
        assert.ok(!text.includes(Buffer.from(key).toString("base64")), `the ${what} is in ${place}, encoded`);
      }
    }
  });

  // A suite of its own, as mocha runs a suite's tests before the suites in it: two updates of the stack.
  describe("with other settings", function () {
    this.timeout(600_000);
    /** A private network that sandboxes' own rules may open. */
    const opened = "192.168.201.0/24";

    before(async () => {
      await upWith({
        "sandlot:provisioner": {
          hostSuffix: "sandboxes.example.com",
          egressProxy: { enabled: true, replicas: 1, privateCidrs: [opened] },
        },
        // Those of k3s' pods and Services, and of Docker's networks, where the node and the API server are.
        "sandlot:network": { clusterCidrs: ["10.42.0.0/16", "10.43.0.0/16", "172.16.0.0/12"] },
      });
    });

    after(() => mustMake("up"));

    it("gives a port of a sandbox a host of its own, where an application's cookies work and nobody else's key does", async () => {
      const made = await provisioner.create({ id: "deployed-host" });
      try {
        const { port } = new URL(provisioner.url);
        assert.equal(made.hostUrl, `http://{port}-${made.id}.sandboxes.example.com:${port}`);
        await run(made, `setsid python3 -c '${application}' >/dev/null 2>&1 & sleep 1`);
        const host = new URL(made.hostUrl.replace("{port}", "3000")).host;
        const visit = (path: string, headers: Record<string, string>) =>
          ask<string>("GET", provisioner.url + path, { cookie: "session=1", ...headers });
        const token = { "x-sandbox-token": made.token };
        await eventually(
          "the application answers",
          async () => (await visit("/", { host, ...token })).status === 200,
        );
        const own = await visit("/", { host, ...token });
        assert.equal(own.body, "cookie: session=1");
        assert.deepEqual(own.headers["set-cookie"], ["session=1; Path=/"]);
        const shared = await visit(`/sandboxes/${made.id}/ports/3000/`, token);
        assert.deepEqual([shared.body, shared.headers["set-cookie"]], ["cookie: None", undefined]);
        assert.equal((await visit("/", { host })).status, 401);
        assert.equal(
          (await visit("/", { host: host.replace("deployed-host", "nobody"), ...token })).status,
          404,
        );
        assert.equal((await visit("/v1/sandboxes", { host: "api.sandboxes.example.com" })).status, 404);
      } finally {
        await provisioner.delete(made);
      }
    });

    it("lets a sandbox out to what its own rules allow, through the egress proxy and by no other way", async () => {
      const outside = `http://${internet}:${standInPort}/`;
      const allowed = `${internet}/32:${standInPort}`;
      const inside = `http://${standIns["private 10.0.0.0/8"]}:${standInPort}/`;
      await makeTargets();
      const remove = await addEnvironment("listed", { egress: "allowlist" });
      await eventually("the environment is known", async () => {
        const { body } = await provisioner.call<{ items: { name: string }[] }>("GET", "/v1/environments");
        return body.items.some(({ name }) => name === "listed");
      });
      const { status, body: made } = await provisioner.call<Sandbox>("POST", "/v1/sandboxes", {
        id: "listed-1",
        environment: "listed",
        network: { allow: [allowed] },
      });
      try {
        assert.equal(status, 201, JSON.stringify(made));
        const get = async (target: string, how = ""): Promise<string> =>
          (await run(made, `curl -s -m 5 ${how} -w ' %{http_code}' ${target}`)).stdout;
        assert.match(await get(outside), /hello[^]* 200$/, "what is allowed");
        assert.match(await get(outside, "--noproxy '*'"), / 000$/, "around the proxy");
        assert.match(await get(inside), / 403$/, "what no rule opens");
        const rules = (network: object) =>
          provisioner.call("PATCH", `/v1/sandboxes/${made.id}/network`, network);
        // A rule that names a private range opens nothing of what is shut to every sandbox.
        assert.equal((await rules({ allow: [allowed, "10.201.0.0/16:*"] })).status, 200);
        await eventually("the rule is known", async () => / 200$/.test(await get(outside)));
        assert.match(await get(inside), / 403$/, "private, though a rule names it");
        // What the stack opens to rules, a rule opens, and nothing else does.
        const neighbour = `http://${standIns["private 192.168.0.0/16"]}:${standInPort}/`;
        assert.match(await get(neighbour), / 403$/, "private, and no rule names it");
        assert.equal((await rules({ allow: [allowed, `${opened}:${standInPort}`] })).status, 200);
        await eventually("a private network is open", async () =>
          /hello[^]* 200$/.test(await get(neighbour)),
        );
        assert.match(await get(neighbour, "--noproxy '*'"), / 000$/, "private, around the proxy");
        assert.equal((await rules({ deny: [`${internet}/32:*`] })).status, 200);
        await eventually("denied while it runs", async () => / 403$/.test(await get(outside)));
        // Proxies tell once a second.
        await eventually("the refusal is told", async () => {
          const { items } = await cluster().core.listNamespacedEvent({ namespace });
          return items.some(
            ({ reason, message }) => reason === "EgressRefused" && message?.includes(`${internet}:`),
          );
        });
      } finally {
        await provisioner.delete({ id: "listed-1" });
        await remove();
        await removeTargets();
      }
    });

    describe("keeps the egress proxy from being a way around the rules", () => {
      const inside = standIns["private 10.0.0.0/8"];
      const id = "bypass-1";
      let made: Sandbox;
      let remove: () => Promise<unknown> = () => Promise.resolve();

      before(async () => {
        await makeTargets();
        await makeRedirector(outputs().sandboxImage ?? "");
        remove = await addEnvironment("bypass", { egress: "allowlist", pool: { size: 0 } });
        await eventually("the environment is known", async () => {
          const { body } = await provisioner.call<{ items: { name: string }[] }>("GET", "/v1/environments");
          return body.items.some(({ name }) => name === "bypass");
        });
        made = await provisioner.create({ id, environment: "bypass" });
      });

      after(async () => {
        await provisioner.delete({ id });
        await remove();
        await removeTargets();
      });

      /** The body of the last answer and its status; 000 for none. */
      const get = async (target: string, how = ""): Promise<string> =>
        (await run(made, `curl -g -s -m 5 ${how} -w ' %{http_code}' '${target}'`)).stdout;
      /** What is said of an address that is opened by no rule. */
      const shut = /an address that no sandbox may reach 403$/;
      /** Changes the rules, and waits until the proxy goes by them. A server that redirects is always allowed. */
      const allow = async (...rules: string[]): Promise<void> => {
        const known = `${internet}/32:${redirectPort}`;
        for (const list of [[], [known, ...rules]]) {
          const answer = await provisioner.call("PATCH", `/v1/sandboxes/${id}/network`, { allow: list });
          assert.equal(answer.status, 200);
          const expected = list.length === 0 ? / 403$/ : / 302$/;
          await eventually("the rules are known", async () =>
            expected.test(await get(`http://${internet}:${redirectPort}/?/`)),
          );
        }
      };

      it("is told by its address, as there is no DNS", async () => {
        const { spec } = await cluster().core.readNamespacedService({
          name: "egress-proxy",
          namespace: systemNamespace,
        });
        const { stdout } = await run(made, "echo $HTTP_PROXY $https_proxy");
        const url = `http://${spec?.clusterIP ?? ""}:3128`;
        assert.equal(stdout, `${url} ${url}\n`);
        const lookup = 'import socket; socket.gethostbyname("kubernetes.default.svc.cluster.local")';
        assert.notEqual((await run(made, `python3 -c '${lookup}'`)).exit_code, 0);
      });

      it("a redirect leads no further than the rules", async () => {
        await allow(`${internet}/32:${standInPort}`);
        const redirected = (to: string) => get(`http://${internet}:${redirectPort}/?${to}`, "-L");
        assert.match(
          await redirected(`http://${internet}:${standInPort}/`),
          /hello[^]* 200$/,
          "what is allowed",
        );
        for (const to of [
          `http://${inside}:${standInPort}/`,
          `http://${standIns.metadata}:${standInPort}/`,
          `http://45.90.202.1:${standInPort}/`,
          `http://[::ffff:${inside}]:${standInPort}/`,
          `http://provisioner.${systemNamespace}.svc.cluster.local:8002/health`,
        ]) {
          const answer = await redirected(to);
          assert.match(answer, / 403$/, to);
          assert.doesNotMatch(answer, page, to);
        }
      });

      it("no spelling of an address, and no IPv6, leads to what is shut or around the proxy", async () => {
        await allow("*:*", "0.0.0.0/0:*", "[::/0]:*");
        for (const address of [
          `::ffff:${inside}`,
          "::ffff:169.254.169.254",
          `::${inside}`,
          `64:ff9b::${inside}`,
          "2002:ac9:1::1",
          "fd00:ec2::254",
          "fd20:ce::254",
          "fe80::1",
        ]) {
          assert.match(await get(`http://[${address}]:${standInPort}/`), shut, address);
        }
        // A name with such an address, which its owner may give it.
        await setAddresses("six", ["fd00:ec2::254"]);
        await eventually("the name is known, and refused", async () =>
          shut.test(await get(`http://${nameOfTarget("six")}:${standInPort}/`)),
        );
        for (const around of [`[::ffff:${internet}]`, "[2606:4700:4700::1111]", internet])
          assert.match(await get(`http://${around}:${standInPort}/`, "--noproxy '*'"), / 000$/, around);
      });

      it("a name whose address changes leads to nothing private, alone or beside a public one", async () => {
        const target = `http://${nameOfTarget("moving")}:${standInPort}/`;
        await setAddresses("moving", [internet]);
        await allow(`${nameOfTarget("moving")}:*`);
        for (const [addresses, expected] of [
          [[internet], /hello[^]* 200$/],
          [[internet, inside], shut],
          [[internet], /hello[^]* 200$/],
          [[inside], shut],
        ] as const) {
          await setAddresses("moving", addresses);
          // The cluster's DNS gives old answers for some seconds.
          await eventually(`it is at ${addresses.join(" and ")}`, async () =>
            expected.test(await get(target)),
          );
        }
        // What the sandbox itself says of the name counts for nothing.
        assert.match(
          await get(target, `--resolve ${nameOfTarget("moving")}:${standInPort}:${internet}`),
          / 403$/,
        );
        assert.match(await get(target, `-H 'Host: ${internet}'`), shut);
      });

      it("tells in the sandbox's events what it refused", async () => {
        // One of its own: who is refused very often has the rest in the log alone.
        const told = await provisioner.create({ id: "bypass-told", environment: "bypass" });
        const events = await provisioner.follow(`/v1/sandboxes/${told.id}/events`);
        try {
          // A proxy that has not seen the pod yet refuses it as a stranger, and tells nobody of it.
          await eventually("the proxy knows it", async () =>
            /no rule of this sandbox/.test(
              (await run(told, "curl -s -m 5 http://refused.example:8080/")).stdout,
            ),
          );
          const [, data = ""] = await events.until(
            /event: egress-refused\ndata: (\{[^\n]*refused\.example[^\n]*\})\n/,
          );
          const { host, port, reason, count } = JSON.parse(data) as Record<string, unknown>;
          assert.deepEqual([host, port, reason, count], ["refused.example", 8080, "not_allowed", 1]);
        } finally {
          await events.end();
          await provisioner.delete(told);
        }
      });
    });
  });
});
