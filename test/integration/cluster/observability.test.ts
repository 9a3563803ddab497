// Watching sandboxes and named environments on a real cluster: who reads the metrics and who does not, what is in the logs,
// and a pod of an environment whose image was built by the deployment.
import assert from "node:assert/strict";

import {
  cluster,
  eventually,
  execIn,
  kubectl,
  nameOf,
  namespace,
  node,
  outputOf,
  readySandboxes,
} from "../support/cluster.js";
import { apply, targetNamespace, testPod } from "../support/targets.js";
import { ensureTestbox, loadImage } from "../support/testbox.js";

const monitoring = "monitoring";
const scraper = { "app.kubernetes.io/name": "prometheus" };

describe("metrics of sandboxes", () => {
  let sandbox: string;
  let other: string;
  let [sandboxIp, otherIp] = ["", ""];

  /** What a pod of the test gets from a URL; undefined if it does not get through. */
  async function get(place: string, pod: string, url: string): Promise<string | undefined> {
    const fetch = ["timeout", "3", "wget", "-q", "-O", "-", url];
    const { ok, output } = await kubectl("exec", "-n", place, pod, "--", ...fetch);
    return ok ? output : undefined;
  }

  before(async function () {
    this.timeout(240_000);
    await loadImage(node, await ensureTestbox());
    const [first, second] = await readySandboxes(2);
    assert.ok(first?.status?.podIP && second?.status?.podIP);
    [sandbox, sandboxIp, other, otherIp] = [
      nameOf(first),
      first.status.podIP,
      nameOf(second),
      second.status.podIP,
    ];
    await apply(
      [
        { kind: "Namespace", metadata: { name: monitoring } },
        { kind: "Namespace", metadata: { name: targetNamespace } },
      ].map((object) => ({ apiVersion: "v1", ...object })),
    );
    await apply([
      testPod("prometheus", monitoring, scraper),
      testPod("stranger", monitoring, { app: "stranger" }),
      testPod("impostor", targetNamespace, scraper),
      testPod("metrics-friend", namespace, { "sandlot.dev/sandbox-client": "true" }),
      testPod("metrics-impostor", namespace, scraper),
    ]);
  });

  after(async function () {
    this.timeout(120_000);
    await kubectl("delete", "pod", "-n", namespace, "-l", "sandlot.dev/test=true", "--ignore-not-found");
    for (const place of [monitoring, targetNamespace])
      await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=true", "--timeout=60s");
  });

  const metrics = (ip: string): string => `http://${ip}:9464/metrics`;

  it("the scraper reads the metrics of every sandbox that the Service lists", async () => {
    const { ok, output } = await kubectl(
      ...["get", "endpointslices", "-n", namespace, "-l", "kubernetes.io/service-name=sandbox-metrics"],
      ...["-o", "jsonpath={.items[*].endpoints[*].addresses[*]}"],
    );
    assert.ok(ok, output);
    for (const ip of [sandboxIp, otherIp]) {
      assert.ok(output.split(" ").includes(ip), `${ip} is not in ${output}`);
      const text = (await get(monitoring, "prometheus", metrics(ip))) ?? "";
      assert.match(text, /^sandboxd_build_info\{version="[^"]+",goversion="[^"]+"\} 1$/m);
      // What only the kernel can tell, gVisor's too.
      for (const name of ["process_resident_memory_bytes", "process_open_fds", "process_max_fds"])
        assert.match(text, new RegExp(`^${name} [1-9]`, "m"));
    }
  });

  it("the metrics count what is done", async () => {
    const failed = async (): Promise<number> => {
      const text = (await get(monitoring, "prometheus", metrics(sandboxIp))) ?? "";
      return Number(/^sandboxd_commands_total\{kind="bash",outcome="failed"\} (\d+)$/m.exec(text)?.[1]);
    };
    const before = await failed();
    await execIn(sandbox, "exit 3");
    assert.equal(await failed(), before + 1);
  });

  it("nobody else reads the metrics: strangers, clients, the scraper's labels elsewhere, other sandboxes", async () => {
    assert.equal(await get(monitoring, "stranger", metrics(sandboxIp)), undefined, "a stranger");
    assert.equal(await get(targetNamespace, "impostor", metrics(sandboxIp)), undefined, "labels elsewhere");
    assert.equal(
      await get(namespace, "metrics-friend", metrics(sandboxIp)),
      undefined,
      "a client of the API",
    );
    assert.equal(
      await get(namespace, "metrics-impostor", metrics(sandboxIp)),
      undefined,
      "labels among sandboxes",
    );
    const program = `import urllib.request; urllib.request.urlopen("${metrics(sandboxIp)}", timeout=3)`;
    assert.notEqual((await execIn(other, `python3 -c '${program}'`)).exit_code, 0, "another sandbox");
  });

  it("the scraper does not reach the sandboxes' API, nor does the metrics port run commands", async () => {
    assert.equal(await get(monitoring, "prometheus", `http://${sandboxIp}:8080/v1/sandbox`), undefined);
    for (const path of ["/v1/sandbox", "/v1/bash/sessions", "/v1/shell/sessions", "/"])
      assert.equal(await get(monitoring, "prometheus", `http://${sandboxIp}:9464${path}`), undefined, path);
  });

  it("a web page cannot read them where a browser can reach them", async () => {
    const program = [
      "import urllib.request, urllib.error",
      'request = urllib.request.Request("http://127.0.0.1:9464/metrics", headers={"Origin": "http://page.example"})',
      "try: print(urllib.request.urlopen(request).status)",
      "except urllib.error.HTTPError as error: print(error.code)",
    ].join("\n");
    assert.equal(await outputOf(sandbox, `python3 - <<'EOF'\n${program}\nEOF`), "403");
  });

  it("alert rules and dashboard are there, the dashboard with the label that Grafana's sidecar reads", async () => {
    const { core } = cluster();
    const rules = await core.readNamespacedConfigMap({ name: "sandbox-alert-rules", namespace });
    const groups = JSON.parse(rules.data?.["sandlot.rules.yaml"] ?? "") as { groups: { rules: object[] }[] };
    assert.ok((groups.groups[0]?.rules.length ?? 0) > 5);
    const dashboard = await core.readNamespacedConfigMap({ name: "sandbox-dashboard", namespace });
    assert.equal(dashboard.metadata?.labels?.["grafana_dashboard"], "1");
  });

  it("logs carry the request's id, and nothing of what was asked", async () => {
    const id = `test-${Date.now()}`;
    const program = [
      "import json, urllib.request",
      'body = json.dumps({"command": "echo private-words"}).encode()',
      `headers = {"Content-Type": "application/json", "X-Request-Id": "${id}"}`,
      'request = urllib.request.Request("http://127.0.0.1:8080/v1/bash/exec", body, headers)',
      'print(urllib.request.urlopen(request).headers["X-Request-Id"])',
    ].join("\n");
    assert.equal(await outputOf(sandbox, `python3 - <<'EOF'\n${program}\nEOF`), id);
    const line = await eventually("the log line", async () => {
      const { output } = await kubectl("logs", "-n", namespace, sandbox, "--tail=50");
      return output.split("\n").find((each) => each.includes(id));
    });
    const entry = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(
      [entry["msg"], entry["method"], entry["route"], entry["status"]],
      ["request", "POST", "/v1/bash/exec", 200],
    );
    assert.doesNotMatch(line, /private/);
  });
});

describe("a named environment", () => {
  const pod = "environment-tools";

  after(() => kubectl("delete", "pod", "-n", namespace, pod, "--ignore-not-found", "--grace-period=0"));

  it("runs as a sandbox from the image that the deployment built", async function () {
    this.timeout(120_000);
    const { data } = await cluster().core.readNamespacedConfigMap({
      name: "sandbox-environment-tools",
      namespace,
    });
    const record = JSON.parse(data?.["environment.json"] ?? "") as {
      image: string;
      runtimeClassName: string;
      resources: object;
      env: Record<string, string>;
    };
    assert.match(record.image, /^sandlot\/environment-tools:[0-9a-f]{16}$/);
    assert.deepEqual(record.env, { GREETING: "hello" });
    await apply([
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: pod, namespace, labels: { "sandlot.dev/test": "true" } },
        spec: {
          runtimeClassName: record.runtimeClassName,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              name: "sandbox",
              image: record.image,
              imagePullPolicy: "Never",
              env: Object.entries(record.env).map(([name, value]) => ({ name, value })),
              resources: record.resources,
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      } as never,
    ]);
    assert.equal(await outputOf(pod, "cat /opt/built"), "built");
    assert.equal(await outputOf(pod, 'echo "$GREETING from $(id -u)"'), "hello from 1000");
    assert.equal(await outputOf(pod, "find / -xdev -type f -perm /6000 2>/dev/null | wc -l"), "0");
  });
});
