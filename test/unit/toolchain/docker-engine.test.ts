// Finding and starting a docker engine, against programs that play docker and dockerd.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { lacksSysResource } from "../../../toolchain/docker-engine/capability.js";
import {
  complaints,
  daemonEnvironment,
  livingProcess,
  startDaemon,
  startedByUs,
  type DaemonLayout,
} from "../../../toolchain/docker-engine/daemon.js";
import { findEngine } from "../../../toolchain/docker-engine/index.js";
import { UserError } from "../../../toolchain/errors.js";

let scratch: string;

function script(name: string, body: string): string {
  const path = join(scratch, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "sandlot-docker-"));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe("CAP_SYS_RESOURCE", () => {
  it("is read from the bounding set of process 1", () => {
    assert.equal(lacksSysResource("Name:\tinit\nCapBnd:\t000001ffffffffff\n"), false);
    assert.equal(lacksSysResource("Name:\tinit\nCapBnd:\t000001fffeffffff\n"), true);
    assert.equal(lacksSysResource("Name:\tinit\n"), false, "unknown is not missing");
  });
});

describe("finding an engine", () => {
  const names = ["PATH", "DOCKER_HOST", "DOCKER_CONTEXT"] as const;
  let saved: [string, string | undefined][];

  beforeEach(() => {
    saved = names.map((name) => [name, process.env[name]]);
    process.env["PATH"] = `${scratch}:/usr/bin:/bin`;
    delete process.env["DOCKER_HOST"];
    delete process.env["DOCKER_CONTEXT"];
  });

  afterEach(() => {
    for (const [name, value] of saved) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  /** A client: `context` is where its current context leads, `answers` is a shell test of whether an engine answers. */
  function client(
    context: string,
    answers: string,
    complaint = "Cannot connect to the Docker daemon",
  ): string {
    return script(
      "docker",
      `if [ "$1" = context ]; then echo ${context}; exit; fi
       if ${answers}; then echo 27.1.0; else echo "${complaint}" >&2; exit 1; fi`,
    );
  }

  const socket = "unix:///var/run/docker.sock";

  it("takes the one at the default socket, which needs no DOCKER_HOST", async () => {
    const cli = client(socket, "true");
    const engine = await findEngine();
    assert.equal(engine?.host, "");
    assert.equal(engine.cli, cli);
    assert.equal(engine.version, "27.1.0");
  });

  it("takes the one of the client's current context, and names its address", async () => {
    client("unix:///home/u/.colima/docker.sock", "true");
    const engine = await findEngine();
    assert.equal(engine?.host, "unix:///home/u/.colima/docker.sock");
    assert.equal(engine.startedByUs, false);
  });

  it("falls back from a context that leads nowhere to the default socket, and says so by its address", async () => {
    client("unix:///gone.sock", `[ "$DOCKER_HOST" = ${socket} ]`);
    assert.equal((await findEngine())?.host, socket);
  });

  it("does not count a client without an engine", async () => {
    client(socket, "false");
    assert.equal(await findEngine(), undefined);
  });

  it("uses the one at DOCKER_HOST and no other", async () => {
    client(socket, `[ "$DOCKER_HOST" = tcp://build:2375 ]`);
    process.env["DOCKER_HOST"] = "tcp://build:2375";
    assert.equal((await findEngine())?.host, "tcp://build:2375");
  });

  it("names a DOCKER_HOST that leads nowhere, and does not look elsewhere", async () => {
    client(socket, `[ "$DOCKER_HOST" != tcp://gone:2375 ]`);
    process.env["DOCKER_HOST"] = "tcp://gone:2375";
    await assert.rejects(findEngine(), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /^DOCKER_HOST is tcp:\/\/gone:2375, but no docker engine answers there: Cannot connect/,
      );
      assert.match(error.remedy, /unset it/);
      return true;
    });
  });

  it("says how to get at an engine that this user may not talk to", async () => {
    client(socket, "false", "permission denied while trying to connect to the Docker daemon socket");
    await assert.rejects(
      findEngine(),
      (error) => error instanceof UserError && /usermod -aG docker/.test(error.remedy),
    );
  });
});

describe("a daemon started by hand", function () {
  before(function () {
    if (process.platform !== "linux") this.skip();
  });

  function layout(program: string): DaemonLayout {
    const at = (name: string): string => join(scratch, name);
    return {
      program,
      socket: at("sock"),
      pidFile: at("run/docker.pid"),
      containerdPidFile: at("run/containerd.pid"),
      log: at("log/dockerd.log"),
      marker: at("marker/dockerd.pid"),
      args: ["--flag"],
    };
  }

  /** A daemon that refuses to start over a pid file, as the real one does, and lives for as long as a test may take. */
  function daemon(): string {
    return script(
      "dockerd",
      `cd "${scratch}"
       if [ -e run/docker.pid ]; then echo "pid file found" >&2; exit 1; fi
       mkdir -p run; echo $$ > run/docker.pid; echo "started with $*"; echo noise >&2; touch sock
       for i in $(seq 100); do sleep 0.2; done`,
    );
  }

  function cli(): string {
    return script("docker", `[ -e "${scratch}/sock" ] && echo 20.10.24`);
  }

  function end(used: DaemonLayout): void {
    const pid = livingProcess(used.pidFile, "dockerd");
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }

  it("has a session of its own, writes to a file, and is recognised by the next command", async () => {
    const used = layout(daemon());
    try {
      assert.equal(await startDaemon(cli(), used, ["--more"]), "20.10.24");
      const pid = livingProcess(used.pidFile, "dockerd");
      assert.ok(pid !== undefined);
      const session = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3];
      assert.equal(session, String(pid), "a terminal that closes takes its own session's programs with it");
      assert.match(readFileSync(used.log, "utf8"), /started with --flag --more\nnoise/);
      assert.equal(startedByUs(used), true);
    } finally {
      end(used);
    }
  });

  it("starts over pid files of processes that are gone or are others by now", async () => {
    const used = layout(daemon());
    mkdirSync(join(scratch, "run"));
    writeFileSync(used.pidFile, String(process.pid));
    writeFileSync(used.containerdPidFile, String(process.pid));
    try {
      await startDaemon(cli(), used);
      assert.equal(existsSync(used.containerdPidFile), false);
      assert.notEqual(readFileSync(used.pidFile, "utf8").trim(), String(process.pid));
    } finally {
      end(used);
    }
  });

  it("shows the end of its log when it does not come up, at once and not at the end of the patience", async () => {
    const program = script(
      "dockerd",
      `echo 'level=info msg="hello"'; echo 'level=fatal msg="no cgroups"'; exit 3`,
    );
    const used = layout(program);
    const started = performance.now();
    await assert.rejects(startDaemon(cli(), used), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /did not come up: it ended with status 3\n {4}level=fatal msg="no cgroups"$/,
      );
      assert.ok(error.remedy.includes(used.log));
      return true;
    });
    assert.ok(performance.now() - started < 5_000);
    assert.equal(startedByUs(used), false);
  });

  it("says so when there is no daemon to start", async () => {
    const used = layout(join(scratch, "dockerd"));
    await assert.rejects(
      startDaemon(cli(), used),
      (error) => error instanceof UserError && /ENOENT/.test(error.message),
    );
  });

  it("inherits proxies and locale, and neither secrets nor our paths", () => {
    const environment = daemonEnvironment({
      HTTPS_PROXY: "p",
      no_proxy: "n",
      LANG: "C",
      TOKEN: "t",
      PATH: "/mine",
    });
    assert.deepEqual(Object.keys(environment).sort(), ["HOME", "HTTPS_PROXY", "LANG", "PATH", "no_proxy"]);
    assert.match(environment["PATH"] ?? "", /\/usr\/sbin/);
  });

  it("shows what is wrong rather than what is last", () => {
    assert.deepEqual(complaints("level=error a\nlevel=info b\n"), ["level=error a"]);
    assert.deepEqual(complaints("b\n\nc\n"), ["b", "c"]);
  });
});
