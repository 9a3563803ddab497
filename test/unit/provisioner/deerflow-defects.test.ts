// Every defect of DeerFlow's own provisioner that its users met, one test each: none of them is here.
import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";
import pino from "pino";

import { connect } from "../../../provisioner/src/kubernetes/connection.js";
import { deerflowVolumes, MountError, servedMounts } from "../../../provisioner/src/model/deerflow-mounts.js";
import { environmentOfImage } from "../../../provisioner/src/model/environment.js";
import { buildPod, type SandboxServer } from "../../../provisioner/src/model/pod.js";
import { readSettings } from "../../../provisioner/src/config/settings.js";
import { gatewayBaseDir, gatewayBody } from "../../support/gateway-body.js";
import { apiKey, environment, eventually, house, type House, type Replica } from "./house.js";
import { kubeconfig } from "./kubeconfig.js";

const owner = { tenant: "default", userId: "u1", threadId: "t1" };

/** What the gateway sends. */
const body = (id: string, more: object = {}): object => ({
  ...{ sandbox_id: id, thread_id: "t1", user_id: "u1", include_legacy_skills: true },
  ...{ provision_lark_cli_runtime: false, provision_lark_cli_broker: false },
  ...more,
});

describe("defects of DeerFlow's provisioner, fixed", () => {
  let home: House;
  let replica: Replica;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  const create = (id: string, more: object = {}) => replica.call("POST", "/api/sandboxes", body(id, more));

  it("1: the gateway's mount of /mnt/skills/custom does not make a mount path twice, in any mode", () => {
    const extra = [
      { hostPath: "/state/users/u1/custom", containerPath: "/mnt/skills/custom", readOnly: true },
    ];
    for (const settings of [
      { baseDir: "/state" },
      { baseDir: "/state", userDataClaim: "home" },
      { baseDir: "/state", skillsHostPath: "/skills" },
      { baseDir: "/state", skillsClaim: "skills", userDataClaim: "home" },
    ]) {
      const volumes = deerflowVolumes(settings, owner, extra);
      const pod = podWith(volumes);
      const paths = pod.spec?.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
      assert.equal(new Set(paths).size, paths.length, `${JSON.stringify(settings)}: ${paths.join(" ")}`);
      assert.ok(paths.includes("/mnt/skills/custom"));
      const names = pod.spec?.volumes?.map(({ name }) => name) ?? [];
      assert.equal(new Set(names).size, names.length);
    }
  });

  it("1: a hardened namespace, which lets no folder of a node in, gives the gateway a sandbox by its whole payload", async () => {
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
    replica = await home.start({ HOST_PATH_MOUNTS: "false" }, log);
    const answer = await replica.call("POST", "/api/sandboxes", gatewayBody("a"));
    assert.equal(answer.statusCode, 200, answer.body);
    assert.deepEqual(
      await replica.call("POST", "/api/sandboxes", gatewayBody("a")).then(({ body }) => body),
      answer.body,
    );
    assert.deepEqual(nodeFolders(home.cluster.pods()[0]), []);
    const told = lines.find((line) => line.includes("the sandbox does without extra mounts")) ?? "{}";
    const { leftOut = [] } = JSON.parse(told) as { leftOut?: { containerPath: string }[] };
    assert.deepEqual(
      leftOut.map(({ containerPath }) => containerPath),
      ["/mnt/acp-workspace", "/mnt/skills/custom"],
    );
  });

  it("1: a claim that holds the gateway's state has its mounts and its views of skills, each where the gateway keeps it", async () => {
    replica = await home.start({
      ...{ HOST_PATH_MOUNTS: "false", USERDATA_PVC_NAME: "home" },
      DEER_FLOW_HOST_BASE_DIR: gatewayBaseDir,
    });
    const answer = await replica.call(
      "POST",
      "/api/sandboxes",
      gatewayBody("a", { userId: "u1", threadId: "t1" }),
    );
    assert.equal(answer.statusCode, 200, answer.body);
    const [pod] = home.cluster.pods();
    const places =
      pod?.spec?.containers[0]?.volumeMounts?.filter(({ subPath }) => subPath !== undefined) ?? [];
    const user = "deer-flow/users/u1";
    assert.deepEqual(
      Object.fromEntries(places.map(({ mountPath, subPath, readOnly }) => [mountPath, [subPath, readOnly]])),
      {
        "/mnt/user-data": [`${user}/threads/t1/user-data`, false],
        "/mnt/acp-workspace": [`${user}/threads/t1/acp-workspace`, false],
        "/mnt/skills/public": ["deer-flow/skills_view/public", true],
        "/mnt/skills/custom": [`${user}/skills_view/custom`, true],
        "/mnt/skills/legacy": [`${user}/skills_view/legacy`, true],
      },
    );
    assert.deepEqual(nodeFolders(pod), []);
    // What lies in the state but is not the gateway's to give is refused, as ever.
    const stolen = { host_path: `${gatewayBaseDir}/users/u2`, container_path: "/mnt/acp-workspace" };
    assert.equal((await create("b", { extra_mounts: [stolen] })).statusCode, 400);
  });

  it("1: mounts that no claim has are left out with the reason, and those that are no mounts of the gateway's are refused", () => {
    const mount = {
      hostPath: "/state/users/u1/skills_view/custom",
      containerPath: "/mnt/skills/custom",
      readOnly: true,
    };
    const settings = { hostPaths: false, userDataClaim: "home", baseDir: "/state" };
    const why = (changed: object, tenant = "default", hostPath = mount.hostPath) =>
      servedMounts({ ...settings, ...changed }, { ...owner, tenant }, [{ ...mount, hostPath }]).leftOut[0]
        ?.why;
    assert.equal(why({}), undefined);
    assert.match(why({ userDataClaim: undefined }) ?? "", /USERDATA_PVC_NAME/);
    assert.match(why({ baseDir: undefined }) ?? "", /DEER_FLOW_HOST_BASE_DIR/);
    assert.match(why({}, "acme") ?? "", /tenant default/);
    assert.match(why({}, "default", "/stateful/users/u1/x") ?? "", /not below .*\/state/);
    // A mount in a read-only volume has no place to be mounted at.
    assert.match(why({ skillsClaim: "skills" }) ?? "", /SKILLS_PVC_NAME/);
    for (const containerPath of ["/etc", "/mnt/skills"])
      assert.throws(() => servedMounts(settings, owner, [{ ...mount, containerPath }]), MountError);
    assert.throws(() => servedMounts({ hostPaths: false }, owner, [mount, mount]), MountError);
    assert.equal(
      servedMounts({ ...settings, hostPaths: true }, { ...owner, tenant: "acme" }, [mount]).served.length,
      1,
    );
  });

  it("2: user data on the node is where the gateway keeps it: by user, then by thread", () => {
    const [data] = deerflowVolumes({ baseDir: "/state" }, owner, []).filter(
      ({ mountPath }) => mountPath === "/mnt/user-data",
    );
    assert.equal(data?.volume.hostPath?.path, "/state/users/u1/threads/t1/user-data");
  });

  it("3: sandboxes end without a gateway: by idleness, and at the latest by the kubelet", async () => {
    replica = await home.start({ DEERFLOW_IDLE_SECONDS: "60" });
    await create("a");
    const [pod] = home.cluster.pods();
    assert.equal(pod?.spec?.activeDeadlineSeconds, 86_400);
    // The create itself was activity, and a replica that ends writes down what it knows.
    await replica.provisioner.stop();
    const long = new Date(Date.now() - 61_000).toISOString();
    home.cluster.update("sandbox-a", ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, "sandlot.dev/last-active-at": long };
    });
    await home.start({ DEERFLOW_IDLE_SECONDS: "60" });
    await eventually("the idle sandbox is gone", () => home.cluster.pods().length === 0);
  });

  it("4: a sandbox that is slow to start holds up nobody else", async () => {
    home.cluster.startMs = undefined;
    replica = await home.start({ READY_TIMEOUT_SECONDS: "5" });
    let answered = 0;
    const slow = Array.from({ length: 60 }, (_, index) =>
      create(`slow-${index}`).finally(() => (answered += 1)),
    );
    await eventually("all wait for their pods", () => home.cluster.pods().length === slow.length);
    assert.equal((await replica.call("GET", "/health")).statusCode, 200);
    assert.equal((await replica.call("GET", "/api/sandboxes")).statusCode, 200);
    assert.equal(answered, 0);
    for (const answer of await Promise.all(slow))
      assert.equal(answer.json<{ status: string }>().status, "Pending");
  });

  it("5: a list asks the API server for nothing", async () => {
    replica = await home.start();
    await Promise.all(["a", "b", "c"].map((id) => create(id)));
    const before = home.cluster.requests.filter(({ path }) => !path.includes("leases")).length;
    const list = (await replica.call("GET", "/api/sandboxes")).json<{ count: number; sandboxes: object[] }>();
    assert.equal(list.count, 3);
    assert.equal(list.sandboxes.length, 3);
    assert.equal(home.cluster.requests.filter(({ path }) => !path.includes("leases")).length, before);
  });

  it("6: Running is said only of what answers, and trouble with the cluster is not taken for absence", async () => {
    replica = await home.start();
    await create("a");
    const listed = async () =>
      (await replica.call("GET", "/api/sandboxes")).json<{ sandboxes: { status: string }[] }>().sandboxes[0]
        ?.status;
    const answer = async (id: string) => (await replica.call("GET", `/api/sandboxes/${id}`)).statusCode;
    const ready = (status: "True" | "False"): void => {
      home.cluster.update("sandbox-a", (pod) => {
        pod.status = Object.assign({}, pod.status, { conditions: [{ type: "Ready", status }] });
      });
    };
    assert.equal(
      (await replica.call("GET", "/api/sandboxes/a")).json<{ status: string }>().status,
      "Running",
    );
    ready("False");
    await eventually("it is said", async () => (await listed()) === "Unknown");
    // The gateway destroys what is told to be anything else than Running, and keeps what it cannot learn anything of.
    const unready = await replica.call("GET", "/api/sandboxes/a");
    assert.deepEqual([unready.statusCode, unready.headers["retry-after"]], [503, "2"]);
    assert.equal((await create("a")).statusCode, 200, "it is given to whoever asks for it again");
    ready("True");
    await eventually("it answers again", async () => (await answer("a")) === 200);
    ready("False");
    await eventually("and not again", async () => (await answer("a")) === 503);
    home.cluster.fault = () => ({ status: 500 });
    home.cluster.cutWatches();
    await eventually(
      "what was never seen is not called absent",
      async () => (await answer("unseen")) === 503,
    );
    assert.equal(await answer("a"), 503);
    assert.equal(await listed(), "Unknown");
  });

  it("7: a sandbox whose pod was lost, evicted or deleted is made again by POST", async () => {
    replica = await home.start();
    await create("a");
    home.cluster.lose("sandbox-a");
    await eventually("it is noticed", () => home.cluster.pods().length === 0);
    const seen = async () => (await replica.call("GET", "/api/sandboxes/a")).statusCode;
    await eventually("the replica sees it", async () => (await seen()) === 404);
    assert.equal((await create("a")).json<{ status: string }>().status, "Running");
    home.cluster.update("sandbox-a", (pod) => {
      pod.status = Object.assign({}, pod.status, { phase: "Failed", reason: "Evicted" });
    });
    const status = async () =>
      (await replica.call("GET", "/api/sandboxes/a")).json<{ status: string }>().status;
    await eventually("it is said", async () => (await status()) === "Failed");
    assert.equal((await create("a")).json<{ status: string }>().status, "Running");
  });

  it("7: a pod whose Service could not be made is seen, and gets its Service", async () => {
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/services") ? { status: 500 } : undefined;
    replica = await home.start({ SANDBOX_SERVICE_TYPE: "NodePort", NODE_HOST: "127.0.0.1" });
    assert.equal((await create("a")).statusCode, 503);
    assert.equal(home.cluster.pods().length, 1);
    home.cluster.fault = () => undefined;
    await eventually("the Service is made up for", () => home.cluster.services().length === 1, 8_000);
    await eventually(
      "it has its URL",
      async () => (await replica.call("GET", "/api/sandboxes/a")).statusCode === 200,
    );
  });

  it("8: a create during the deletion of the same id waits for a pod that lives", async () => {
    home.cluster.stopMs = 150;
    replica = await home.start();
    await create("a");
    const [first] = home.cluster.pods();
    await replica.call("DELETE", "/api/sandboxes/a");
    assert.equal((await create("a")).json<{ status: string }>().status, "Running");
    const [second] = home.cluster.livePods();
    assert.notEqual(second?.metadata.uid, first?.metadata.uid);
  });

  it("8: a create says so when the deletion takes too long", async () => {
    home.cluster.stopMs = undefined;
    replica = await home.start({ READY_TIMEOUT_SECONDS: "1" });
    await create("a");
    await replica.call("DELETE", "/api/sandboxes/a");
    assert.equal((await create("a")).statusCode, 503);
  });

  it("9: the same id for another user or thread is refused", async () => {
    replica = await home.start();
    assert.equal((await create("a")).statusCode, 200);
    assert.equal((await create("a")).statusCode, 200);
    assert.equal((await create("a", { user_id: "u2" })).statusCode, 409);
    assert.equal((await create("a", { thread_id: "t2" })).statusCode, 409);
  });

  it("9: and the same id is the same after the provisioner's timeouts have changed, for /v1 too", async () => {
    replica = await home.start();
    await create("a");
    const post = (one: Replica, more: object = {}) =>
      one.call("POST", "/v1/sandboxes", { id: "b", softTimeoutSeconds: 90, ...more });
    assert.equal((await post(replica)).statusCode, 201);
    const longer = {
      HARD_TIMEOUT_SECONDS: "7200",
      SOFT_TIMEOUT_SECONDS: "7000",
      DEERFLOW_IDLE_SECONDS: "600",
    };
    replica = await home.start(longer);
    assert.equal((await create("a")).statusCode, 200);
    assert.equal((await post(replica)).statusCode, 200);
    assert.equal((await post(replica, { softTimeoutSeconds: 91 })).statusCode, 409);
  });

  it("9: and is told what of it the gateway has sent otherwise", async () => {
    const refusal = async (more: object): Promise<string> => {
      const answer = await create("a", more);
      assert.equal(answer.statusCode, 409, answer.body);
      return answer.json<{ detail: string }>().detail;
    };
    const mount = {
      host_path: "/.deer-flow/users/u/skills_view/custom",
      container_path: "/mnt/skills/custom",
      read_only: true,
    };
    replica = await home.start();
    assert.equal((await create("a")).statusCode, 200);
    for (const more of [{ user_id: "u2" }, { extra_mounts: [mount] }])
      assert.match(
        await refusal(more),
        /not shown of it: user_id, thread_id, extra_mounts or skills_container_path/,
      );
    await replica.provisioner.stop();
    // Where users' data is mounted, the sandbox shows whose it is.
    replica = await home.start({ USERDATA_PVC_NAME: "data" });
    await replica.call("DELETE", "/api/sandboxes/a");
    await eventually("its name is free", async () => (await create("a")).statusCode === 200);
    assert.match(await refusal({ user_id: "u2" }), /asked for with other values of user_id;/);
    assert.match(await refusal({ thread_id: "t2" }), /asked for with other values of thread_id;/);
  });

  it("10: ids and threads that could be paths or names of other things are refused with 422", async () => {
    replica = await home.start();
    for (const id of ["", "A", "../x", "a/b", "a_b", "-a", "a-", "a".repeat(52), "a.b", "a\n"]) {
      const answer = await create(id);
      assert.equal(answer.statusCode, 422, id);
      assert.deepEqual(answer.json<{ detail: { loc: string[] }[] }>().detail[0]?.loc, ["body", "sandbox_id"]);
    }
    for (const thread of ["..", "a/b", "a b", "a".repeat(65)])
      assert.equal((await create("ok", { thread_id: thread })).statusCode, 422);
    assert.equal((await create("a".repeat(51))).statusCode, 200);
  });

  it("11: it works with a token and nothing more than its Role: no namespaces, no cluster-wide request", async () => {
    replica = await home.start({ SANDBOX_SERVICE_TYPE: "NodePort", NODE_HOST: "127.0.0.1" });
    home.cluster.put("configmaps", environment("default", 1));
    await create("a");
    await replica.call("DELETE", "/api/sandboxes/a");
    for (const { path } of home.cluster.requests)
      assert.match(
        path,
        /^\/apis?\/(v1|coordination\.k8s\.io\/v1)\/namespaces\/test\/(pods|services|configmaps|leases)(\/|$)/,
      );
  });

  it("12: no escalation, no root, no token, no service links, and the server asks who hands it over", () => {
    const { spec } = podWith([]);
    const security = spec?.containers[0]?.securityContext;
    assert.equal(spec?.automountServiceAccountToken, false);
    assert.equal(spec.enableServiceLinks, false);
    assert.equal(spec.securityContext?.runAsNonRoot, true);
    assert.equal(security?.allowPrivilegeEscalation, false);
    assert.equal(security.readOnlyRootFilesystem, true);
    assert.deepEqual(security.capabilities, { drop: ["ALL"] });
    const variable = spec.containers[0]?.env?.find(({ name }) => name === "SANDBOXD_CLAIM_SHA256");
    assert.match(variable?.value ?? "", /^[0-9a-f]{64}$/);
  });

  it("13: resources are the environment's", async () => {
    const resources = {
      requests: { cpu: "250m", memory: "512Mi", "ephemeral-storage": "2Gi" },
      limits: { cpu: "2", memory: "4Gi", "ephemeral-storage": "20Gi" },
    };
    home.cluster.put("configmaps", environment("default", 0, { resources }));
    replica = await home.start();
    await create("a");
    assert.deepEqual(home.cluster.pods()[0]?.spec?.containers[0]?.resources, resources);
  });

  it("14: a sandbox that is slow to start is waited for, and not killed by the liveness probe", () => {
    const { livenessProbe } = podWith([]).spec?.containers[0] ?? {};
    assert.ok((livenessProbe?.initialDelaySeconds ?? 0) >= 60);
    const { startupProbe } = podWith([], "aio").spec?.containers[0] ?? {};
    assert.ok((startupProbe?.periodSeconds ?? 0) * (startupProbe?.failureThreshold ?? 0) >= 60);
  });

  it("15: K8S_API_SERVER keeps TLS verification on, and the certificate's host is the kubeconfig's", async () => {
    const { path, remove } = kubeconfig({ server: "https://cluster.example:6443" });
    try {
      const connection = await connect({
        KUBECONFIG_PATH: path,
        K8S_API_SERVER: "https://host.docker.internal:26443",
      });
      assert.equal(connection.origin, "https://host.docker.internal:26443");
      assert.equal(connection.tls.rejectUnauthorized, true);
      const certificate = (name: string) =>
        ({ subject: { CN: name }, subjectaltname: `DNS:${name}` }) as never;
      assert.equal(
        connection.tls.checkServerIdentity?.("host.docker.internal", certificate("cluster.example")),
        undefined,
      );
      assert.ok(
        connection.tls.checkServerIdentity?.(
          "host.docker.internal",
          certificate("host.docker.internal"),
        ) instanceof Error,
      );
    } finally {
      remove();
    }
  });

  it("15: a kubeconfig that turns TLS verification off is refused", async () => {
    const { path, remove } = kubeconfig({
      server: "https://cluster.example:6443",
      "insecure-skip-tls-verify": true,
    });
    try {
      await assert.rejects(connect({ KUBECONFIG_PATH: path }), /insecure-skip-tls-verify/);
    } finally {
      remove();
    }
  });

  it("15: a kubeconfig whose certificate cannot be read is an error at start, and not a cluster that never answers", async () => {
    const data = Buffer.from("no PEM").toString("base64");
    const user = { "client-certificate-data": data, "client-key-data": data };
    const { path, remove } = kubeconfig({ server: "https://cluster.example:6443" }, user);
    try {
      const told = {
        name: "SettingsError",
        message: /certificate or key .* cannot be read: .*Each must be PEM/,
      };
      await assert.rejects(connect({ KUBECONFIG_PATH: path }), told);
    } finally {
      remove();
    }
  });

  it("16: a key that is no ASCII is a wrong key, not an error", async () => {
    replica = await home.start();
    for (const key of ["ключ", "é".repeat(20), `${apiKey}é`, "", apiKey.slice(1)]) {
      const answer = await replica.call("GET", "/api/sandboxes", undefined, {
        "x-api-key": Buffer.from(key).toString("latin1"),
      });
      assert.equal(answer.statusCode, 401);
      assert.equal(answer.body, "Unauthorized");
    }
  });

  it("17: an image that may change under its name is refused", () => {
    for (const image of ["example/sandbox", "example/sandbox:latest", "registry:5000/sandbox"])
      assert.throws(
        () => readSettings({ PROVISIONER_API_KEY: apiKey, SANDBOX_IMAGE: image }),
        /SANDBOX_IMAGE is .* tag other than latest/,
      );
  });
});

/** Folders of its node that a pod mounts. */
function nodeFolders(pod: V1Pod | undefined): string[] {
  return (pod?.spec?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []);
}

function podWith(volumes: ReturnType<typeof deerflowVolumes>, server: SandboxServer = "sandboxd") {
  const request = {
    name: "p",
    environment: environmentOfImage("default", "example/sandbox:1"),
    claimSecret: "s",
    deadlineSeconds: 60,
    volumes,
  };
  return buildPod(request, { namespace: "n", port: 8080, serviceAccountName: "default", server });
}
