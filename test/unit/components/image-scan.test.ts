// The script of a scan, run by the real sh with a `trivy` that answers as the test wants.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { scanScript } from "../../../components/image-scan/trivy";

const image = "registry.example.com/team/sandbox:1.0.0";

describe("the script of a scan", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-scan-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const given = {
    IMAGE: image,
    SOURCES: "remote",
    SEVERITIES: "CRITICAL",
    ACCEPTED: "vulnerabilities: []\n",
  };
  /** The variables of a scan that finds the programs of the test's folder before all others. */
  const environment = (more: Readonly<Record<string, string>> = {}) => ({
    ...given,
    ...more,
    PATH: [folder, "/usr/bin", "/bin"].join(delimiter),
    TMPDIR: folder,
    TRIVY_CACHE_DIR: join(folder, "cache"),
  });

  /** Runs it where `trivy` prints to both outputs and ends with `status`; without one there is no `trivy`. */
  function scan(status: number | undefined, more: Readonly<Record<string, string>> = {}) {
    const answer = `#!/bin/sh
printf '%s\\n' "$@" >"${folder}/arguments"
while [ "$1" != --ignorefile ]; do shift; done
cat "$2" >"${folder}/accepted"
echo found; echo said >&2; exit ${status ?? 0}\n`;
    if (status !== undefined) writeFileSync(join(folder, "trivy"), answer, { mode: 0o755 });
    const result = spawnSync("/bin/sh", ["-c", scanScript], { env: environment(more), encoding: "utf8" });
    const left = readdirSync(folder).filter((name) => name.startsWith("tmp."));
    assert.deepEqual(left, [], "it left a folder behind");
    const read = (name: string): string => readFileSync(join(folder, name), "utf8");
    return { code: result.status, stdout: result.stdout, stderr: result.stderr, read };
  }

  it("passes what Trivy passes, and prints the image alone", () => {
    const { code, stdout, stderr, read } = scan(0);
    assert.deepEqual([code, stdout, stderr], [0, `${image}\n`, ""]);
    const asked = read("arguments").split("\n");
    assert.equal(asked.at(-2), image);
    assert.ok(asked.includes("--ignore-unfixed"));
    assert.equal(asked[asked.indexOf("--severity") + 1], "CRITICAL");
    assert.equal(asked[asked.indexOf("--image-src") + 1], "remote");
    assert.ok(!asked.includes("--db-repository"));
    assert.equal(read("accepted"), "vulnerabilities: []\n");
  });

  it("asks for what has no fix, and another database, only where it is told to", () => {
    const { read } = scan(0, { UNFIXED: "1", DATABASE: "registry.example.com/trivy-db:2" });
    const asked = read("arguments").split("\n");
    assert.ok(!asked.includes("--ignore-unfixed"));
    assert.equal(asked[asked.indexOf("--db-repository") + 1], "registry.example.com/trivy-db:2");
  });

  it("refuses what Trivy found something in, with what that is and what to do", () => {
    const { code, stdout, stderr } = scan(3);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^found\n/);
    assert.match(stderr, /sandbox:1\.0\.0 has the vulnerabilities above\. Take an image.*or accept them/);
  });

  it("refuses what gets no fixes any more, unless it is told not to", () => {
    const { code, stdout, stderr, read } = scan(4);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^\S+sandbox:1\.0\.0 is of a distribution's release that gets no fixes any more/);
    assert.ok(read("arguments").includes("--exit-on-eol\n4\n"));
    assert.ok(!scan(0, { END_OF_LIFE: "1" }).read("arguments").includes("--exit-on-eol"));
  });

  it("refuses what Trivy could tell nothing of, with its reason", () => {
    const { code, stdout, stderr } = scan(1);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^said\n.*could not be scanned, so it is not used/s);
  });

  it("waits for a scan that is under way, and not for one that was killed", async () => {
    const log = join(folder, "log");
    const cache = join(folder, "cache");
    const trivy = `#!/bin/sh\necho begin >>"${log}"; sleep 0.3; echo end >>"${log}"\n`;
    writeFileSync(join(folder, "trivy"), trivy, { mode: 0o755 });
    const killed = spawnSync("/bin/sh", ["-c", "echo $$"], { encoding: "utf8" }).stdout.trim();
    spawnSync("mkdir", [cache]);
    symlinkSync(killed, join(cache, "sandlot-image-scan"));
    const scans = [1, 2, 3].map(() =>
      once(spawn("/bin/sh", ["-c", scanScript], { env: environment() }), "exit"),
    );
    assert.deepEqual(
      (await Promise.all(scans)).map(([code]) => code as number),
      [0, 0, 0],
    );
    assert.equal(readFileSync(log, "utf8"), "begin\nend\n".repeat(3));
    assert.deepEqual(readdirSync(cache), []);
  });

  it("refuses where there is no Trivy, and says where to get it", () => {
    const { code, stderr } = scan(undefined);
    assert.equal(code, 1);
    assert.match(stderr, /Trivy, which is not on the PATH: install it/);
  });
});
