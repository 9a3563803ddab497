// The installer's scripts, run for real: a throwaway folder as the node, a local server for downloads and as the API server.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { arch, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const scripts = resolve(__dirname, "../../../components/gvisor-runtime/scripts");
const architecture = arch() === "arm64" ? "aarch64" : "x86_64";
const programs: Readonly<Record<string, string>> = {
  runsc: "#!/bin/sh\necho runsc\n",
  "containerd-shim-runsc-v1": "#!/bin/sh\necho shim\n",
};
const sha512 = (text: string): string => createHash("sha512").update(text).digest("hex");
const checksumsOf = (contents: Readonly<Record<string, string>>): string =>
  Object.entries(contents)
    .map(([name, content]) => `${architecture} ${name} ${sha512(content)}`)
    .join("\n");

/** containerd's configurations, as nodes have them. */
const configurations = {
  "version 2": 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "pause:3"\n',
  "version 2 without an end of line": "version = 2\n[debug]\n  level = 'info'",
  "version 2 with imports":
    'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n[plugins."io.containerd.grpc.v1.cri"]\n',
  "version 3": "version = 3\n[plugins.'io.containerd.cri.v1.images']\n  snapshotter = 'overlayfs'\n",
  "version 3 with imports": "version = 3\nimports = [\n  '/etc/containerd/conf.d/*.toml',\n]\n[debug]\n",
} as const;

describe("the gVisor installer", () => {
  let folder: string;
  let node: string;
  let restarts: string;
  let server: Server;
  let address: string;
  let served: Record<string, string>;
  let asked: string[];
  let api: (request: IncomingMessage, body: string, response: ServerResponse) => void;
  let env: NodeJS.ProcessEnv;
  const children = new Set<ChildProcess>();

  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const path = request.url ?? "";
        asked.push(`${request.method ?? ""} ${path}`);
        if (path.startsWith("/api")) {
          api(request, Buffer.concat(chunks).toString(), response);
          return;
        }
        const content = served[path];
        response.statusCode = content === undefined ? 404 : 200;
        response.end(content);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server.close();
    server.closeAllConnections();
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-gvisor-"));
    node = join(folder, "node");
    restarts = join(folder, "restarts");
    mkdirSync(join(node, "etc/containerd"), { recursive: true });
    mkdirSync(join(node, "opt"));
    writeFileSync(restarts, "");
    served = Object.fromEntries(
      Object.entries(programs).map(([name, content]) => [`/release/${architecture}/${name}`, content]),
    );
    asked = [];
    api = (_, __, response) => response.end("{}");
    env = {
      PATH: process.env["PATH"],
      HOST: node,
      ON_NODE: "",
      FOLDER: "/opt/sandlot/gvisor",
      HANDLER: "runsc",
      PLATFORM: "systrap",
      DOWNLOADS: `${address}/release`,
      CHECKSUMS: checksumsOf(programs),
      LAYOUT: "Standard",
      CONFIG: "/etc/containerd/config.toml",
      RESTART: `echo restarted >>'${restarts}'`,
    };
    // The machine's own containerd, if there is one, is none of the test's business.
    const tools = join(folder, "tools");
    mkdirSync(tools);
    writeFileSync(join(tools, "containerd"), "#!/bin/sh\nexit 0\n");
    chmodSync(join(tools, "containerd"), 0o755);
    env["PATH"] = `${tools}:${env["PATH"] ?? ""}`;
  });

  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    children.clear();
    rmSync(folder, { recursive: true });
  });

  interface Ended {
    code: number | null;
    output: string;
  }

  function start(script: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn("sh", [join(scripts, script), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
    return { child, ended };
  }

  const run = (command: "install" | "remove"): Promise<Ended> => start("install.sh", command).ended;
  const config = (): string => join(node, "etc/containerd/config.toml");
  const restarted = (): number => readFileSync(restarts, "utf8").split("\n").length - 1;
  const installed = (name: string): string => readFileSync(join(node, "opt/sandlot/gvisor", name), "utf8");

  async function succeeds(command: "install" | "remove"): Promise<void> {
    const { code, output } = await run(command);
    assert.equal(code, 0, output);
  }

  /** Everything under the node's root: paths, modes and contents. */
  function everything(): string[] {
    return readdirSync(node, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const content = entry.isFile() ? readFileSync(path, "utf8") : "a folder";
        return `${path} ${statSync(path).mode.toString(8)} ${content}`;
      })
      .sort();
  }

  for (const [title, text] of Object.entries(configurations)) {
    it(`${title}: installs, restarts containerd once, and removal leaves the node as it was`, async () => {
      writeFileSync(config(), text, { mode: 0o640 });
      const before = everything();
      await succeeds("install");
      for (const [name, content] of Object.entries(programs)) assert.equal(installed(name), content);
      assert.equal(statSync(join(node, "opt/sandlot/gvisor/runsc")).mode & 0o777, 0o755);
      assert.match(
        installed("runsc.toml"),
        /^binary_name = "\/opt\/sandlot\/gvisor\/runsc"\n\[runsc_config\]\n/,
      );
      assert.equal(restarted(), 1);
      await succeeds("remove");
      assert.equal(restarted(), 2);
      assert.deepEqual(everything(), before);
    });
  }

  it("tells containerd 2 by a file of its own where it imports some, and leaves its configuration alone", async () => {
    writeFileSync(config(), configurations["version 3 with imports"]);
    await succeeds("install");
    assert.equal(readFileSync(config(), "utf8"), configurations["version 3 with imports"]);
    const dropIn = readFileSync(join(node, "etc/containerd/conf.d/90-sandlot-gvisor.toml"), "utf8");
    assert.match(dropIn, /^version = 3$/m);
    assert.match(dropIn, /^\[plugins\.'io\.containerd\.cri\.v1\.runtime'\.containerd\.runtimes\.'runsc'\]$/m);
    assert.match(dropIn, /^ {2}runtime_path = '\/opt\/sandlot\/gvisor\/containerd-shim-runsc-v1'$/m);
    assert.match(dropIn, /^ {2}ConfigPath = '\/opt\/sandlot\/gvisor\/runsc\.toml'$/m);
  });

  it("uses no file of its own before version 3, which would replace all settings of the plugin", async () => {
    writeFileSync(config(), configurations["version 2 with imports"]);
    await succeeds("install");
    assert.equal(existsSync(join(node, "etc/containerd/conf.d")), false);
    assert.match(
      readFileSync(config(), "utf8"),
      /^\[plugins\.'io\.containerd\.grpc\.v1\.cri'\.containerd\.runtimes\.'runsc'\]$/m,
    );
  });

  it("downloads and restarts nothing where everything is in place", async () => {
    writeFileSync(config(), configurations["version 2"]);
    await succeeds("install");
    const first = everything();
    asked = [];
    await succeeds("install");
    assert.deepEqual(asked, []);
    assert.equal(restarted(), 1);
    assert.deepEqual(everything(), first);
  });

  it("takes over another release without a restart: running sandboxes keep theirs", async () => {
    writeFileSync(config(), configurations["version 2"]);
    await succeeds("install");
    const next = { ...programs, runsc: "#!/bin/sh\necho newer\n" };
    served[`/release/${architecture}/runsc`] = next.runsc;
    env["CHECKSUMS"] = checksumsOf(next);
    env["PLATFORM"] = "kvm";
    await succeeds("install");
    assert.equal(installed("runsc"), next.runsc);
    assert.match(installed("runsc.toml"), /platform = "kvm"/);
    assert.equal(restarted(), 1);
  });

  it("puts nothing in place when a download is not what was pinned", async () => {
    writeFileSync(config(), configurations["version 2"]);
    served[`/release/${architecture}/containerd-shim-runsc-v1`] = "#!/bin/sh\necho evil\n";
    const { code, output } = await run("install");
    assert.equal(code, 1);
    assert.match(
      output,
      /containerd-shim-runsc-v1 is not what was pinned: its SHA-512 is [0-9a-f]{128}, not [0-9a-f]{128}/,
    );
    assert.deepEqual(
      readdirSync(join(node, "opt/sandlot/gvisor")),
      ["placed"],
      "not even the program that was right",
    );
    assert.equal(readFileSync(config(), "utf8"), configurations["version 2"]);
    assert.equal(restarted(), 0);
  });

  it("repairs a program that was changed on the node", async () => {
    writeFileSync(config(), configurations["version 2"]);
    await succeeds("install");
    writeFileSync(join(node, "opt/sandlot/gvisor/runsc"), "something else");
    await succeeds("install");
    assert.equal(installed("runsc"), programs["runsc"]);
  });

  it("says when a download fails, and when an architecture has no checksum", async () => {
    writeFileSync(config(), configurations["version 2"]);
    served = {};
    const failed = await run("install");
    assert.equal(failed.code, 1);
    assert.match(failed.output, /release\/\w+\/runsc cannot be downloaded; check the address/);
    env["CHECKSUMS"] = "riscv64 runsc 00";
    const unknown = await run("install");
    assert.equal(unknown.code, 1);
    assert.match(unknown.output, /no checksum is given for runsc on /);
  });

  for (const [title, text, says] of [
    ["no configuration", undefined, /containerd's configuration is not at \/etc\/containerd\/config\.toml/],
    ["version 1", "[plugins.cri]\n", /has version 1; allowed are 2 and 3/],
    [
      "a handler of somebody else's",
      'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runsc]\n',
      /has the handler runsc already, from somebody else; use mode Preinstalled/,
    ],
  ] as const) {
    it(`refuses a node with ${title}`, async () => {
      if (text !== undefined) writeFileSync(config(), text);
      const { code, output } = await run("install");
      assert.equal(code, 1);
      assert.match(output, says);
      if (text !== undefined) assert.equal(readFileSync(config(), "utf8"), text);
      assert.equal(restarted(), 0);
    });
  }

  it("asks containerd whether it can read the configuration, and puts the former one back if not", async () => {
    writeFileSync(config(), configurations["version 2"]);
    writeFileSync(join(folder, "tools/containerd"), "#!/bin/sh\nexit 1\n");
    const { code, output } = await run("install");
    assert.equal(code, 1);
    assert.match(output, /what was there before was put back/);
    assert.equal(readFileSync(config(), "utf8"), configurations["version 2"]);
  });

  it("puts the former configuration back and restarts again when containerd does not come back", async () => {
    writeFileSync(config(), configurations["version 2"]);
    env["RESTART"] = `echo restarted >>'${restarts}'; ! grep -q runsc '${config()}'`;
    const { code, output } = await run("install");
    assert.equal(code, 1);
    assert.match(output, /containerd does not start with the handler runsc/);
    assert.equal(readFileSync(config(), "utf8"), configurations["version 2"]);
    assert.equal(restarted(), 2);
  });

  it("restarts containerd after having been cut off between configuration and restart", async () => {
    writeFileSync(config(), configurations["version 2"]);
    await succeeds("install");
    writeFileSync(join(node, "opt/sandlot/gvisor/restart-pending"), "");
    await succeeds("install");
    assert.equal(restarted(), 2);
    await succeeds("install");
    assert.equal(restarted(), 2);
  });

  it("moves on with the node's containerd: from a block to a file of its own, and leaves nothing of the block", async () => {
    writeFileSync(config(), configurations["version 2"]);
    await succeeds("install");
    const upgraded = readFileSync(config(), "utf8").replace(
      "version = 2\n",
      'version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
    );
    writeFileSync(config(), upgraded);
    await succeeds("install");
    assert.doesNotMatch(readFileSync(config(), "utf8"), /sandlot/);
    assert.ok(existsSync(join(node, "etc/containerd/conf.d/90-sandlot-gvisor.toml")));
    assert.equal(restarted(), 2);
    await succeeds("remove");
    assert.equal(existsSync(join(node, "opt/sandlot")), false);
    assert.equal(existsSync(join(node, "etc/containerd/conf.d")), false);
  });

  it("removes nothing that is not its own", async () => {
    writeFileSync(config(), configurations["version 2"]);
    await succeeds("install");
    writeFileSync(config(), `${readFileSync(config(), "utf8")}[debug]\n  level = "debug"\n`);
    writeFileSync(join(node, "opt/sandlot/other"), "somebody else's");
    await succeeds("remove");
    assert.equal(
      readFileSync(config(), "utf8"),
      `${configurations["version 2"]}[debug]\n  level = "debug"\n`,
    );
    assert.deepEqual(readdirSync(join(node, "opt/sandlot")), ["other"]);
  });

  it("has nothing to remove where nothing is installed", async () => {
    const before = everything();
    await succeeds("remove");
    assert.deepEqual(everything(), before);
    assert.equal(restarted(), 0);
  });

  describe("on k3s", () => {
    const generated = "/var/lib/rancher/k3s/agent/etc/containerd";
    beforeEach(() => {
      env["LAYOUT"] = "K3s";
      env["CONFIG"] = `${generated}/config.toml`;
      mkdirSync(join(node, generated), { recursive: true });
    });

    for (const [version, name] of [
      ["2", "config.toml.tmpl"],
      ["3", "config-v3.toml.tmpl"],
    ] as const) {
      it(`adds to a template of version ${version}, and makes it where there is none`, async () => {
        writeFileSync(join(node, generated, "config.toml"), `version = ${version}\n`);
        const before = everything();
        await succeeds("install");
        assert.match(
          readFileSync(join(node, generated, name), "utf8"),
          /^\{\{ template "base" \. \}\}\n# >>> sandlot gvisor >>>\n\[plugins/,
        );
        await succeeds("remove");
        assert.deepEqual(everything(), before);
      });
    }

    it("keeps a template of somebody else's as it was", async () => {
      writeFileSync(join(node, generated, "config.toml"), "version = 2\n");
      const own = '{{ template "base" . }}\n[debug]\n  level = "debug"\n';
      writeFileSync(join(node, generated, "config.toml.tmpl"), own);
      await succeeds("install");
      await succeeds("remove");
      assert.equal(readFileSync(join(node, generated, "config.toml.tmpl"), "utf8"), own);
    });

    it("uses the folder that newer releases import from", async () => {
      const imports = `imports = ["${generated}/config-v3.toml.d/*.toml"]`;
      writeFileSync(join(node, generated, "config.toml"), `version = 3\n${imports}\n`);
      await succeeds("install");
      assert.ok(existsSync(join(node, generated, "config-v3.toml.d/90-sandlot-gvisor.toml")));
      assert.equal(existsSync(join(node, generated, "config-v3.toml.tmpl")), false);
    });

    it("does not take its own handler, which k3s copied from the template, for somebody else's", async () => {
      writeFileSync(join(node, generated, "config.toml"), "version = 2\n");
      await succeeds("install");
      const template = readFileSync(join(node, generated, "config.toml.tmpl"), "utf8");
      writeFileSync(
        join(node, generated, "config.toml"),
        template.replace('{{ template "base" . }}', "version = 2"),
      );
      await succeeds("install");
      assert.equal(restarted(), 1);
    });
  });

  describe("the pod that runs it", () => {
    const daemonSet = "/apis/apps/v1/namespaces/sandlot-gvisor/daemonsets/gvisor-installer";
    let patches: unknown[];
    let daemonSetIs: { status: number; body: string };

    beforeEach(() => {
      writeFileSync(config(), configurations["version 2"]);
      const account = join(folder, "account");
      mkdirSync(account);
      writeFileSync(join(account, "token"), "the token");
      writeFileSync(join(account, "ca.crt"), "");
      patches = [];
      daemonSetIs = { status: 200, body: '{"metadata":{"name":"gvisor-installer"}}' };
      api = (request, body, response) => {
        assert.equal(request.headers.authorization, "Bearer the token");
        if (request.method === "PATCH" && request.url === "/api/v1/nodes/node-1") {
          assert.equal(request.headers["content-type"], "application/merge-patch+json");
          patches.push(JSON.parse(body));
          response.end("{}");
          return;
        }
        response.statusCode = request.url === daemonSet ? daemonSetIs.status : 403;
        response.end(daemonSetIs.body);
      };
      Object.assign(env, {
        NODE: "node-1",
        READY_LABEL: "sandlot.dev/gvisor-ready",
        DAEMONSET: "sandlot-gvisor/gvisor-installer",
        API: address,
        ACCOUNT: account,
        READY_FILE: join(folder, "ready"),
      });
    });

    /** Starts the pod's program and waits until it is ready. */
    async function ready(): Promise<{ child: ChildProcess; ended: Promise<Ended> }> {
      const agent = start("agent.sh");
      const end = Date.now() + 15_000;
      while (!existsSync(join(folder, "ready")) && Date.now() < end && agent.child.exitCode === null)
        await sleep(20);
      if (!existsSync(join(folder, "ready"))) {
        agent.child.kill("SIGKILL");
        assert.fail((await agent.ended).output);
      }
      return agent;
    }

    const labelled = (value: string | null) => ({
      metadata: { labels: { "sandlot.dev/gvisor-ready": value } },
    });

    it("labels the node when gVisor is there, and not before", async () => {
      served = {};
      const failed = await start("agent.sh").ended;
      assert.notEqual(failed.code, 0);
      assert.deepEqual(patches, []);
      assert.equal(existsSync(join(folder, "ready")), false);
      for (const [name, content] of Object.entries(programs))
        served[`/release/${architecture}/${name}`] = content;
      const { child, ended } = await ready();
      assert.deepEqual(patches, [labelled("true")]);
      child.kill("SIGTERM");
      await ended;
    });

    for (const [title, is] of [
      ["replaced, drained or evicted", { status: 200, body: '{"metadata":{"name":"gvisor-installer"}}' }],
      ["unable to ask", { status: 403, body: "{}" }],
    ] as const) {
      it(`leaves gVisor on the node when it is ${title}`, async () => {
        daemonSetIs = is;
        const { child, ended } = await ready();
        child.kill("SIGTERM");
        assert.equal((await ended).code, 0);
        assert.equal(installed("runsc"), programs["runsc"]);
        assert.deepEqual(patches, [labelled("true")]);
        assert.equal(restarted(), 1);
      });
    }

    for (const [title, is] of [
      [
        "is being deleted",
        { status: 200, body: '{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}' },
      ],
      ["is gone", { status: 404, body: '{"code":404}' }],
    ] as const) {
      it(`takes the label off first and gVisor then when the DaemonSet ${title}`, async () => {
        const pristine = mkdtempSync(join(folder, "pristine-"));
        cpSync(node, pristine, { recursive: true });
        daemonSetIs = is;
        const { child, ended } = await ready();
        child.kill("SIGTERM");
        const { code, output } = await ended;
        assert.equal(code, 0, output);
        assert.deepEqual(patches, [labelled("true"), labelled(null)]);
        assert.equal(existsSync(join(node, "opt/sandlot")), false);
        assert.equal(readFileSync(config(), "utf8"), configurations["version 2"]);
      });
    }
  });
});

describe("the check that a handler is gVisor", () => {
  it("fails on an ordinary kernel and says which, and what to do", async () => {
    const child = spawn("sh", ["-c", readFileSync(join(scripts, "check.sh"), "utf8")], {
      env: { PATH: process.env["PATH"], SUBJECT: "RuntimeClass gvisor" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 1);
    assert.match(
      output,
      /RuntimeClass gvisor does not run gVisor: this pod is on the kernel "Linux version /,
    );
    assert.match(output, /name the handler or RuntimeClass that is/);
  });
});
