// The checks of what a machine must have: each passes on a good machine, and on a bad one names what is wrong and the way out.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UserError } from "../../../toolchain/errors.js";
import {
  checkApt,
  checkCgroups,
  checkDisk,
  checkDocker,
  checkKernel,
  checkMemory,
  checkNode,
  checkPort,
  checkPorts,
  checkTool,
  listeningInodes,
  requireAll,
} from "../../../toolchain/prerequisites/index.js";
import { atLeast } from "../../../toolchain/prerequisites/tools.js";

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "sandlot-checks-"));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe("versions", () => {
  for (const [version, minimum, expected] of [
    ["20.19.0", "20.19.0", true],
    ["22.1.0", "20.19.0", true],
    ["20.9.9", "20.19.0", false],
    ["18.20.0", "20.19.0", false],
    ["20.10.24+dfsg1", "20.10.0", true],
    ["1.26", "1.26.0", true],
    ["1.26-rc1", "1.26.0", true],
  ] as const) {
    it(`${version} ${expected ? "is" : "is not"} at least ${minimum}`, () => {
      assert.equal(atLeast(version, minimum), expected);
    });
  }

  it("of Node.js: too old a one is named with what is needed", () => {
    assert.equal(checkNode().ok, true);
    const check = checkNode("18.20.4");
    assert.deepEqual([check.ok, check.found, check.needed], [false, "18.20.4", "20.19.0 or newer"]);
    assert.match(check.remedy, /nodejs\.org/);
  });

  it("of a tool: too old, silent, and missing are told apart", async () => {
    const env = { PATH: scratch };
    assert.equal((await checkTool("go", env)).found, "not on PATH");
    const install = (body: string): void => {
      writeFileSync(join(scratch, "go"), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    };
    install("echo go version go1.19.8 linux/amd64");
    assert.deepEqual(
      [(await checkTool("go", env)).ok, (await checkTool("go", env)).found],
      [false, "1.19.8"],
    );
    install("exit 1");
    assert.match((await checkTool("go", env)).found, /does not tell its version/);
    install("echo go version go1.26.8 linux/amd64");
    assert.equal((await checkTool("go", env)).ok, true);
  });
});

describe("disk space", () => {
  const full = (): Promise<{ bavail: number; bsize: number }> =>
    Promise.resolve({ bavail: 100_000, bsize: 4096 });

  it("says how much a full disk has, how much is needed, and what to delete", async () => {
    const check = await checkDisk(scratch, 3e9, full);
    assert.deepEqual([check.ok, check.found, check.needed], [false, "0.4 GB free", "3.0 GB free"]);
    assert.match(check.remedy, /docker system prune.*SANDLOT_CACHE/);
  });

  it("is looked at where a folder that is not there yet will be", async () => {
    const asked: string[] = [];
    await checkDisk(join(scratch, "a/b/c"), 1, (path) => {
      asked.push(path);
      return full();
    });
    assert.deepEqual(asked, [scratch]);
  });

  it("is enough on this machine for one byte", async () => {
    assert.equal((await checkDisk(scratch, 1)).ok, true);
  });
});

describe("memory", () => {
  it("is compared with what is available", () => {
    assert.equal(checkMemory(1).ok, true);
    const check = checkMemory(4e9, 1.5e9);
    assert.deepEqual([check.ok, check.found, check.needed], [false, "1.5 GB available", "4.0 GB available"]);
  });
});

describe("ports", () => {
  let server: Server;
  let port: number;

  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });

  afterEach(() => {
    server.close();
  });

  it("that are taken are reported with their holder", async function () {
    const check = await checkPort(port, { host: "127.0.0.1" });
    assert.equal(check.ok, false);
    assert.equal(check.name, `port ${port}`);
    if (process.platform !== "linux") return;
    assert.match(check.found, new RegExp(`^taken by \\S+ \\(process ${process.pid}\\)$`));
    assert.match(check.remedy, new RegExp(`kill ${process.pid}.*stack's settings`));
  });

  it("that are taken on one address are taken for all addresses", async () => {
    assert.equal((await checkPort(port)).ok, false);
  });

  it("that are free again are free", async () => {
    await new Promise((resolve) => server.close(resolve));
    const [check] = await checkPorts([port]);
    assert.deepEqual([check?.ok, check?.found], [true, "free"]);
  });

  it("whose container has just gone are waited for", async function () {
    if (process.platform !== "linux") this.skip();
    const program = [
      'process.title = "docker-proxy";',
      'const server = require("node:net").createServer();',
      'server.listen(0, "127.0.0.1", () => console.log(server.address().port));',
      'process.stdin.once("data", () => setTimeout(process.exit, 500));',
    ].join("\n");
    // A child of an engine's, as real ones are: those whose engine is gone are ended by whoever starts one, also another test.
    const engine = [
      'process.title = "dockerd";',
      `const child = require("node:child_process").spawn(process.execPath, ["--eval", ${JSON.stringify(program)}], { stdio: "inherit" });`,
      'child.once("exit", () => process.exit());',
    ].join("\n");
    const proxy = spawn(process.execPath, ["--eval", engine], { stdio: ["pipe", "pipe", "ignore"] });
    const [chunk] = (await once(proxy.stdout, "data")) as [Buffer];
    const taken = Number(chunk.toString());
    assert.match((await checkPort(taken, { host: "127.0.0.1" })).found, /^taken by docker-proxy /);
    proxy.stdin.write("end\n");
    assert.equal((await checkPort(taken, { host: "127.0.0.1" })).found, "free");
  });

  it("that a container has are reported with its name, except the node's own", async () => {
    const cli = join(scratch, "docker");
    writeFileSync(cli, "#!/bin/sh\necho web\n", { mode: 0o755 });
    const docker = { cli, host: "" };
    const foreign = await checkPort(port, { docker, ownContainer: "sandlot-dev" });
    assert.equal(foreign.found, "taken by the container web");
    assert.match(foreign.remedy, /docker stop web/);
    assert.equal((await checkPort(port, { docker, ownContainer: "web" })).ok, true);
  });

  it("that this user may not bind are told apart from those that are taken", async function () {
    if (process.getuid?.() === 0) this.skip();
    assert.match((await checkPort(1)).found, /EACCES|free/);
  });

  it("are found by number and state in the kernel's table", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1",
      "   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1",
      "   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1",
    ].join("\n");
    assert.deepEqual(listeningInodes(table, 8080), ["4711"]);
  });
});

describe("Docker", () => {
  const engine = { host: "", cli: "/usr/bin/docker", version: "27.0.1", startedByUs: false };

  it("is good when an engine answers that is new enough", async () => {
    assert.equal((await checkDocker(() => Promise.resolve(engine), false)).ok, true);
    const old = await checkDocker(() => Promise.resolve({ ...engine, version: "19.3.0" }), false);
    assert.deepEqual([old.ok, old.found], [false, "19.3.0"]);
  });

  it("is good when it can be installed, and not otherwise", async () => {
    const none = (): Promise<undefined> => Promise.resolve(undefined);
    assert.match((await checkDocker(none, true)).found, /will be installed/);
    assert.equal((await checkDocker(none, false)).ok, false);
  });

  it("that cannot be reached is a failed check, not an exception", async () => {
    const check = await checkDocker(
      () => Promise.reject(new UserError("DOCKER_HOST is x", "unset it")),
      true,
    );
    assert.deepEqual([check.ok, check.found, check.remedy], [false, "DOCKER_HOST is x", "unset it"]);
  });
});

describe("the kernel", () => {
  it("must have control groups mounted, of either version", () => {
    assert.equal(checkCgroups("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n").found, "version 2");
    assert.equal(checkCgroups("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n").found, "version 1");
    assert.equal(checkCgroups("proc /proc proc rw 0 0\n").ok, false);
  });

  it("must have what the engine and the network walls need, as far as it tells", () => {
    const options = ["OVERLAY_FS=y", "BRIDGE=m", "VETH=y", "NF_TABLES=m", "NF_NAT=y"].map(
      (line) => `CONFIG_${line}`,
    );
    assert.equal(checkKernel(options.join("\n")).ok, true);
    const check = checkKernel(
      [...options.slice(0, 3), "# CONFIG_NF_TABLES is not set", options[4]].join("\n"),
    );
    assert.equal(check.found, "without nftables (CONFIG_NF_TABLES)");
    assert.equal(checkKernel(undefined).ok, true);
  });
});

describe("all checks together", () => {
  it("name every lack at once", () => {
    const checks = [checkNode("18.0.0"), checkNode(), checkApt(false)];
    assert.throws(
      () => {
        requireAll(checks);
      },
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(
          error.message,
          /^Node\.js: 18\.0\.0; needed: 20\.19\.0 or newer\npackage installation: /,
        );
        assert.match(error.remedy, /^Node\.js: Install.*\npackage installation: Run/);
        return true;
      },
    );
    requireAll([checkNode()]);
  });
});
