// What is registered where images are scanned: a scan of each image, before everything that runs it.
import assert from "node:assert/strict";

import {
  GvisorMode,
  ImageScan,
  SandboxEnvironment,
  SandboxPlatform,
  VulnerabilitySeverity,
  type ImageScanArgs,
  type SandboxPlatformArgs,
} from "@sandlot/components";

import { scanScript } from "../../components/image-scan/trivy";
import { record, recordFailure, type Graph } from "../support/graph";

const image = "registry.example.com/team/sandbox:1.0.0";

/** What a scan's script is given. */
function environmentOf(graph: Graph, name: string): Record<string, string> {
  const { SCAN, ...given } = graph.get(`${name}-trivy`).inputs["environment"] as Record<string, string>;
  assert.equal(SCAN, scanScript);
  return given;
}

const scan = async (args: Partial<ImageScanArgs> = {}): Promise<Record<string, string>> =>
  environmentOf(await record(() => new ImageScan("scan", { image, ...args })), "scan");

describe("ImageScan's graph", () => {
  it("looks in the registry, for what is high or critical and has a fix", async () => {
    assert.deepEqual(await scan(), {
      IMAGE: image,
      SOURCES: "remote",
      SEVERITIES: "HIGH,CRITICAL",
      ACCEPTED: "",
    });
  });

  it("is told what counts, where the database is, and that Docker has the image", async () => {
    const asked = await scan({
      severity: VulnerabilitySeverity.Low,
      unfixed: true,
      endOfLife: true,
      accepted: [{ id: "CVE-2026-1", reason: 'only where "bash" is a server', until: "2027-01-31" }],
      database: "registry.example.com/mirror/trivy-db:2",
      fromDocker: true,
    });
    assert.deepEqual(asked, {
      IMAGE: image,
      SOURCES: "docker,remote",
      SEVERITIES: "LOW,MEDIUM,HIGH,CRITICAL",
      UNFIXED: "1",
      END_OF_LIFE: "1",
      DATABASE: "registry.example.com/mirror/trivy-db:2",
      ACCEPTED: [
        "vulnerabilities:",
        '  - id: "CVE-2026-1"',
        '    statement: "only where \\"bash\\" is a server"',
        "    expired_at: 2027-01-31",
        "",
      ].join("\n"),
    });
  });

  it("refuses what nobody would understand or what could be anything else, and registers nothing", async () => {
    const bad: Partial<ImageScanArgs> = {
      severity: "SEVERE" as VulnerabilitySeverity,
      accepted: [
        { id: "CVE-2026-1\n  - id: CVE-2026-2", reason: "x" },
        { id: "CVE-2026-3", reason: " ", until: "2027-02-30" },
        { id: "CVE-2026-3", reason: "again", until: "tomorrow\n" },
      ],
      database: "trivy-db",
    };
    const { error, graph } = await recordFailure(() => new ImageScan("scan", { image: "sandbox", ...bad }));
    for (const part of [
      /severity is "SEVERE".*LOW, MEDIUM, HIGH, CRITICAL/,
      /accepted\[0\]\.id is .*name of a vulnerability/,
      /accepted\[1\]\.reason/,
      /accepted\[1\]\.until is "2027-02-30".*a day/,
      /accepted\[2\]\.until/,
      /accepted\[2\]\.id is "CVE-2026-3", which an earlier entry has/,
      /database is "trivy-db".*a tag/,
      /image is "sandbox"/,
    ])
      assert.match(error.message, part);
    assert.equal(graph.has("scan-trivy"), false);
  });
});

describe("an environment's scan", () => {
  const base = { name: "tools", namespace: "sandlot", sandboxImage: "sandlot/sandbox:0123456789abcdef" };

  it("is of what was built, before the provisioner learns of it", async () => {
    const graph = await record(
      () => new SandboxEnvironment("tools", { ...base, build: { commands: ["true"] }, scan: {} }),
      { outputs: ({ name }) => (name === "tools-build" ? { stdout: "sandlot/environment-tools:1\n" } : {}) },
    );
    assert.equal(environmentOf(graph, "tools-image-scan")["IMAGE"], "sandlot/environment-tools:1");
    assert.equal(environmentOf(graph, "tools-image-scan")["SOURCES"], "docker,remote");
    const trivy = graph.get("tools-image-scan-trivy");
    assert.ok(graph.comesAfter(trivy, graph.get("tools-build")));
    assert.ok(graph.comesAfter(graph.get("tools-record"), trivy));
  });
});

describe("the platform's scans", () => {
  const platform = (args: Partial<SandboxPlatformArgs> = {}): Promise<Graph> =>
    record(
      () =>
        new SandboxPlatform("sandlot", {
          image,
          provisioner: { image: "team/provisioner:1", generateKeys: true },
          egressProxy: {},
          runtime: { mode: GvisorMode.Install, install: { image: "team/installer:1" } },
          environments: [{ name: "tools", image: "team/tools:1" }, { name: "plain" }],
          userData: { storageClass: "standard" },
          userDataRetention: { days: 30 },
          ...args,
        }),
    );
  const scansOf = (graph: Graph): Record<string, string | undefined> =>
    Object.fromEntries(
      graph
        .ofType("sandlot:index:ImageScan")
        .map(({ name }) => [name, environmentOf(graph, name)["IMAGE"]] as const),
    );

  it("are none where nobody asks for them", async () => {
    assert.deepEqual(scansOf(await platform()), {});
  });

  it("are one of each image, and come before everything that runs it", async () => {
    const graph = await platform({ imageScan: { severity: VulnerabilitySeverity.Critical } });
    assert.deepEqual(scansOf(graph), {
      "sandlot-sandbox-image-scan": image,
      "sandlot-provisioner-image-scan": "team/provisioner:1",
      "sandlot-installer-image-scan": "team/installer:1",
      "sandlot-environment-tools-image-scan": "team/tools:1",
    });
    const runs: Readonly<Record<string, readonly string[]>> = {
      "sandlot-sandbox-image-scan": [
        "sandlot-runtime-check",
        "sandlot-sandbox-deployment",
        "sandlot-user-data-retention-cron-job",
        "sandlot-environment-plain-record",
        "sandlot-environment-default-record",
      ],
      "sandlot-provisioner-image-scan": ["sandlot-provisioner-deployment", "sandlot-egress-proxy-deployment"],
      "sandlot-installer-image-scan": ["sandlot-runtime-installer"],
      "sandlot-environment-tools-image-scan": ["sandlot-environment-tools-record"],
    };
    for (const [name, users] of Object.entries(runs)) {
      assert.equal(environmentOf(graph, name)["SEVERITIES"], "CRITICAL");
      for (const user of users)
        assert.ok(graph.comesAfter(graph.get(user), graph.get(name)), `${user} does not wait for ${name}`);
    }
    const pods = graph.resources.filter(({ type }) =>
      /:(Deployment|DaemonSet|StatefulSet|CronJob|Job|Pod)$/.test(type),
    );
    const seen = Object.values(runs).flat();
    for (const { name } of pods)
      assert.ok(seen.includes(name), `${name} runs an image, and is not looked at here`);
  });

  it("tell once what is wrong with their options", async () => {
    const { error } = await recordFailure(
      () =>
        new SandboxPlatform("sandlot", {
          image,
          provisioner: { image: "team/provisioner:1", generateKeys: true },
          environments: [{ name: "tools", image: "team/tools:1" }],
          imageScan: { accepted: [{ id: "?", reason: "x" }] },
        }),
    );
    assert.equal(error.message.match(/accepted\[0\]\.id/g)?.length, 1, error.message);
  });
});
