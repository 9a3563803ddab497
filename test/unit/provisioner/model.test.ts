// The pure core: pool arithmetic, timeouts, choice, settings, keys, selectors, and the pod held against the shared sandbox's.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import fc from "fast-check";

import { podTemplate } from "../../../components/sandbox-deployment/pod.js";
import { withDefaults } from "../../../components/sandbox-deployment/resolve.js";
import { defaultRateLimit, parseKeys } from "../../../provisioner/src/config/keys.js";
import { SettingsError } from "../../../provisioner/src/config/errors.js";
import { readSettings } from "../../../provisioner/src/config/settings.js";
import { egressVariables } from "../../../provisioner/src/config/egress-variables.js";
import { variables } from "../../../provisioner/src/config/variables.js";
import { Tokens } from "../../../provisioner/src/core/tokens.js";
import { withoutToken } from "../../../provisioner/src/router/index.js";
import { ranked } from "../../../provisioner/src/model/choice.js";
import { deerflowVolumes, MountError } from "../../../provisioner/src/model/deerflow-mounts.js";
import {
  environmentOfImage,
  readEnvironment,
  revisionOf,
} from "../../../provisioner/src/model/environment.js";
import type { EgressProfile } from "../../../provisioner/src/model/egress.js";
import { parseLabelSelector } from "../../../provisioner/src/model/label-selector.js";
import { buildPod } from "../../../provisioner/src/model/pod.js";
import { planPool, type IdleAges } from "../../../provisioner/src/model/pool.js";
import {
  viewOf,
  type IdlePod,
  type Sandbox,
  type SandboxState,
} from "../../../provisioner/src/model/sandbox.js";
import { isStuck, surplusFailed, verdict } from "../../../provisioner/src/model/timeouts.js";

const now = new Date("2026-01-02T03:04:05Z");
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

const since = (time: Date): number => (now.getTime() - time.getTime()) / 1000;
const agesOf = ({ createdAt, changedAt }: IdlePod): IdleAges => ({
  age: since(createdAt),
  changed: changedAt && since(changedAt),
});

function idle(podName: string, state: SandboxState, age: number, revision = "r"): IdlePod {
  return {
    ...{
      podName,
      podUid: podName,
      resourceVersion: "1",
      hostIP: undefined,
      podIP: "10.0.0.1",
      port: 8080,
      state,
      everReady: state !== "starting",
    },
    ...{
      environment: "e",
      revision,
      keyId: undefined,
      createdAt: ago(age),
      startedAt: ago(age),
      changedAt: ago(age),
      goneBy: undefined,
      reason: undefined,
      limits: {},
      requests: {},
      deadlineSeconds: undefined,
      runtime: undefined,
      shellSessions: 32,
    },
  };
}

function sandbox(more: Partial<Sandbox>): Sandbox {
  return {
    ...idle("p", "running", 10),
    ...{
      id: "a",
      tenant: "t",
      egress: "blocked",
      network: undefined,
      skills: false,
      userData: undefined,
      madeToOrder: false,
      labels: {},
      claimedAt: ago(10),
      expiresAt: ago(-100),
      hardExpiresAt: ago(-1000),
    },
    ...{ idleSeconds: undefined, lastActiveAt: ago(10), fingerprint: "", guarded: true },
    ...more,
  };
}

const rules = {
  ...{ size: 3, revision: "r", maxAgeSeconds: 100, startSeconds: 30, maxStarting: 2 },
  hardSeconds: 1000,
};

describe("the arithmetic of a pool", () => {
  const plan = (pods: IdlePod[], creating = 0, room = 100) => {
    const { create, remove } = planPool(pods, creating, room, rules, agesOf);
    return { create, remove: remove.map(({ podName }) => podName) };
  };

  it("creates what is missing, a few at a time, and counts what is on its way", () => {
    assert.deepEqual(plan([]), { create: 2, remove: [] });
    assert.deepEqual(plan([], 2), { create: 0, remove: [] });
    assert.deepEqual(plan([idle("a", "running", 1)], 1), { create: 1, remove: [] });
    assert.deepEqual(plan([idle("a", "starting", 1), idle("b", "starting", 1)]), { create: 0, remove: [] });
    assert.deepEqual(plan([], 0, 1), { create: 1, remove: [] });
    assert.deepEqual(plan([], 0, -5), { create: 0, remove: [] });
  });

  it("keeps old pods until young ones stand in, and removes what is of no use", () => {
    const old = ["a", "b", "c"].map((name) => idle(name, "running", 200));
    assert.deepEqual(plan(old), { create: 2, remove: [] });
    assert.deepEqual(plan([...old, idle("d", "running", 1)]), { create: 2, remove: ["a"] });
    assert.deepEqual(
      plan([idle("a", "failed", 1), idle("b", "running", 1, "other"), idle("c", "starting", 31)]).remove,
      ["a", "b", "c"],
    );
    assert.deepEqual(
      plan(["a", "b", "c", "d"].map((name, at) => idle(name, at === 3 ? "starting" : "running", 4 - at)))
        .remove,
      ["d"],
    );
  });

  it("leaves one that has ceased to be Ready the time that a kubelet takes to start anew", () => {
    const unready = (seconds: number): IdlePod => ({
      ...idle("a", "starting", 90),
      ...{ everReady: true, changedAt: ago(seconds) },
    });
    assert.deepEqual(plan([unready(30)]).remove, []);
    assert.deepEqual(plan([unready(31)]).remove, ["a"]);
  });

  it("replaces one that the kubelet would end before the longest sandbox is over", () => {
    const with60 = (deadlineSeconds: number): IdlePod => ({ ...idle("a", "running", 60), deadlineSeconds });
    assert.deepEqual(plan([with60(1060)]).remove, []);
    assert.deepEqual(plan([with60(1059)]), { create: 2, remove: ["a"] });
  });

  it("never ends with more than the size, whatever there is", () => {
    const states = fc.constantFrom<SandboxState>("starting", "running", "stopping", "failed");
    const pods = fc.array(fc.tuple(states, fc.integer({ min: 0, max: 300 }), fc.constantFrom("r", "s")), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(pods, fc.nat(4), (given, creating) => {
        const all = given.map(([state, age, revision], at) => idle(`p${at}`, state, age, revision));
        const { create, remove } = planPool(all, creating, 100, rules, agesOf);
        const kept = all.filter(
          (pod) =>
            !remove.includes(pod) &&
            pod.state !== "stopping" &&
            now.getTime() - pod.createdAt.getTime() <= 100_000,
        );
        assert.ok(kept.length + Math.min(creating, 0) + create <= Math.max(rules.size, kept.length));
        assert.ok(create === 0 || kept.length + creating + create <= rules.size);
      }),
    );
  });
});

describe("when a sandbox is over", () => {
  const reaped = (more: Partial<Sandbox>, active = 10) => {
    const given = sandbox(more);
    const { claimedAt, changedAt, expiresAt, hardExpiresAt } = given;
    const changed = changedAt === undefined ? undefined : since(changedAt);
    const ends = { expired: since(expiresAt), hardExpired: since(hardExpiresAt), overdue: undefined };
    const ages = { claimed: since(claimedAt), changed, active, ...ends };
    return verdict(given, ages, { failedSeconds: 60, startSeconds: 30 });
  };

  it("goes by the soft, the hard and the idle timeout", () => {
    assert.equal(reaped({}), undefined);
    assert.equal(reaped({ expiresAt: ago(0) }), "soft-timeout");
    assert.equal(reaped({ hardExpiresAt: ago(1) }), "hard-timeout");
    assert.equal(reaped({ idleSeconds: 10 }), "idle-timeout");
    assert.equal(reaped({ idleSeconds: 11 }), undefined);
    assert.equal(reaped({ idleSeconds: 10 }, 1), undefined);
  });

  it("lets a failed one be seen for a while, and gives up what never answered", () => {
    assert.equal(reaped({ state: "failed", changedAt: ago(59) }), undefined);
    assert.equal(reaped({ state: "failed", changedAt: ago(60) }), "failed");
    assert.equal(reaped({ state: "starting", everReady: false, claimedAt: ago(30) }), "never-started");
    assert.equal(reaped({ state: "starting", everReady: true, claimedAt: ago(3000) }), undefined);
    assert.equal(reaped({ state: "stopping", hardExpiresAt: ago(9) }), undefined);
  });

  it("keeps the latest failed ones of each tenant and of all, and no more than so many", () => {
    const all = [30, 10, 20].map((failed) => ({ sandbox: { tenant: "a", failed }, failed }));
    const others = [{ sandbox: { tenant: "b", failed: 99 }, failed: 99 }];
    assert.deepEqual(
      surplusFailed([...all, ...others], { ofTenant: 1, together: 2 }).map(({ failed }) => failed),
      [20, 30],
    );
    assert.deepEqual(
      surplusFailed([...all, ...others], { ofTenant: 2, together: 2 }).map(({ failed }) => failed),
      [30, 99],
    );
    assert.deepEqual(surplusFailed(all, { ofTenant: 3, together: 3 }), []);
  });

  it("takes what is not gone long after its grace for what nobody ends", () => {
    assert.deepEqual(
      [undefined, -5, 9, 10].map((overdue) => isStuck({ overdue })),
      [false, false, false, true],
    );
  });
});

describe("what a pod is", () => {
  const pod = (labels: Record<string, string>, status: object, more: object = {}) =>
    viewOf({ metadata: { name: "p", uid: "u", labels, ...more }, status });

  it("tells idle pods, sandboxes and what is not ours apart", () => {
    assert.equal(pod({ "sandlot.dev/state": "idle" }, {}).kind, "idle");
    assert.equal(pod({ "sandlot.dev/state": "claimed" }, {}).kind, "foreign");
    assert.equal(
      pod({ "sandlot.dev/state": "claimed", "sandlot.dev/sandbox-id": "a", "sandlot.dev/tenant": "t" }, {})
        .kind,
      "sandbox",
    );
    assert.equal(pod({}, {}).kind, "foreign");
  });

  it("reads the state from phase, condition and deletion", () => {
    const state = (status: object, more = {}) => {
      const view = pod({ "sandlot.dev/state": "idle" }, status, more);
      return view.kind === "idle" ? view.pod.state : "";
    };
    const readyIs = (status: string) => ({
      phase: "Running",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status }],
    });
    assert.equal(state({ phase: "Pending" }), "starting");
    assert.equal(state(readyIs("False")), "starting");
    assert.equal(state(readyIs("True")), "running");
    assert.equal(state({ phase: "Failed" }), "failed");
    assert.equal(state({ phase: "Succeeded" }), "failed");
    assert.equal(state(readyIs("True"), { deletionTimestamp: "2026-01-01T00:00:00Z" }), "stopping");
  });

  it("has been Ready only if a probe of its readiness said so, and not when its server has just started", () => {
    const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;
    const everReady = (ready: string, changedAt: number, started = true): boolean => {
      const view = pod(
        { "sandlot.dev/state": "idle" },
        {
          phase: "Running",
          podIP: "10.0.0.1",
          conditions: [{ type: "Ready", status: ready, lastTransitionTime: at(changedAt) }],
          containerStatuses: [{ name: "sandbox", started, state: { running: { startedAt: at(10) } } }],
        },
      );
      return view.kind === "idle" && view.pod.everReady;
    };
    assert.equal(everReady("False", 8, false), false, "its server starts");
    assert.equal(everReady("False", 8), false, "its server has started, within the readiness probe's period");
    assert.equal(everReady("False", 10), false, "and all that within one second");
    assert.equal(everReady("True", 12), true);
    assert.equal(everReady("False", 27), true, "it does not answer any more");
    assert.equal(everReady("False", 27, false), true, "and its kubelet has started anew since");
  });

  it("is built with the walls of the shared sandbox, field by field", () => {
    const shared = podTemplate(withDefaults({ namespace: "n", image: "i:1", serviceAccountName: "s" }))
      .spec as never as Record<string, never>;
    const environment = environmentOfImage("e", "i:1");
    const own = buildPod(
      { name: "p", environment, claimSecret: "x", volumes: [], deadlineSeconds: 60 },
      { namespace: "n", port: 8080, serviceAccountName: "s", server: "aio" },
    ).spec as never as Record<string, never>;
    for (const field of [
      "serviceAccountName",
      "automountServiceAccountToken",
      "enableServiceLinks",
      "securityContext",
      "volumes",
    ])
      assert.deepEqual(own[field], shared[field], field);
    const [ours, theirs] = [own, shared].map(
      (podSpec) => (podSpec["containers"] as unknown as Record<string, unknown>[])[0],
    );
    for (const field of [
      "image",
      "imagePullPolicy",
      "ports",
      "resources",
      "securityContext",
      "volumeMounts",
      "startupProbe",
      "readinessProbe",
      "livenessProbe",
    ])
      assert.deepEqual(ours?.[field], theirs?.[field], field);
  });

  it("has DNS where it may come to reach the internet, and is told at once elsewhere that it has none", () => {
    const settings = { namespace: "n", port: 8080, serviceAccountName: "s", server: "sandboxd" } as const;
    const namesOf = (egress: EgressProfile, claimed?: EgressProfile) => {
      const environment = { ...environmentOfImage("e", "i:1"), egress };
      const labels = { "sandlot.dev/egress": claimed ?? "" };
      const claim = claimed === undefined ? {} : { claim: { labels, annotations: {}, hardSeconds: 60 } };
      const { dnsPolicy, dnsConfig } =
        buildPod(
          { name: "p", environment, claimSecret: "x", volumes: [], deadlineSeconds: 60, ...claim },
          settings,
        ).spec ?? {};
      return [dnsPolicy, dnsConfig?.nameservers];
    };
    const none = ["None", ["127.0.0.1"]];
    for (const [egress, claimed, expected] of [
      ["blocked", undefined, none],
      ["allowlist", undefined, none],
      ["open", undefined, [undefined, undefined]],
      ["open", "open", [undefined, undefined]],
      ["open", "allowlist", none],
      ["allowlist", "allowlist", none],
    ] as const)
      assert.deepEqual(namesOf(egress, claimed), expected, `${egress} ${claimed ?? "idle"}`);
  });

  it("marks users' data as used where it outlives the sandbox, and only there", () => {
    const environment = environmentOfImage("e", "i:1");
    const marker = (
      volumes: Parameters<typeof buildPod>[0]["volumes"],
      server: "sandboxd" | "aio" = "sandboxd",
    ) =>
      buildPod(
        { name: "p", environment, claimSecret: "x", volumes, deadlineSeconds: 60 },
        { namespace: "n", port: 8080, serviceAccountName: "s", server },
      ).spec?.containers[0]?.env?.find(({ name }) => name === "SANDBOXD_USED_MARKER")?.value;
    const owner = { tenant: "default", userId: "u", threadId: "t" };
    const inClaim = deerflowVolumes({ userDataClaim: "data", skillsClaim: "skills" }, owner, []);
    assert.equal(marker(inClaim), "/mnt/user-data/.last-used");
    assert.equal(
      marker(deerflowVolumes({ threadsHostPath: "/threads" }, owner, [])),
      "/mnt/user-data/.last-used",
    );
    assert.equal(marker(inClaim, "aio"), undefined);
    assert.equal(marker(deerflowVolumes({ skillsClaim: "skills" }, owner, [])), undefined);
    assert.equal(marker([]), undefined);
  });

  it("has the priority that its environment's record says, and none otherwise", () => {
    const environment = environmentOfImage("e", "i:1");
    const settings = { namespace: "n", port: 8080, serviceAccountName: "s", server: "sandboxd" } as const;
    const priority = (more: object) =>
      buildPod(
        {
          name: "p",
          environment: { ...environment, ...more },
          claimSecret: "x",
          volumes: [],
          deadlineSeconds: 60,
        },
        settings,
      ).spec?.priorityClassName;
    assert.equal(priority({ priorityClassName: "sandboxes" }), "sandboxes");
    assert.equal(priority({}), undefined);
  });

  it("runs where its environment's record says, which says nothing else of it", () => {
    const placement = {
      nodeSelector: { pool: "sandboxes" },
      tolerations: [{ key: "sandboxes", operator: "Exists" }],
      affinity: { podAntiAffinity: {} },
    };
    const more = { hostNetwork: true, runtimeClassName: "none", serviceAccountName: "other" };
    const record = { ...environmentOfImage("e", "i:1"), placement: { ...placement, ...more } };
    const environment = readEnvironment("e", JSON.stringify(record));
    if (typeof environment === "string") assert.fail(environment);
    const build = (which: typeof environment) =>
      buildPod(
        { name: "p", environment: which, claimSecret: "x", volumes: [], deadlineSeconds: 60 },
        { namespace: "n", port: 8080, serviceAccountName: "s", server: "sandboxd" },
      ).spec;
    const elsewhere: object = build({ ...environment, placement: undefined }) ?? {};
    assert.deepEqual(build(environment), { ...elsewhere, ...placement });
  });

  it("is of another revision when anything that it is built from changes, and only then", () => {
    const base = environmentOfImage("e", "i:1");
    const settings = { port: 8080, serviceAccountName: "s", server: "sandboxd" };
    const revised = (one: typeof base, more = {}): string => revisionOf(one, { ...settings, ...more });
    assert.notEqual(revised(base), revised({ ...base, image: "i:2" }));
    assert.notEqual(revised(base), revised({ ...base, egress: "open" }), "it has DNS");
    assert.notEqual(revised(base), revised({ ...base, env: { A: "1" } }));
    assert.notEqual(revised(base), revised({ ...base, priorityClassName: "low" }));
    assert.notEqual(revised(base), revised({ ...base, placement: { nodeSelector: { a: "b" } } }));
    for (const more of [{ port: 8081 }, { serviceAccountName: "t" }, { server: "aio" }])
      assert.notEqual(revised(base), revised(base, more));
    const chosen = { egress: "allowlist", maxResources: { cpu: "8" }, runtimes: ["kata"] } as const;
    assert.equal(revised(base), revised({ ...base, ...chosen, pool: { size: 9 }, runtimes: ["kata"] }));
  });
});

describe("environments' records", () => {
  const refusal = (read: ReturnType<typeof readEnvironment>): string =>
    typeof read === "string" ? read : "none";

  it("are refused when they are of another version, name or shape", () => {
    const record = environmentOfImage("e", "i:1");
    assert.deepEqual(readEnvironment("e", JSON.stringify({ ...record, later: true })), record);
    assert.match(
      refusal(readEnvironment("e", JSON.stringify({ ...record, version: 2 }))),
      /wrong at version/,
    );
    assert.match(
      refusal(readEnvironment("e", JSON.stringify({ ...record, placement: { tolerations: ["all"] } }))),
      /wrong at placement\.tolerations\.0/,
    );
    const mistaken = {
      ...record,
      ...{ version: 2, name: "E e", egress: "wide", env: { A: 5 }, placement: { tolerations: ["all"] } },
    };
    assert.equal(
      refusal(readEnvironment("e", JSON.stringify(mistaken))),
      "its environment.json is wrong at version: is 2, but must be 1; " +
        'at name: is "E e", but must be at most 40 lower-case letters, digits and hyphens, with a letter or digit at both ends; ' +
        'at egress: is "wide", but must be one of "blocked", "allowlist", "open"; ' +
        'at placement.tolerations.0: is "all", but must be an object; at env.A: must be a text',
    );
    assert.match(refusal(readEnvironment("f", JSON.stringify(record))), /named e, but its label says f/);
    assert.match(refusal(readEnvironment("e", "{")), /no JSON/);
    assert.match(refusal(readEnvironment("e", undefined)), /no environment.json/);
  });
});

describe("rendezvous choice", () => {
  it("is the same for all who see the same, and changes only for what went", () => {
    const pods = Array.from({ length: 9 }, (_, at) => ({ podName: `p${at}` }));
    const [first, second] = ranked("key", pods);
    assert.equal(ranked("key", [...pods].reverse())[0], first);
    assert.equal(
      ranked(
        "key",
        pods.filter((one) => one !== first),
      )[0],
      second,
    );
    const chosen = new Set(Array.from({ length: 50 }, (_, at) => ranked(`k${at}`, pods)[0]?.podName));
    assert.ok(chosen.size >= 7, String(chosen.size));
  });
});

describe("tokens", () => {
  const subject = { tenant: "t", id: "a", podUid: "u" };
  const tokens = new Tokens(Buffer.alloc(32, 1));

  it("open the sandbox and the pod that they are of, and nothing else", () => {
    const token = tokens.access(subject);
    assert.ok(tokens.verify(subject, token));
    for (const other of [{ tenant: "x" }, { id: "b" }, { podUid: "v" }])
      assert.ok(!tokens.verify({ ...subject, ...other }, token));
    for (const wrong of ["", token.slice(1), `${token}a`, "x".repeat(43)])
      assert.ok(!tokens.verify(subject, wrong));
    assert.ok(!new Tokens(Buffer.alloc(32, 2)).verify(subject, token));
    assert.notEqual(
      tokens.access({ tenant: "ab", id: "c", podUid: "u" }),
      tokens.access({ tenant: "a", id: "bc", podUid: "u" }),
    );
  });

  it("of a pod that is marked with another key are made and taken with that, as long as it is here", () => {
    const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const [before, during, after] = [new Tokens(one), new Tokens(two, one), new Tokens(two)];
    const old = { ...subject, podName: "p", keyId: before.keyId };
    assert.notEqual(before.keyId, during.keyId);
    assert.equal(during.keyId, after.keyId);
    assert.equal(during.access(old), before.access(old));
    assert.equal(during.claimSecret(old), before.claimSecret(old));
    assert.ok(during.verify(old, before.access(old)));
    assert.ok(during.isFingerprint(before.fingerprint("x"), "x"));
    assert.ok(!during.isFingerprint(before.fingerprint("x"), "y"));
    assert.deepEqual(
      [before, during, after].map((tokens) => tokens.knows(old)),
      [true, true, false],
    );
    assert.ok(!after.verify(old, before.access(old)));
    // The key of a pod that is made now is no way around that.
    assert.ok(!during.verify({ ...subject, keyId: during.keyId }, before.access(subject)));
  });

  it("are not in logs", () => {
    assert.equal(withoutToken("/sandboxes/a/t/secret/v1/sandbox"), "/sandboxes/a/t/…/v1/sandbox");
  });
});

describe("settings", () => {
  const fine = { PROVISIONER_API_KEY: "0123456789abcdef" };

  it("have DeerFlow's defaults, and empty variables are absent ones", () => {
    const settings = readSettings({ ...fine, SANDBOX_SERVICE_TYPE: "", NODE_HOST: "" });
    assert.equal(settings.K8S_NAMESPACE, "deer-flow");
    assert.equal(settings.SANDBOX_CONTAINER_PORT, 8080);
    assert.equal(settings.SANDBOX_SERVICE_TYPE, "NodePort");
    assert.equal(settings.NODE_HOST, undefined);
    assert.equal(settings.KUBECONFIG_PATH, "/root/.kube/config");
    assert.equal(settings.PORT, 8002);
  });

  const bad: [Record<string, string>, RegExp][] = [
    [
      { SANDBOX_CONTAINER_PORT: "70000" },
      /SANDBOX_CONTAINER_PORT is "70000", but must be a port from 1 to 65535/,
    ],
    [{ SANDBOX_SERVICE_TYPE: "LoadBalancer" }, /one of NodePort, ClusterIP, Router/],
    [{ SANDBOX_SERVICE_TYPE: "Router" }, /ROUTER_URL is not set/],
    // Sandboxes of the profile could not look it up.
    [{ EGRESS_PROXY_URL: "http://proxy.example.com:3128" }, /EGRESS_PROXY_URL is .* the name of a Service/],
    [{ EGRESS_PROXY_URL: "https://10.0.0.1:3128" }, /EGRESS_PROXY_URL is "https:/],
    [
      { ROUTER_HOST_SUFFIX: "localhost", ROUTER_URL: "http://a.b" },
      /ROUTER_HOST_SUFFIX is "localhost", but must be a domain/,
    ],
    [{ ROUTER_HOST_SUFFIX: "10.0.0.1", ROUTER_URL: "http://a.b" }, /ROUTER_HOST_SUFFIX is "10\.0\.0\.1"/],
    [{ ROUTER_HOST_SUFFIX: "s.example.com" }, /ROUTER_URL is not set, but ROUTER_HOST_SUFFIX is/],
    [
      { ROUTER_HOST_SUFFIX: "s.example.com", ROUTER_URL: "https://api.s.example.com/x" },
      /ROUTER_URL is "https:\/\/api\.s\.example\.com\/x", but hosts below ROUTER_HOST_SUFFIX, which is "s\.example\.com", are sandboxes/,
    ],
    [{ SKILLS_HOST_PATH: "skills" }, /SKILLS_HOST_PATH is "skills", but must be an absolute path/],
    [{ THREADS_HOST_PATH: "/a/../b" }, /without \.\./],
    [{ K8S_API_SERVER: "http://plain:6443" }, /K8S_API_SERVER is .* https/],
    [{ K8S_NAMESPACE: "Deer_Flow" }, /K8S_NAMESPACE/],
    [{ SKILLS_PVC_SUBPATH_TEMPLATE: "users/{user}/x", SKILLS_PVC_NAME: "s" }, /SKILLS_PVC_SUBPATH_TEMPLATE/],
    [{ SKILLS_PVC_SUBPATH_TEMPLATE: "users/{user_id}" }, /SKILLS_PVC_NAME is not/],
    [{ HOST_PATH_MOUNTS: "no" }, /HOST_PATH_MOUNTS is "no", but must be true or false/],
    [
      { HOST_PATH_MOUNTS: "false", SKILLS_HOST_PATH: "/s" },
      /SKILLS_HOST_PATH is set, but HOST_PATH_MOUNTS is false/,
    ],
    [
      { HOST_PATH_MOUNTS: "false", THREADS_HOST_PATH: "/t" },
      /THREADS_HOST_PATH is set, but HOST_PATH_MOUNTS is false/,
    ],
    [
      { HOST_PATH_MOUNTS: "false", DEER_FLOW_HOST_BASE_DIR: "/state" },
      /USERDATA_PVC_NAME is not set: name the claim/,
    ],
    [{ LARK_CLI_INIT_IMAGE: "x:1" }, /LARK_CLI_INIT_IMAGE is set, but there is no lark-cli/],
    [{ SOFT_TIMEOUT_SECONDS: "100", HARD_TIMEOUT_SECONDS: "60" }, /lower the one or raise the other/],
    [{ PROVISIONER_API_KEY: "" }, /No API key is configured/],
    [{ PROVISIONER_API_KEY: "short" }, /PROVISIONER_API_KEY is set \(not shown\)/],
  ];
  for (const [variables, message] of bad) {
    it(`are refused: ${JSON.stringify(variables)}`, () => {
      assert.throws(() => readSettings({ ...fine, ...variables }), message);
    });
  }

  it("come with every mistake in one error", () => {
    assert.throws(
      () => readSettings({ ...fine, PORT: "x", LOG_LEVEL: "y" }),
      (error: Error) => error.message.split("\n").length === 2,
    );
  });
});

describe("docs/api.md", () => {
  it("has every variable with its purpose", () => {
    const text = readFileSync(new URL("../../../docs/api.md", import.meta.url), "utf8").replace(/ +/g, " ");
    for (const [name, { purpose, allowed }] of [
      ...Object.entries(variables),
      ...Object.entries(egressVariables),
    ])
      assert.ok(text.includes(`| \`${name}\` | ${purpose} | ${allowed} |`), name);
  });
});

describe("API keys", () => {
  const hash = "a".repeat(64);
  const file = (tenants: object) => JSON.stringify({ version: 1, tenants });

  it("stand for a tenant with its environments and quota", () => {
    const keys = [{ name: "k", sha256: hash }];
    const callers = parseKeys(
      file({ acme: { keys, environments: ["e"], quota: { sandboxes: 2, cpu: "500m", memory: "1Gi" } } }),
    );
    assert.deepEqual(callers.get(hash), {
      tenant: "acme",
      environments: new Set(["e"]),
      quota: { sandboxes: 2, cpu: 0.5, memory: 2 ** 30 },
      bounds: { maxResources: undefined, runtimes: undefined },
      rateLimit: defaultRateLimit,
    });
    const limited = {
      version: 1,
      rateLimit: { requests: 5, seconds: 1 },
      tenants: {
        a: { keys },
        b: { keys: [{ name: "k", sha256: "b".repeat(64) }], rateLimit: { requests: 7, seconds: 2 } },
      },
    };
    assert.deepEqual(
      [...parseKeys(JSON.stringify(limited)).values()].map((one) => one.rateLimit),
      [
        { requests: 5, seconds: 1 },
        { requests: 7, seconds: 2 },
      ],
    );
  });

  it("are refused with the field that is wrong, what it is and what it must be, but without a key or its hash", () => {
    const told = (given: object): string[] => {
      try {
        parseKeys(JSON.stringify(given));
      } catch (error) {
        if (error instanceof SettingsError) return [...error.problems];
      }
      return [];
    };
    const at = (field: string, problem: string) => `The file of API keys is wrong at ${field}: ${problem}.`;
    const wrong = {
      version: 2,
      rateLimit: { requests: 0, seconds: 1.5 },
      tenants: {
        "Acme Inc": { keys: [{ name: "k", sha256: hash }] },
        a: {
          keys: [{ name: "", sha256: "hush", expires: 1 }, "hush"],
          quota: { cpu: "many" },
          runtimes: [],
          colour: "red",
        },
        b: { keys: "hush" },
        c: {},
      },
    };
    assert.deepEqual(told(wrong), [
      at("version", "is 2, but must be 1"),
      at("rateLimit.requests", "is 0, but must be at least 1"),
      at("rateLimit.seconds", "is 1.5, but must be a whole number"),
      at(
        "tenants.Acme Inc",
        "the tenant's name must be at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
      ),
      at("tenants.a.keys.0.name", 'is "", but must have at least 1 character'),
      at("tenants.a.keys.0.sha256", "must be 64 hexadecimal digits: the SHA-256 of the key"),
      at("tenants.a.keys.0.expires", "is not known here: what is known is name, sha256"),
      at("tenants.a.keys.1", "must be an object"),
      at("tenants.a.quota.cpu", 'is "many", but must be a quantity such as 8, 500m or 16Gi'),
      at("tenants.a.runtimes", "has 0 entries, but must have at least 1 entry"),
      at(
        "tenants.a.colour",
        "is not known here: what is known is keys, environments, rateLimit, quota, maxResources, runtimes",
      ),
      at("tenants.b.keys", "must be a list"),
      at("tenants.c.keys", "must be a list"),
    ]);
    assert.throws(() => parseKeys("{"), /no JSON/);
    assert.throws(() => parseKeys('"hush"'), /wrong at its root: must be an object\.$/);
    assert.throws(
      () => parseKeys(file({ acme: { keys: [{ name: "k", sha256: "plain" }] } })),
      /tenants\.acme\.keys\.0\.sha256.*64 hexadecimal/,
    );
    assert.throws(() => parseKeys(file({ acme: { keys: [] } })), /tenants\.acme\.keys/);
    const keys = [{ name: "k", sha256: hash }];
    assert.throws(() => parseKeys(file({ a: { keys }, b: { keys } })), /stands for one tenant/);
    assert.throws(() => parseKeys(file({ a: { keys, quota: { cpu: "many" } } })), /quota\.cpu.*quantity/);
  });
});

describe("DeerFlow's mounts", () => {
  const owner = { tenant: "default", userId: "u", threadId: "t" };
  const extra =
    (hostPath: string, containerPath = "/mnt/acp-workspace") =>
    () =>
      deerflowVolumes({ baseDir: "/state" }, owner, [{ hostPath, containerPath, readOnly: false }]);

  it("stay below the gateway's state and out of what sandboxes write to", () => {
    for (const path of [
      "/state/users/u/acp",
      "/state/users/u/threads/t/acp-workspace",
      "/state/users/u/integrations/lark-cli/config",
      "/state/users/u/integrations/lark-cli/config/locks",
      "/state/users/u/integrations/lark-cli/data",
    ])
      assert.doesNotThrow(extra(path));
    for (const path of [
      "/etc",
      "/state",
      "/state/../etc",
      "/state/./x",
      "/state//x",
      "state/x",
      "/stateful/x",
      "/state/users/u/threads/t/user-data/x",
      "/state/users/u/threads/t/acp-workspace/x",
      "/state/users/u/integrations/lark-cli/data/x",
      "/state/users/u/integrations/lark-cli/config/locks/x",
      "/state/users",
      "/state/users/acme.u",
      "/state/threads/acme.t",
      "/state/users/u",
      "/state/users/u/",
      "/state/users/u/threads",
      "/state/users/u/threads/t",
      "/state/threads/t",
      "/state/a:b",
      "/state/x\0",
    ])
      assert.throws(extra(path), MountError, path);
    for (const target of ["/", "/etc", "/mnt/user-data", "/mnt/skills", "/mnt/acp-workspace/.."])
      assert.throws(extra("/state/x", target), MountError, target);
  });

  it("lead no tenant to another's data, whatever it calls its users and threads", () => {
    const everything = [
      { userDataClaim: "d", skillsClaim: "s", skillsSubPath: "{user_id}" },
      { baseDir: "/state" },
      { threadsHostPath: "/threads" },
    ];
    const places = (settings: (typeof everything)[number], tenant: string): string[] =>
      deerflowVolumes(settings, { ...owner, tenant }, [])
        .filter(({ mountPath }) => mountPath !== "/mnt/skills/public")
        .map(({ subPath, volume }) => subPath ?? volume.hostPath?.path ?? "");
    for (const settings of everything) {
      const all = ["default", "acme", "other"].flatMap((tenant) => places(settings, tenant));
      assert.equal(new Set(all).size, all.length, all.join(" "));
    }
    const [data] = deerflowVolumes({ userDataClaim: "d" }, { ...owner, tenant: "acme" }, []);
    assert.equal(data?.subPath, "deer-flow/users/acme.u/threads/t/user-data");
    const mount = { hostPath: "/state/users/u/acp", containerPath: "/mnt/acp-workspace", readOnly: true };
    for (const settings of [{ baseDir: "/state" }, { userDataClaim: "d", baseDir: "/state" }])
      assert.throws(() => deerflowVolumes(settings, { ...owner, tenant: "acme" }, [mount]), MountError);
  });

  it("are claims where claims are configured, with the thread's part of them", () => {
    const volumes = deerflowVolumes(
      { skillsClaim: "s", skillsSubPath: "{user_id}/{thread_id}", userDataClaim: "d" },
      owner,
      [],
    );
    assert.deepEqual(
      volumes.map(({ mountPath, subPath, readOnly, volume }) => [
        mountPath,
        subPath,
        readOnly,
        volume.persistentVolumeClaim?.claimName,
      ]),
      [
        ["/mnt/skills", "u/t", true, "s"],
        ["/mnt/user-data", "deer-flow/users/u/threads/t/user-data", false, "d"],
      ],
    );
  });
});

describe("label selectors", () => {
  it("select as in Kubernetes", () => {
    const labels = { a: "1", b: "2" };
    for (const text of [
      "a=1",
      "a==1,b=2",
      "a!=2",
      "c!=1",
      "a",
      "!c",
      " a = 1 , b ",
      "!constructor",
      "toString!=x",
    ])
      assert.equal(parseLabelSelector(text)?.(labels), true, text);
    for (const text of ["a=2", "!a", "c", "c=1", "a=1,b=1", "constructor", "toString"])
      assert.equal(parseLabelSelector(text)?.(labels), false, text);
    for (const text of ["", "a in (1)", "!a=1", "=", "a=1,"])
      assert.equal(parseLabelSelector(text), undefined, text);
  });
});
