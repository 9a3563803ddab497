// The contract of the node image, held by k3s with gVisor and by the k3s-compatible node that is built here: what
// Sandlot needs of a cluster in a container, tried out on one that is started for this file.
import assert from "node:assert/strict";

import { ensureNodeImage } from "../../toolchain/node-image/build.js";
import { attempt, output } from "./support/shell.js";
import { fixture, TestNode, until } from "./support/test-node.js";
import { testboxPage, testboxReference } from "./support/testbox.js";

const pidLimit = 200;
const serverFlags = [`--kubelet-arg=pod-max-pids=${pidLimit}`, "--kubelet-arg=image-gc-high-threshold=100"];

describe("node image", function () {
  this.timeout(60_000);
  let node: TestNode;
  let web = "";
  let sandboxed = "";
  let gateway = "";
  let builtHere = false;
  const hello = (value: string | undefined): boolean => value === testboxPage;

  const nodePort = async (): Promise<string | undefined> => {
    const { code, stdout } = await attempt("curl", [
      "-s",
      "-m",
      "2",
      `http://${await node.published(30080)}/`,
    ]);
    return code === 0 ? stdout : undefined;
  };
  const open = async (what: string, probe: () => Promise<string | undefined>): Promise<void> => {
    await until(`${what} is open`, probe, hello, 10);
  };
  const closed = async (what: string, probe: () => Promise<string | undefined>): Promise<void> => {
    // Rules load within milliseconds; a first connection may just precede them.
    await until(`${what} is closed`, probe, (value) => value === undefined, 5);
  };
  const connects = (pod: string, host: string, port: number): Promise<string | undefined> =>
    node.inPod(pod, `timeout 1 nc ${host} ${port} </dev/null && echo ${testboxPage}`);
  const evict = async (pod: string): Promise<string> => {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod } };
    const path = `/api/v1/namespaces/default/pods/${pod}/eviction`;
    const { stdout, stderr } = await node.tryKubectl(
      ["create", "--raw", path, "-f", "-"],
      JSON.stringify(eviction),
    );
    return stdout + stderr;
  };
  const restored = (): Promise<string> =>
    until("all pods are Ready again", () => node.kubectl("get", "pods", "-A", "--no-headers"), allReady, 60);
  const allReady = (table: string): boolean =>
    table !== "" && table.split("\n").every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));

  before("start a node and the pods", async function () {
    this.timeout(900_000);
    node = new TestNode((await ensureNodeImage({ cli: "docker" })).ref);
    await node.start(...serverFlags);
    await until(
      "the node is Ready",
      () => node.kubectl("get", "node", "node"),
      (table) => / Ready /.test(table),
      60,
    );
    await node.loadTestbox();
    await until(
      "the default service account",
      () => node.kubectl("get", "serviceaccount", "default"),
      () => true,
      20,
    );
    await node.apply(
      fixture("app.yaml") +
        "---\n" +
        fixture("storage.yaml") +
        "---\n" +
        fixture("limits.yaml") +
        "---\n" +
        fixture("forks.yaml"),
    );
    await node.kubectl(
      "wait",
      "--for=condition=Ready",
      "pod/client",
      "pod/stranger",
      "pod/sandboxed",
      "pod/disk",
      "--timeout=50s",
    );
    await node.kubectl("rollout", "status", "deployment/web", "--timeout=30s");
    await node.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=30s");
    web = await node.kubectl("get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].status.podIP}");
    sandboxed = await node.jsonPath("pod", "sandboxed", "{.status.podIP}");
    gateway = await node.gateway();
    builtHere = (await node.kubectl("version")).includes("+k3s.local");
  });

  after("remove the node", async () => {
    await node.remove();
  });

  describe("k3s contract", () => {
    it("hands over a kubeconfig that names the published port's host", async () => {
      assert.match(node.kubeconfig, /server: https:\/\/127\.0\.0\.1:6443/);
      const [, certificate = ""] = /certificate-authority-data: (\S+)/.exec(node.kubeconfig) ?? [];
      assert.match(Buffer.from(certificate, "base64").toString(), /BEGIN CERTIFICATE/);
      assert.equal(await node.run("cat", "/etc/rancher/k3s/k3s.yaml"), node.kubeconfig.trim());
    });

    it("has kubectl as a k3s command", async () => {
      assert.equal(await node.run("k3s", "kubectl", "get", "node", "-o", "name"), "node/node");
    });

    it("hands kubelet arguments on", async () => {
      const configuration = await node.kubectl("get", "--raw", "/api/v1/nodes/node/proxy/configz");
      assert.match(configuration, new RegExp(`"podPidsLimit":${pidLimit}\\b`));
    });
    it("starts the kubelet after all else that makes the CSI plugin, so that its node is the one that speaks for it", async function () {
      if (!builtHere) this.skip();
      const log = await output("sh", ["-c", `docker logs ${node.name} 2>&1`]);
      const made = log.search(/Started controller.*persistentvolume-attach-detach-controller/);
      const kubelet = log.search(/Attempting to sync node with API server/);
      assert.ok(made !== -1 && kubelet > made, `${made} ${kubelet}`);
      assert.doesNotMatch(log, /Failed to initialize CSINode.*resource name may not be empty/);
    });
  });

  describe("traffic without policies", () => {
    it("reaches a service through a published NodePort", () => open("the NodePort", nodePort));
    it("reaches a service by its name", () => open("web", () => node.fetchFrom("client", "http://web/")));
    it("reaches pods directly, gVisor's too", async () => {
      await open("web", () => node.fetchFrom("stranger", `http://${web}:8080/`));
      await open("the gVisor pod", () => node.fetchFrom("stranger", `http://${sandboxed}:8080/`));
    });
    it("resolves cluster names in runc and gVisor pods", async () => {
      for (const pod of ["client", "sandboxed"]) {
        assert.match(
          (await node.inPod(pod, "nslookup kubernetes.default.svc.cluster.local")) ?? "",
          /Address: 10\.43\.0\.1\b/,
        );
      }
    });
    it("does not hang on names of the outside, whether or not there is one, and keeps DNS alive", async () => {
      const started = performance.now();
      await node.inPod("client", "nslookup sandlot.invalid.");
      assert.ok(
        performance.now() - started < 6000,
        "a name that does not exist must be refused within seconds",
      );
      const restarts = await node.kubectl(
        "-n",
        "kube-system",
        "get",
        "pods",
        "-l",
        "k8s-app=kube-dns",
        "-o",
        "jsonpath={.items[*].status.containerStatuses[*].restartCount}",
      );
      assert.equal(restarts, "0");
    });
  });

  describe("gVisor", () => {
    it("runs pods of its RuntimeClass on its own kernel", async () => {
      assert.equal(await node.inPod("sandboxed", "uname -r"), "4.4.0");
      assert.match((await node.inPod("sandboxed", "dmesg")) ?? "", /Starting gVisor/);
    });
    it("uses the platform that works on any machine", async () => {
      assert.match(await node.run("ps", "-o", "args"), /runsc-sandbox.*--platform=systrap/);
    });
  });

  describe("API access", () => {
    it("gives logs", async () => {
      assert.equal(await node.kubectl("logs", "client"), "started");
    });
    it("proxies to a service, a pod and a gVisor pod", async () => {
      for (const target of ["services/web:80", "pods/sandboxed:8080"]) {
        assert.equal(
          await node.kubectl("get", "--raw", `/api/v1/namespaces/default/${target}/proxy/`),
          testboxPage,
        );
      }
    });
    it("gives each pod's use of resources", async () => {
      interface Summary {
        pods: { podRef: { name: string }; memory?: { workingSetBytes?: number } }[];
      }
      const summary = await until(
        "the kubelet knows the pods' memory",
        async () =>
          JSON.parse(await node.kubectl("get", "--raw", "/api/v1/nodes/node/proxy/stats/summary")) as Summary,
        ({ pods }) =>
          ["client", "sandboxed"].every((name) =>
            pods.some(({ podRef, memory }) => podRef.name === name && (memory?.workingSetBytes ?? 0) > 0),
          ),
      );
      assert.ok(summary.pods.length > 2);
      assert.match(
        await node.kubectl("get", "--raw", "/api/v1/nodes/node/proxy/metrics/resource"),
        /container_memory_working_set_bytes\{container="c"/,
      );
    });
    it("gives them by the metrics API too, to kubectl top and autoscalers", async () => {
      interface Figures {
        items: { metadata: { name: string }; containers: { usage: { cpu: string; memory: string } }[] }[];
      }
      const top = (...what: string[]): Promise<string> => node.kubectl("top", ...what, "--no-headers");
      // gVisor's pods in k3s itself: google/gvisor#13067
      const pods = ["client", ...(builtHere ? ["sandboxed"] : [])];
      const path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
      await until(
        "figures of pods",
        async () => JSON.parse(await node.kubectl("get", "--raw", path)) as Figures,
        ({ items }) =>
          pods.every((pod) =>
            items.some(
              // No unit: 0 has none, and what is very little is written in bytes.
              ({ metadata, containers: [one] }) =>
                metadata.name === pod && /^[1-9]/.test(one?.usage.memory ?? ""),
            ),
          ),
        90, // a pod has figures once it was looked at twice, which metrics-server does every 15 s
      );
      const table = await top("pods");
      for (const pod of pods) assert.match(table, new RegExp(`^${pod} +\\d+m +\\d+Mi`, "m"));
      assert.match(await top("nodes"), /^node +[1-9]\d*m +\d+% +[1-9]\d*Mi/);
    });
    it("lets nobody but the API server at what measures it, and has that prove who it is", async function () {
      if (!builtHere) this.skip(); // k3s runs metrics-server in a pod, and does not verify its certificate
      const spec = await node.jsonPath("apiservice", "v1beta1.metrics.k8s.io", "{.spec}");
      assert.match(spec, /"caBundle":"\w+/);
      assert.doesNotMatch(spec, /insecureSkipTLSVerify/);
      const address = await node.address();
      await open("the kubelet", () => connects("client", address, 10250));
      await closed("metrics-server", () => connects("client", address, 10253));
    });
  });

  describe("network policies", () => {
    const step = (name: string): Promise<void> =>
      node.apply(fixture("policies.yaml", { SANDBOXED: sandboxed, GATEWAY: gateway }), "-l", `step=${name}`);

    it("deny all: between pods, to DNS, to the API server and the node, from outside", async () => {
      await step("deny");
      const address = await node.address();
      const dns = async (): Promise<string | undefined> =>
        (await node.inPod("client", "timeout 2 nslookup web.default.svc.cluster.local")) && testboxPage;
      await Promise.all([
        closed("client to web", () => node.fetchFrom("client", `http://${web}:8080/`)),
        closed("stranger to the gVisor pod", () => node.fetchFrom("stranger", `http://${sandboxed}:8080/`)),
        closed("the gVisor pod to web", () => node.fetchFrom("sandboxed", `http://${web}:8080/`)),
        closed("DNS", dns),
        ...["client", "sandboxed"].flatMap((pod) => [
          closed(`${pod} to the API server`, () => connects(pod, "10.43.0.1", 443)),
          closed(`${pod} to the API server on the node`, () => connects(pod, address, 6443)),
          closed(`${pod} to the kubelet`, () => connects(pod, address, 10250)),
        ]),
      ]);
      await closed("the NodePort", nodePort);
    });
    it("leave probes, exec and the API server's proxy alone", async () => {
      assert.equal(
        await node.kubectl("get", "--raw", "/api/v1/namespaces/default/pods/sandboxed:8080/proxy/"),
        testboxPage,
      );
      assert.equal(await node.jsonPath("deployment", "web", "{.status.readyReplicas}"), "2");
    });
    it("allow by pod label and named port, with DNS", async () => {
      await step("allow");
      await open("client to web", () => node.fetchFrom("client", "http://web/"));
      await closed("stranger to web", () => node.fetchFrom("stranger", `http://${web}:8080/`));
    });
    it("know the host's callers of a NodePort by the gateway of the node's Docker network", async () => {
      await closed("the NodePort", nodePort);
      await step("gateway");
      await open("the NodePort", nodePort);
      await closed("stranger to web", () => node.fetchFrom("stranger", `http://${web}:8080/`));
    });
    it("allow by block with exceptions, port range and namespace label", async () => {
      await step("blocks");
      await open("stranger to web", () => node.fetchFrom("stranger", `http://${web}:8080/`));
      await closed("stranger to the excepted address", () =>
        node.fetchFrom("stranger", `http://${sandboxed}:8080/`),
      );
    });
    it("are in force before a pod's first packet", async function () {
      if (!builtHere) this.skip(); // k3s' own agent learns of a pod from its status, which comes most of a second late
      // A connection each tenth of a second from the first moment on, each with a second to succeed.
      const attempts = `i=0; while [ $i -lt 15 ]; do (timeout 1 wget -qO- http://${web}:8080/) & sleep 0.1; i=$((i+1)); done; wait; echo done`;
      await node.kubectl("delete", "networkpolicy", "--all", "-n", "default");
      await node.apply(fixture("gap.yaml", { ATTEMPTS: JSON.stringify(attempts) }));
      await node.kubectl("wait", "--for=condition=Complete", "job/eager", "--timeout=30s");
      await node.kubectl("-n", "walled", "wait", "--for=condition=Complete", "job/eager", "--timeout=30s");
      const said = (await node.kubectl("-n", "walled", "logs", "-l", "job-name=eager", "--tail=-1")).split(
        "\n",
      );
      assert.deepEqual([...new Set(said)], ["done"], "no walled pod may get a page");
      assert.equal(said.length, 4);
      const heard = (await node.kubectl("logs", "job/eager")).split("\n");
      assert.equal(heard.filter(hello).length, 15, "an open pod must get through from its first try on");
    });
    it("end with their deletion", () =>
      open("stranger to web", () => node.fetchFrom("stranger", `http://${web}:8080/`)));
  });

  describe("storage", () => {
    it("binds a claim to a hand-made volume and one to a volume made on demand", async () => {
      assert.equal(
        await node.kubectl("get", "pvc", "-o", "jsonpath={.items[*].status.phase}"),
        "Bound Bound",
      );
      assert.equal(await node.inPod("disk", "cat /data/f /dynamic/f"), "kept\nmade");
    });
  });

  describe("limits", () => {
    it("evict pods that fill the disk, by volume and in all, in gVisor too", async function () {
      const reasons = (): Promise<string> =>
        node.kubectl(
          "get",
          "pods",
          "-l",
          "greedy=disk",
          "-o",
          "jsonpath={range .items[*]}{.metadata.name}={.status.reason} {end}",
        );
      await until(
        "all four are evicted",
        reasons,
        (text) => (text.match(/=Evicted/g) ?? []).length === 4,
        40,
      );
    });
    it("stop processes at the pod's limit", async () => {
      const phases = (): Promise<string> =>
        node.kubectl("get", "pods", "forks-runc", "forks-gvisor", "-o", "jsonpath={.items[*].status.phase}");
      await until("both have failed", phases, (text) => text === "Failed Failed", 20);
      assert.match(await node.kubectl("logs", "forks-runc"), /can't fork: Resource temporarily unavailable/);
      for (const pod of ["forks-runc", "forks-gvisor"])
        assert.doesNotMatch(await node.kubectl("logs", pod), /no limit/);
      assert.equal(await node.inPod("sandboxed", "echo alive"), "alive");
    });
    it("refuse evictions beyond a disruption budget", async () => {
      const victim = await node.kubectl(
        "get",
        "pod",
        "-l",
        "app=web",
        "-o",
        "jsonpath={.items[0].metadata.name}",
      );
      assert.match(await evict(victim), /disruption budget/);
      await node.kubectl("scale", "deployment/web", "--replicas=3");
      await node.kubectl("rollout", "status", "deployment/web", "--timeout=30s");
      await until(
        "the budget allows one",
        () => evict(victim),
        (reply) => reply.includes('"code":201'),
        10,
      );
    });
    it("restart what fails its liveness probe", async () => {
      const restarts = (): Promise<string> =>
        node.jsonPath("pod", "dying", "{.status.containerStatuses[0].restartCount}");
      await until("a restart", restarts, (count) => Number(count) >= 1, 20);
    });
    it("apply Pod Security levels", async () => {
      await node.kubectl("create", "namespace", "restricted");
      await node.kubectl("label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted");
      const args = [
        "-n",
        "restricted",
        "run",
        "p",
        `--image=${testboxReference}`,
        "--privileged",
        "--dry-run=server",
      ];
      const { code, stderr } = await node.tryKubectl(args);
      assert.notEqual(code, 0);
      assert.match(stderr, /violates PodSecurity "restricted:latest"/);
    });
  });

  describe("images", () => {
    it("are pinned and not collected, as there may be no registry to get them back from", async () => {
      const listing = (await node.run("ctr", "-n", "k8s.io", "images", "ls")).split("\n");
      const line = listing.find((entry) => entry.startsWith(testboxReference)) ?? "";
      assert.match(line, /io\.cri-containerd\.pinned=pinned/);
      assert.match(
        await node.kubectl("get", "--raw", "/api/v1/nodes/node/proxy/configz"),
        /"imageGCHighThresholdPercent":100\b/,
      );
    });
  });

  describe("restart", () => {
    before("leave a manifest and an image archive, then restart the container", async () => {
      const manifest = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"mine"}}';
      await node.run("sh", "-c", `echo '${manifest}' > /var/lib/rancher/k3s/server/manifests/mine.yaml`);
      const script =
        'mkdir -p /var/lib/rancher/k3s/agent/images; ctr -n k8s.io images tag "$1" docker.io/library/archived:1 >/dev/null;' +
        "ctr -n k8s.io images export /var/lib/rancher/k3s/agent/images/x.tar docker.io/library/archived:1; ctr -n k8s.io images rm docker.io/library/archived:1";
      await node.run("sh", "-c", script, "sh", testboxReference);
      await node.kubectl("delete", "jobs", "--all", "-A", "--wait=false");
      await node.kubectl("delete", "pod", "-l", "greedy=disk", "--wait=false");
      await node.kubectl(
        "delete",
        "pod",
        "dying",
        "forks-runc",
        "forks-gvisor",
        "--ignore-not-found",
        "--now",
      );
      await output("docker", ["restart", "-t", "2", node.name]);
      await until(
        "the API server",
        () => node.kubectl("get", "--raw", "/readyz"),
        (text) => text === "ok",
        30,
      );
      await restored();
    });

    it("brings services, DNS and gVisor back", async () => {
      await open("the NodePort", nodePort);
      await open("web by its name", () => node.fetchFrom("client", "http://web/"));
      assert.equal(await node.inPod("sandboxed", "uname -r"), "4.4.0");
    });
    it("keeps data", async () => {
      await until(
        "data",
        () => node.run("kubectl", "exec", "disk", "--", "cat", "/data/f"),
        (text) => text === "kept\nkept",
        10,
      );
    });
    it("imports image archives", async () => {
      assert.match(
        await node.run("ctr", "-n", "k8s.io", "images", "ls", "-q"),
        /^docker\.io\/library\/archived:1$/m,
      );
    });
    it("applies manifests", async () => {
      await until(
        "the manifest",
        () => node.kubectl("get", "configmap", "mine", "-o", "name"),
        (name) => name === "configmap/mine",
        10,
      );
    });
    it("gives back the addresses of pods that are gone", async () => {
      const leased = Number(await node.run("sh", "-c", "ls /var/lib/cni/networks/cbr0 | grep -c '^10\\.'"));
      const pods = (await node.kubectl("get", "pods", "-A", "-o", "name")).split("\n").length;
      assert.ok(leased <= pods, `${leased} addresses are leased to ${pods} pods`);
    });
    it("is survived by the volume when the container is replaced", async () => {
      await node.removeContainer();
      await node.start(...serverFlags, "--disable=metrics-server");
      await until(
        "the API server",
        () => node.kubectl("get", "--raw", "/readyz"),
        (text) => text === "ok",
        30,
      );
      await restored();
      await open("the NodePort", nodePort);
      await until(
        "data",
        () => node.run("kubectl", "exec", "disk", "--", "cat", "/data/f"),
        (text) => text === "kept\nkept\nkept",
        10,
      );
    });
    it("takes away what is disabled now", async () => {
      await until(
        "the metrics API is gone",
        () => node.kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--ignore-not-found", "-o", "name"),
        (name) => name === "",
        20,
      );
    });
  });
});
