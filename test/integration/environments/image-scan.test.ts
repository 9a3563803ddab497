// Images with vulnerabilities, by the real scanner: they are not deployed, and what becomes known later is found.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ensureTrivy } from "../../../toolchain/image-scanner/index.js";
import { cluster, node, outputs } from "../support/cluster.js";
import { cleanUp, namespace, prepare, provisionerImage, run, up, type Overlay } from "../support/existing.js";
import { startRegistry } from "../support/registry.js";
import { output } from "../support/shell.js";
import { publishAdvisories, type Advisory } from "../support/vulnerability-database.js";

/** The port of the mirror in stacks/Pulumi.test.yaml: nodes reach the registry by its container's name. */
const registry = "127.0.0.1:15000";
const database = `${registry}/mirror/trivy-db:2`;

/** Of a package that the sandboxes' image has, in every version that there will be. */
const known: Advisory = { id: "CVE-2026-90001", package: "bash", fixed: "99.9-1", severity: "high" };

/** These do not count by default: one is too mild, the other has no fix. */
const harmless: readonly Advisory[] = [
  { id: "CVE-2026-90002", package: "bash", fixed: "99.9-1", severity: "medium" },
  { id: "CVE-2026-90003", package: "bash", fixed: "", severity: "critical" },
];

const settings = (tag: string, imageScan: Readonly<Record<string, unknown>> = {}): Overlay => ({
  sandbox: { image: `${registry}/sandbox:${tag}` },
  provisioner: { image: `${registry}/provisioner:one` },
  imageScan: { database, ...imageScan },
});

const accepted = (until: string) => ({ accepted: [{ id: known.id, reason: "nobody may run bash", until }] });

async function deployedImage(): Promise<string | undefined> {
  const { spec } = await cluster().apps.readNamespacedDeployment({ name: "sandbox", namespace });
  return spec?.template.spec?.containers[0]?.image;
}

describe("images that are scanned before they run", function () {
  this.timeout(600_000);
  const caches = mkdtempSync(join(tmpdir(), "sandlot-trivy-"));
  let removeRegistry = (): Promise<void> => Promise.resolve();

  before("the scanner, which is built the first time", async function () {
    this.timeout(2_400_000);
    await ensureTrivy();
  });
  before("images and a database in a registry", async () => {
    removeRegistry = await startRegistry({ name: `${node}-registry`, network: node, port: 15_000 });
    await prepare();
    for (const [image, name] of [
      [outputs()["sandboxImage"] ?? "", "sandbox:one"],
      [outputs()["sandboxImage"] ?? "", "sandbox:two"],
      [provisionerImage(), "provisioner:one"],
    ] as const) {
      await output("docker", ["tag", image, `${registry}/${name}`]);
      await output("docker", ["push", "--quiet", `${registry}/${name}`]);
      await output("docker", ["rmi", `${registry}/${name}`]);
    }
    await publish(harmless);
  });
  after(async () => {
    delete process.env["TRIVY_CACHE_DIR"];
    // In any case: it is in the network of the node, which could not be taken down.
    await removeRegistry();
    await cleanUp();
    rmSync(caches, { recursive: true });
  });

  /** Replaces what is known, for everybody at once: Trivy asks for a newer database once an hour. */
  async function publish(advisories: readonly Advisory[]): Promise<void> {
    await publishAdvisories(database, advisories);
    process.env["TRIVY_CACHE_DIR"] = mkdtempSync(join(caches, "cache-"));
  }

  it("are deployed when nothing that counts is known of them", async () => {
    const { exitCode, output: said } = await up(settings("one"));
    assert.equal(exitCode, 0, said);
    assert.equal(await deployedImage(), `${registry}/sandbox:one`);
  });

  it("stay when a vulnerability becomes known, which a scan finds and tells what mends it", async () => {
    await publish([...harmless, known]);
    const again = await up(settings("one"));
    assert.equal(again.exitCode, 0, again.output);
    assert.doesNotMatch(again.output, /\d+ (created|updated|deleted|replaced)/);
    const { exitCode, output: said } = await run("scan");
    assert.notEqual(exitCode, 0, said);
    assert.match(said, /1 of 2 images passed/);
    assert.match(said, /bash.*CVE-2026-90001.*HIGH.*99\.9-1/);
    assert.doesNotMatch(said, /CVE-2026-9000[23]/);
    assert.match(said, new RegExp(`${registry}/sandbox:one has the vulnerabilities above`));
  });

  it("are not deployed with one, and what runs is left alone", async () => {
    const { exitCode, output: said } = await up(settings("two"));
    assert.notEqual(exitCode, 0, said);
    assert.match(said, /CVE-2026-90001/);
    assert.equal(await deployedImage(), `${registry}/sandbox:one`);
  });

  it("are deployed with one that is accepted, which a scan then passes", async () => {
    const { exitCode, output: said } = await up(settings("two", accepted("2126-01-01")));
    assert.equal(exitCode, 0, said);
    assert.equal(await deployedImage(), `${registry}/sandbox:two`);
    const scan = await run("scan");
    assert.equal(scan.exitCode, 0, scan.output);
    assert.match(scan.output, /2 of 2 images passed/);
  });

  it("are not deployed with one that was accepted for a time, which is over", async () => {
    const { exitCode, output: said } = await up(settings("one", accepted("2026-01-01")));
    assert.notEqual(exitCode, 0, said);
    assert.match(said, /CVE-2026-90001/);
    assert.equal(await deployedImage(), `${registry}/sandbox:two`);
  });

  it("are not deployed when their distribution mends nothing any more", async () => {
    const root = mkdtempSync(join(tmpdir(), "sandlot-old-"));
    for (const path of ["etc", "var/lib/dpkg"]) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, "etc/os-release"), 'ID=debian\nVERSION_ID="9"\n');
    writeFileSync(join(root, "etc/debian_version"), "9.13\n");
    writeFileSync(
      join(root, "var/lib/dpkg/status"),
      "Package: bash\nStatus: install ok installed\nVersion: 4.4\n",
    );
    const image = `${registry}/sandbox:old`;
    await output("sh", ["-c", `tar -C '${root}' -c . | docker import - ${image}`]);
    await output("docker", ["push", "--quiet", image]);
    await output("docker", ["rmi", image]);
    rmSync(root, { recursive: true });
    const { exitCode, output: said } = await up(settings("old"));
    assert.notEqual(exitCode, 0, said);
    assert.match(said, /sandbox:old is of a distribution's release that gets no fixes any more/);
    assert.equal(await deployedImage(), `${registry}/sandbox:two`);
  });

  it("are not deployed when nobody can tell", async () => {
    process.env["TRIVY_CACHE_DIR"] = mkdtempSync(join(caches, "empty-"));
    const gone = { database: `${registry}/mirror/nothing:2` };
    const { exitCode, output: said } = await up(settings("one", { ...accepted("2126-01-01"), ...gone }));
    assert.notEqual(exitCode, 0, said);
    assert.match(said, /sandbox:one could not be scanned, so it is not used/);
    assert.equal(await deployedImage(), `${registry}/sandbox:two`);
  });
});
