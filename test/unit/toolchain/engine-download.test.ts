// The download path against a server with the official layout: what is published gets through, nothing else does, and a
// server that is dead, slow or lying costs little and leaves nothing behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UserError } from "../../../toolchain/errors.js";
import { downloadRelease, Downloader, NotAvailable } from "../../../toolchain/pulumi-engine/download.js";
import {
  ensurePlugins,
  ensurePulumi,
  type StandInInstaller,
} from "../../../toolchain/pulumi-engine/index.js";
import { checksumOf, cliRelease, mirror, pluginRelease } from "../../../toolchain/pulumi-engine/releases.js";
import { pulumiVersions, type PluginName } from "../../../toolchain/versions.js";

const machine = { platform: "linux", arch: "x64" };
const limits = { connectMs: 500, stallMs: 400 };
const cliArchive = `pulumi-v${pulumiVersions.cli}-linux-x64.tar.gz`;
const cliChecksums = `pulumi-${pulumiVersions.cli}-checksums.txt`;

let scratch: string;
let served: Map<string, Buffer | RequestListener>;
let requests: string[];
let server: Server;
let base: string;
let savedCache: string | undefined;

/** A gzipped tar of executable shell scripts. */
function archive(files: Record<string, string>): Buffer {
  const dir = mkdtempSync(join(scratch, "archive-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), content);
    chmodSync(join(dir, name), 0o755);
  }
  return execFileSync("tar", ["-czf", "-", "-C", dir, "."]);
}

function cli(): Buffer {
  return archive({
    "pulumi/pulumi": "#!/bin/sh\necho cli\n",
    "pulumi/pulumi-language-nodejs": "#!/bin/sh\n",
  });
}

function digest(content: Buffer, algorithm = "sha256"): string {
  return createHash(algorithm).update(content).digest("hex");
}

function publishCli(content: Buffer, checksum = digest(content)): void {
  served.set(`/releases/sdk/${cliArchive}`, content);
  served.set(
    `/releases/sdk/${cliChecksums}`,
    Buffer.from(`${"0".repeat(64)}  other.tar.gz\n${checksum}  ${cliArchive}\n`),
  );
}

function publishPlugin(name: PluginName, algorithm = "sha256"): void {
  const version = pulumiVersions[name];
  const file = `pulumi-resource-${name}-v${version}-linux-amd64.tar.gz`;
  const content = archive({ [`pulumi-resource-${name}`]: `#!/bin/sh\necho ${name}\n` });
  served.set(`/releases/plugins/${file}`, content);
  const line = `${digest(content, algorithm)}  ./${file}\n`;
  served.set(`/releases/plugins/pulumi-${name}_${version}_checksums.txt`, Buffer.from(line));
}

function release(from = base): NonNullable<ReturnType<typeof cliRelease>> {
  const found = cliRelease(pulumiVersions.cli, machine, from);
  assert.ok(found);
  return found;
}

function cacheNames(): string[] {
  return readdirSync(join(scratch, "cache"));
}

/** Nothing of a download may be left: neither an entry that a later run would take for good, nor a temporary folder. */
async function refused(from: string, kind: typeof UserError | typeof NotAvailable): Promise<Error> {
  mkdirSync(join(scratch, "cache"), { recursive: true });
  const error: unknown = await downloadRelease(release(from), new Downloader(limits)).then(
    () => assert.fail("the download went through"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof kind, `expected ${kind.name}, got ${String(error)}`);
  assert.deepEqual(cacheNames(), []);
  return error;
}

describe("engine download", () => {
  beforeEach(async () => {
    scratch = mkdtempSync(join(tmpdir(), "sandlot-download-"));
    savedCache = process.env["SANDLOT_CACHE"];
    process.env["SANDLOT_CACHE"] = join(scratch, "cache");
    served = new Map();
    requests = [];
    server = createServer((request, response) => {
      const url = request.url ?? "";
      requests.push(url);
      const answer = served.get(url);
      if (answer === undefined) response.writeHead(404).end("no such file");
      else if (Buffer.isBuffer(answer))
        response.writeHead(200, { "content-length": answer.length }).end(answer);
      else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
    if (savedCache === undefined) delete process.env["SANDLOT_CACHE"];
    else process.env["SANDLOT_CACHE"] = savedCache;
    rmSync(scratch, { recursive: true, force: true });
  });

  it("unpacks an archive whose checksum is the published one, and never fetches it again", async () => {
    publishCli(cli());
    const entry = await downloadRelease(release(), new Downloader(limits));
    assert.match(readFileSync(join(entry, "pulumi/pulumi"), "utf8"), /echo cli/);
    assert.deepEqual(readdirSync(entry), ["pulumi"], "the archive itself is not kept");
    const before = requests.length;
    assert.equal(await downloadRelease(release(), new Downloader(limits)), entry);
    assert.equal(requests.length, before);
  });

  it("follows a redirect, as the official server answers with", async () => {
    publishCli(cli());
    const content = served.get(`/releases/sdk/${cliArchive}`);
    assert.ok(Buffer.isBuffer(content));
    served.set("/elsewhere", content);
    served.set(`/releases/sdk/${cliArchive}`, (_request, response) => {
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    await downloadRelease(release(), new Downloader(limits));
    assert.ok(requests.includes("/elsewhere"));
  });

  it("refuses an archive whose checksum is another, and says which is which and what to do", async () => {
    const content = cli();
    publishCli(content, "a".repeat(64));
    const error = await refused(base, UserError);
    assert.match(error.message, new RegExp(`SHA256 is ${digest(content)}, the checksum file says a{64}`));
    assert.ok(error instanceof UserError);
    assert.match(error.remedy, /Nothing of it was kept.*SANDLOT_PULUMI_DOWNLOAD_URL/);
  });

  it("does not build in place of what failed its checksum", async () => {
    publishCli(cli(), "a".repeat(64));
    await assert.rejects(
      ensurePulumi({ ...isolated(), build: () => assert.fail("it was built") }),
      (error) => error instanceof UserError && error.message.includes("is not what was published"),
    );
  });

  it("reports a version that is not published, without calling the server useless", async () => {
    const error = await refused(base, NotAvailable);
    assert.match(error.message, /checksums\.txt does not exist \(HTTP 404\)/);
    publishPlugin("command");
    const downloader = new Downloader(limits);
    await assert.rejects(downloadRelease(release(), downloader), NotAvailable);
    const sources = await pluginSources(downloader);
    assert.equal(sources.command, "official", "the same server's other files are still fetched");
  });

  it("takes S3's 403 for a file that is missing", async () => {
    served.set(`/releases/sdk/${cliChecksums}`, (_request, response) => response.writeHead(403).end());
    assert.match((await refused(base, NotAvailable)).message, /does not exist \(HTTP 403\)/);
  });

  it("refuses an archive that the checksum file does not list", async () => {
    publishCli(cli());
    served.set(`/releases/sdk/${cliChecksums}`, Buffer.from(`${"b".repeat(64)}  another.tar.gz\n`));
    assert.match((await refused(base, NotAvailable)).message, /has no checksum of pulumi-v/);
  });

  it("gives up at once on a server that refuses connections, and asks it once only", async () => {
    server.close();
    let attempts = 0;
    const count = (): void => void (attempts += 1);
    subscribe("undici:client:beforeConnect", count);
    try {
      // Whoever waited for one of these would not come back here.
      const downloader = new Downloader({ connectMs: 3_600_000, stallMs: 3_600_000 });
      for (let time = 0; time < 2; time += 1)
        await assert.rejects(
          downloadRelease(release(), downloader),
          (error) =>
            error instanceof NotAvailable &&
            /127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/.test(error.message),
        );
      assert.equal(attempts, 1);
    } finally {
      unsubscribe("undici:client:beforeConnect", count);
    }
  });

  it("gives up on a server that accepts and never answers, and does not ask it again", async () => {
    const silent: RequestListener = () => undefined;
    served.set(`/releases/sdk/${cliChecksums}`, silent);
    const downloader = new Downloader(limits);
    const started = performance.now();
    await assert.rejects(
      downloadRelease(release(), downloader),
      (error) => error instanceof NotAvailable && error.message.includes("does not answer (waited 0.4 s)"),
    );
    assert.ok(performance.now() - started < 3_000);
    const sources = await pluginSources(downloader);
    assert.deepEqual(sources, { kubernetes: "built", docker: "stand-in", command: "stand-in" });
    assert.equal(requests.length, 1, "one question to a server out of reach");
  });

  it("gives up on a transfer that stalls in the middle", async () => {
    publishCli(cli());
    served.set(`/releases/sdk/${cliArchive}`, (_request, response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write("some bytes");
    });
    assert.match((await refused(base, NotAvailable)).message, /has stopped sending \(waited 0\.4 s\)/);
  });

  it("gives up on a transfer that is cut off", async () => {
    const content = cli();
    publishCli(content);
    served.set(`/releases/sdk/${cliArchive}`, (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 20), () => response.destroy());
    });
    assert.match((await refused(base, NotAvailable)).message, /broke off the connection/);
  });

  it("refuses a truncated archive even when the checksum file was made from it", async () => {
    const content = cli();
    publishCli(content.subarray(0, content.length / 2));
    const error = await refused(base, UserError);
    assert.match(error.message, /cannot be unpacked/);
  });

  it("counts a server that answers with errors of its own as useless", async () => {
    served.set(`/releases/sdk/${cliChecksums}`, (_request, response) => response.writeHead(503).end());
    assert.match((await refused(base, NotAvailable)).message, /answers HTTP 503/);
  });

  it("goes on to the second place when the first does not have it", async () => {
    publishCli(cli());
    const [good] = release().places;
    assert.ok(good);
    const bad = { archive: `${base}/none/a`, checksums: `${base}/none/c` };
    const entry = await downloadRelease({ ...release(), places: [bad, good] }, new Downloader(limits));
    assert.ok(readdirSync(entry).includes("pulumi"));
  });

  it("takes every plugin that the server has, whichever digest it publishes, and stands in for the others", async () => {
    publishPlugin("kubernetes");
    publishPlugin("docker", "sha1");
    const home = join(scratch, "home");
    const standIns: string[] = [];
    const install: StandInInstaller = (name, version, where) => {
      standIns.push(name);
      return installStandIn(name, version, where);
    };
    const options = { env: isolated().env, machine, downloader: new Downloader(limits) };
    const expected = { kubernetes: "official", docker: "official", command: "stand-in" };
    assert.deepEqual(await ensurePlugins(home, install, options), expected);
    const plugin = join(
      home,
      "plugins",
      `resource-docker-v${pulumiVersions.docker}`,
      "pulumi-resource-docker",
    );
    assert.equal(execFileSync(plugin).toString(), "docker\n");
    const asked = requests.length;
    assert.deepEqual(await ensurePlugins(home, install, options), expected, "the second run finds the same");
    assert.equal(requests.length, asked, "and asks no server");
    assert.deepEqual(standIns, ["command", "command"], "but brings the stand-in up to date");
  });

  it("builds the Kubernetes plugin where it cannot be had", async () => {
    const file = join(scratch, "built");
    writeFileSync(file, "#!/bin/sh\necho built\n", { mode: 0o755 });
    publishPlugin("docker");
    publishPlugin("command");
    const sources = await ensurePlugins(
      join(scratch, "home"),
      () => assert.fail("a stand-in was asked for"),
      {
        env: isolated().env,
        machine,
        downloader: new Downloader(limits),
        buildKubernetes: (why) => {
          assert.match(why, /the Kubernetes plugin can only be built from source here \(.*HTTP 404/);
          return Promise.resolve(file);
        },
      },
    );
    assert.deepEqual(sources, { kubernetes: "built", docker: "official", command: "official" });
  });

  const installStandIn: StandInInstaller = (name, version, home) => {
    const folder = join(home, "plugins", `resource-${name}-v${version}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `pulumi-resource-${name}`), "#!/bin/sh\n", { mode: 0o755 });
  };

  /** Where each plugin is taken from, in a new PULUMI_HOME. */
  function pluginSources(downloader: Downloader): ReturnType<typeof ensurePlugins> {
    const { env, home } = isolated();
    const built = join(scratch, "built");
    writeFileSync(built, "#!/bin/sh\n", { mode: 0o755 });
    return ensurePlugins(home, installStandIn, {
      env,
      machine,
      downloader,
      buildKubernetes: () => Promise.resolve(built),
    });
  }

  /** Options that keep the machine's own Pulumi and Go out of it. */
  function isolated() {
    const env = {
      PATH: join(scratch, "bin"),
      PULUMI_HOME: join(scratch, "none"),
      SANDLOT_PULUMI_DOWNLOAD_URL: base,
    };
    return {
      env,
      machine,
      home: join(scratch, "home"),
      downloader: new Downloader(limits),
      findBuilt: () => Promise.resolve(undefined),
    };
  }

  describe("order of preference", () => {
    function install(version: string, withHost = true): void {
      mkdirSync(join(scratch, "bin"), { recursive: true });
      writeFileSync(join(scratch, "bin/pulumi"), `#!/bin/sh\necho v${version}\n`, { mode: 0o755 });
      if (withHost) writeFileSync(join(scratch, "bin/pulumi-language-nodejs"), "", { mode: 0o755 });
    }

    it("takes a compatible CLI on PATH before any other", async () => {
      install("3.999.1");
      const engine = await ensurePulumi(isolated());
      assert.deepEqual(engine, {
        bin: join(scratch, "bin"),
        version: "3.999.1",
        source: "path",
        home: join(scratch, "home"),
      });
      assert.equal(requests.length, 0);
    });

    for (const [what, version, withHost] of [
      ["older than the pinned one", "3.100.0", true],
      ["of another major version", "4.0.0", true],
      ["without a Node.js host", "3.999.0", false],
    ] as const) {
      it(`passes over a CLI on PATH that is ${what}, and downloads`, async () => {
        install(version, withHost);
        publishCli(cli());
        const engine = await ensurePulumi(isolated());
        assert.equal(engine.source, "downloaded");
        assert.equal(engine.version, pulumiVersions.cli);
        assert.deepEqual(readdirSync(engine.bin).sort(), ["pulumi", "pulumi-language-nodejs"]);
      });
    }

    it("takes what an earlier command built before asking a server", async () => {
      const engine = await ensurePulumi({
        ...isolated(),
        findBuilt: () => Promise.resolve({ bin: "/built" }),
      });
      assert.deepEqual([engine.source, engine.bin], ["built", "/built"]);
      assert.equal(requests.length, 0);
    });

    it("builds only when it cannot download, and tells the builder why", async () => {
      server.close();
      const engine = await ensurePulumi({
        ...isolated(),
        build: (_progress, why) => {
          assert.match(
            why,
            /can only be built from source here \(127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\)/,
          );
          return Promise.resolve({ bin: "/built" });
        },
      });
      assert.equal(engine.source, "built");
    });

    it("builds at once where no archive is published", async () => {
      const options = { ...isolated(), machine: { platform: "freebsd", arch: "x64" } };
      const engine = await ensurePulumi({ ...options, build: () => Promise.resolve({ bin: "/built" }) });
      assert.equal(engine.source, "built");
      assert.equal(requests.length, 0);
    });
  });
});

describe("the official layout", () => {
  it("names archives and checksum files as they are published", () => {
    assert.deepEqual(cliRelease("3.215.0", { platform: "darwin", arch: "arm64" })?.places, [
      {
        archive: "https://get.pulumi.com/releases/sdk/pulumi-v3.215.0-darwin-arm64.tar.gz",
        checksums: "https://get.pulumi.com/releases/sdk/pulumi-3.215.0-checksums.txt",
      },
      {
        archive:
          "https://github.com/pulumi/pulumi/releases/download/v3.215.0/pulumi-v3.215.0-darwin-arm64.tar.gz",
        checksums: "https://github.com/pulumi/pulumi/releases/download/v3.215.0/pulumi-3.215.0-checksums.txt",
      },
    ]);
    assert.deepEqual(pluginRelease("kubernetes", "4.25.0", machine)?.places, [
      {
        archive:
          "https://get.pulumi.com/releases/plugins/pulumi-resource-kubernetes-v4.25.0-linux-amd64.tar.gz",
        checksums: "https://get.pulumi.com/releases/plugins/pulumi-kubernetes_4.25.0_checksums.txt",
      },
      {
        archive:
          "https://github.com/pulumi/pulumi-kubernetes/releases/download/v4.25.0/pulumi-resource-kubernetes-v4.25.0-linux-amd64.tar.gz",
        checksums:
          "https://github.com/pulumi/pulumi-kubernetes/releases/download/v4.25.0/pulumi-kubernetes_4.25.0_checksums.txt",
      },
    ]);
  });

  it("asks a mirror only, when one is set", () => {
    const places = pluginRelease(
      "docker",
      "5.2.0",
      machine,
      mirror({ SANDLOT_PULUMI_DOWNLOAD_URL: "https://m.test/p/" }),
    )?.places;
    assert.deepEqual(
      places?.map(({ archive }) => archive),
      ["https://m.test/p/releases/plugins/pulumi-resource-docker-v5.2.0-linux-amd64.tar.gz"],
    );
  });

  it("refuses a mirror that is no web address", () => {
    assert.throws(
      () => mirror({ SANDLOT_PULUMI_DOWNLOAD_URL: "mirror.test" }),
      (error) => error instanceof UserError && /"mirror\.test", which is not an http/.test(error.message),
    );
  });

  it("reads checksum files as sha256sum, shasum and goreleaser write them", () => {
    const hex = "c".repeat(64);
    assert.deepEqual(checksumOf(`${hex}  a.tar.gz\n`, "a.tar.gz"), { algorithm: "sha256", hex });
    assert.deepEqual(checksumOf(`${hex} *a.tar.gz\r\n`, "a.tar.gz"), { algorithm: "sha256", hex });
    const short = "D".repeat(40);
    assert.deepEqual(checksumOf(`${short}  ./a.tar.gz`, "a.tar.gz"), {
      algorithm: "sha1",
      hex: short.toLowerCase(),
    });
    assert.equal(checksumOf(`${hex}  xa.tar.gz\n`, "a.tar.gz"), undefined);
    assert.equal(checksumOf("<html>not found</html>", "a.tar.gz"), undefined);
    assert.equal(checksumOf(`abc  a.tar.gz`, "a.tar.gz"), undefined, "no digest of a known length");
  });
});
