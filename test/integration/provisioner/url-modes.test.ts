// DeerFlow's gateway with the deployed provisioner, once for each kind of URL that a stack can give its sandboxes: those of the
// router, which need no Service, those of Services inside the cluster, and ports of the nodes.
import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";
import { execa } from "execa";

import { SandboxClient, type Fetch } from "../../support/sandbox-client.js";
import { cluster, kubectl, mustMake, namespace, node, outputs, upWith } from "../support/cluster.js";
import { playClientLibrary } from "./client-library.js";
import { Deployed } from "./deployed.js";
import { createByGateway, itServesGateway, type Gateway } from "./gateway-play.js";

/** A pod of the sandboxes' namespace that is no sandbox, with curl. */
function clientPod(name: string, labels: Record<string, string>, image: string): V1Pod {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  return {
    metadata: { name, labels },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [{ name: "c", image, command: ["sleep", "600"], securityContext }],
    },
  };
}

/** `fetch` by a pod of the cluster. */
function fetchFrom(pod: string): Fetch {
  return async (url, { method = "GET", headers, body } = {}) => {
    const lines = Object.entries((headers ?? {}) as Record<string, string>);
    const curl = [
      ...["curl", "-sS", "-m", "20", "--connect-timeout", "5", "-X", method, "-w", "\n%{http_code}"],
      ...lines.flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      ...(typeof body === "string" ? ["--data-binary", "@-"] : []),
      url,
    ];
    const { stdout } = await execa(
      "docker",
      ["exec", "-i", node, "kubectl", "exec", "-i", "-n", namespace, pod, "--", ...curl],
      { input: typeof body === "string" ? body : "" },
    );
    const at = stdout.lastIndexOf("\n");
    return new Response(stdout.slice(0, at), { status: Number(stdout.slice(at + 1)) });
  };
}

/** The address of the cluster's one node, where this machine reaches it. */
async function nodeAddress(): Promise<string> {
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  return (await execa("docker", ["inspect", "-f", format, node])).stdout.trim();
}

describe("DeerFlow's gateway with the deployed provisioner", function () {
  this.timeout(300_000);
  let provisioner: Deployed;

  before(async () => {
    provisioner = await Deployed.find();
  });

  after(() => mustMake("up"));

  const gateway = (url: Gateway["url"], fetch?: Fetch): Gateway => ({
    call: (method, path, body) => provisioner.call(method, path, body),
    url,
    pods: async (id) => {
      const labelSelector = `sandlot.dev/sandbox-id=${id}`;
      return (await cluster().core.listNamespacedPod({ namespace, labelSelector })).items;
    },
    ...(fetch === undefined ? {} : { fetch }),
  });
  const destroy = (id: string) => provisioner.call("DELETE", `/api/sandboxes/${id}`);

  describe("through the router", () => {
    // The token is in the path: DeerFlow's client can send no header.
    itServesGateway(() =>
      gateway((id) => new RegExp(`^${provisioner.url}/sandboxes/${id}/t/[A-Za-z0-9_-]{20,}$`)),
    );

    it("calls sandboxes by its client library, which takes all answers for what it expects", async function () {
      const id = "gateway-library";
      const folder = "/mnt/user-data/workspace";
      try {
        const { sandbox_url: url } = await createByGateway(provisioner, id);
        const seen = await playClientLibrary(url, folder);
        if (seen === undefined) return this.skip();
        const gone = [404, "session not found"];
        assert.deepEqual(seen, {
          context: ["/home/sandbox", "Linux"],
          shell: ["completed", "hello", 3],
          "shell keeps its state": ["completed", "kept", 0],
          "shell at its limit": ["hard_timeout", "", null],
          "shell after that": ["completed", "on", 0],
          aborted: "terminated",
          "left of it": "0",
          "shell session that is gone": gone,
          "bash session": ["secret", "ready", 0],
          bash: ["completed", "s3cret\n", "wrong\n", 4],
          "bash at its limit": "timed_out",
          "bash session that is gone": gone,
          read: "one\ntwo\nthree\nfour\n",
          lines: "two\nthree\n",
          download: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("hex"),
          find: [`${folder}/notes/a.txt`],
          list: [`${folder}/b.bin`, `${folder}/notes/a.txt`],
          grep: [
            false,
            [
              [`${folder}/notes/a.txt`, 2, "two"],
              [`${folder}/notes/a.txt`, 3, "three"],
            ],
          ],
        });
      } finally {
        await destroy(id);
      }
    });

    it("finds skills where it looks for them", async () => {
      const id = "gateway-skills";
      try {
        const { sandbox_url: url } = await createByGateway(provisioner, id);
        assert.equal((await new SandboxClient(url).shell("ls /mnt/skills")).body.data.output, "hello");
      } finally {
        await destroy(id);
      }
    });
  });

  // Suites of their own, as mocha runs a suite's tests before the suites in it: each is an update of the stack.
  describe("by Services", function () {
    this.timeout(600_000);
    const pods = { client: "gateway-client", stranger: "gateway-stranger" } as const;

    before(async () => {
      await upWith({ "sandlot:provisioner": { sandboxUrls: "ClusterIP" } });
      const { core } = cluster();
      const image = outputs().sandboxImage ?? "";
      const bodies = [
        clientPod(pods.client, { "sandlot.dev/sandbox-client": "true" }, image),
        clientPod(pods.stranger, {}, image),
      ];
      for (const body of bodies) await core.createNamespacedPod({ namespace, body });
      const names = Object.values(pods).map((name) => `pod/${name}`);
      const ready = await kubectl(
        "wait",
        "-n",
        namespace,
        "--for=condition=Ready",
        ...names,
        "--timeout=60s",
      );
      assert.ok(ready.ok, ready.output);
    });

    after(async () => {
      for (const name of Object.values(pods))
        await cluster()
          .core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 })
          .catch(() => undefined);
    });

    itServesGateway(() =>
      gateway(
        (id) => new RegExp(`^http://sandbox-${id}-svc\\.${namespace}\\.svc\\.cluster\\.local:8080$`),
        fetchFrom(pods.client),
      ),
    );

    it("answers no pod that is no client", async () => {
      const id = "gateway-strange";
      try {
        const { sandbox_url: url } = await createByGateway(provisioner, id);
        const from = (pod: string) => new SandboxClient(url, fetchFrom(pod)).shell("echo here");
        assert.equal((await from(pods.client)).body.data.output, "here");
        await assert.rejects(from(pods.stranger), /curl: \(28\)/);
      } finally {
        await destroy(id);
      }
    });
  });

  describe("by ports of the nodes", function () {
    this.timeout(600_000);
    let address = "";

    before(async () => {
      address = await nodeAddress();
      await upWith({ "sandlot:provisioner": { sandboxUrls: "NodePort" } });
    });

    itServesGateway(() => gateway(() => new RegExp(`^http://${address}:3\\d{4}$`)));

    it("answers this machine, and no other sandbox", async () => {
      const ids = ["gateway-port-1", "gateway-port-2"];
      try {
        const made = await Promise.all(ids.map((id) => createByGateway(provisioner, id)));
        const [one, other] = made.map(({ sandbox_url: url }) => url);
        const asked = `curl -s -m 3 -o /dev/null -w '%{http_code}' ${other ?? ""}/v1/sandbox`;
        assert.equal((await fetch(`${other ?? ""}/v1/sandbox`)).status, 200);
        const result = await new SandboxClient(one ?? "").bash(asked, { hard_timeout: 10 });
        assert.equal(result.body.data.stdout, "000");
      } finally {
        await Promise.all(ids.map(destroy));
      }
    });
  });
});
