// The shell scripts that @pulumi/command runs, run by the real sh with a `docker` that says what the test wants.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import {
  agentReadyScript,
  findImageScript,
  leaveScript,
  readyScript,
} from "../../../components/k3s-cluster/scripts";
import { fullReference } from "../../../components/node-image/reference";
import { loadScript } from "../../../components/node-image/script";

interface Result {
  code: number;
  stdout: string;
  stderr: string;
  /** Every call of docker, in order. */
  calls: string[];
}

let folder = "";

/** Runs a script with a docker made of the branches of a `case "$*" in`. */
async function run(script: string, cases: string, env: Record<string, string>): Promise<Result> {
  const log = join(folder, "calls");
  writeFileSync(log, "");
  const docker = `#!/bin/sh\nprintf '%s\\n' "$*" >>"${log}"\ncase "$*" in\n${cases}\n*) exit 0 ;;\nesac\n`;
  writeFileSync(join(folder, "docker"), docker, { mode: 0o755 });
  const path = `${folder}${delimiter}${process.env["PATH"] ?? ""}`;
  return new Promise((done) => {
    const child = execFile(
      "/bin/sh",
      ["-c", script],
      { env: { PATH: path, ...env } },
      (_error, stdout, stderr) => {
        const calls = readFileSync(log, "utf8")
          .split("\n")
          .filter((line) => line !== "");
        done({ code: child.exitCode ?? -1, stdout, stderr, calls });
      },
    );
  });
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), "sandlot-scripts-"));
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const kubeconfig = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ZGVmYXVsdA==
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
`;

const agentEnv = { SERVER: "sandlot-dev", NODE: "sandlot-dev-agent-1", TIMEOUT: "1" };

describe("the wait for an agent", () => {
  const started = `*StartedAt*) echo 2026-01-02T03:04:05.123456789Z ;;\n`;
  const running = `*Status*) echo running ;;\n`;
  const heard = (when: string): string => `*renewTime*) echo ${when} ;;\n`;

  it("has the old password forgotten, and ends when the node is Ready", async () => {
    const { code, calls } = await run(agentReadyScript, started + heard("2026-01-02T03:04:06.5Z"), agentEnv);
    assert.equal(code, 0);
    assert.match(calls[0] ?? "", /delete secret sandlot-dev-agent-1\.node-password\.k3s --ignore-not-found/);
    assert.match(calls.at(-1) ?? "", /wait --for=condition=Ready node\/sandlot-dev-agent-1/);
  });

  for (const [what, when] of [
    ["by the container before it", "2026-01-02T03:04:04.9Z"],
    ["by none", ""],
  ] as const) {
    it(`does not take a node for Ready that was last said to be so ${what}`, async () => {
      const { code, stderr, calls } = await run(agentReadyScript, started + running + heard(when), agentEnv);
      assert.equal(code, 1);
      assert.match(stderr, /sandlot-dev-agent-1.* did not become Ready within 1 seconds/);
      assert.match(stderr, /last heard of at .*before its container started/);
      assert.ok(!calls.some((call) => call.includes("wait")), calls.join("\n"));
    });
  }

  it("gives up on a container that does not run", async () => {
    const exited = `*Status*) echo exited ;;\n`;
    const { code, stderr } = await run(agentReadyScript, started + exited + heard(""), agentEnv);
    assert.equal(code, 1);
    assert.match(stderr, /whose container is exited/);
  });
});

describe("an agent's leave", () => {
  const up = `*"State.Running"*) echo true ;;\n`;
  const there = `*"get node"*) echo node/sandlot-dev-agent-1 ;;\n`;
  const of = (calls: string[], verb: string): boolean => calls.some((call) => call.includes(verb));

  it("drains the node, then has it forgotten", async () => {
    const { code, calls } = await run(leaveScript, up + there, agentEnv);
    assert.equal(code, 0);
    const verbs = calls.flatMap((call) => /(drain|delete node|delete secret)/.exec(call)?.[0] ?? []);
    assert.deepEqual(verbs, ["drain", "delete node", "delete secret"]);
  });

  it("stays when pods cannot move, and says why and what helps", async () => {
    const { code, calls, stderr } = await run(leaveScript, `${up}${there}*drain*) exit 1 ;;\n`, agentEnv);
    assert.equal(code, 1);
    assert.ok(of(calls, "uncordon") && !of(calls, "delete node"), calls.join("\n"));
    assert.match(stderr, /disruption budget.*docker stop sandlot-dev-agent-1/s);
  });

  it("has no pods to move from a container that does not run", async () => {
    const cases = `*"State.Running"*agent-1) echo false ;;\n${up}${there}`;
    const { code, calls } = await run(leaveScript, cases, agentEnv);
    assert.equal(code, 0);
    assert.ok(!of(calls, "drain") && of(calls, "delete node"), calls.join("\n"));
  });

  it("has nothing to do without a server or without the node", async () => {
    for (const cases of [`*"State.Running"*) echo false ;;\n`, `${up}*"get node"*) ;;\n`]) {
      const { code, calls } = await run(leaveScript, cases, agentEnv);
      assert.equal(code, 0);
      assert.ok(!of(calls, "drain") && !of(calls, "delete"), calls.join("\n"));
    }
  });
});

describe("the wait for a node", () => {
  const env = { NODE: "sandlot-dev", SERVER: "https://127.0.0.1:7443", TIMEOUT: "5" };
  const running = `"inspect "*) echo running ;;\n`;

  it("prints the kubeconfig for this host, its names made the node's, and nothing else", async () => {
    const { code, stdout } = await run(readyScript, `*" cat "*) printf '%s' '${kubeconfig}' ;;`, env);
    assert.equal(code, 0);
    assert.match(stdout, /server: https:\/\/127\.0\.0\.1:7443\n/);
    assert.match(stdout, /^current-context: sandlot-dev$/m);
    assert.match(stdout, /^ {4}cluster: sandlot-dev$/m);
    assert.match(stdout, /certificate-authority-data: ZGVmYXVsdA==/);
    assert.doesNotMatch(stdout, /: default$/m);
  });

  it("asks again until the API and then the node are there", async () => {
    const twice = (name: string) =>
      `if [ -e "${folder}/${name}" ]; then exit 0; else : >"${folder}/${name}"; exit 1; fi ;;`;
    const cases = `*" get --raw /readyz") ${twice("api")}\n*" wait "*) ${twice("node")}\n*" cat "*) echo x ;;\n${running}`;
    const { code, calls } = await run(readyScript, cases, env);
    assert.equal(code, 0);
    assert.equal(calls.filter((call) => call.includes("/readyz")).length, 2);
    assert.equal(calls.filter((call) => call.includes("node/sandlot-dev")).length, 2);
    const forgot = calls.findIndex((call) => call.includes("delete secret sandlot-dev.node-password.k3s"));
    assert.ok(
      forgot > calls.findLastIndex((call) => call.includes("/readyz")),
      "the old node's password is forgotten",
    );
  });

  it("gives up at once when the container does not run, and shows its log", async () => {
    const cases = `*"/readyz") echo refused; exit 1 ;;\n"inspect "*) echo exited ;;\n"logs "*) echo the reason ;;`;
    const { code, stderr, stdout } = await run(readyScript, cases, env);
    assert.equal(code, 1);
    assert.match(stderr, /container sandlot-dev does not run: it is exited/);
    assert.match(stderr, /the reason/);
    assert.equal(stdout, "");
  });

  it("gives up when time is over, and says what to change", async () => {
    const cases = `*"/readyz") echo refused; exit 1 ;;\n${running}`;
    const { code, stderr } = await run(readyScript, cases, { ...env, TIMEOUT: "0" });
    assert.equal(code, 1);
    assert.match(stderr, /did not answer within 0 seconds \(readyTimeoutSeconds\)/);
    assert.match(stderr, /Last answer: refused/);
  });

  it("fails when the kubeconfig cannot be read", async () => {
    assert.notEqual((await run(readyScript, `*" cat "*) exit 1 ;;`, env)).code, 0);
  });
});

describe("an image that must be there", () => {
  it("is named by its id, or missed with a way out", async () => {
    assert.equal(
      (await run(findImageScript, `*) echo sha256:1 ;;`, { IMAGE: "k3s:1" })).stdout,
      "sha256:1\n",
    );
    const { code, stderr } = await run(findImageScript, `"image inspect "*) exit 1 ;;`, { IMAGE: "k3s:1" });
    assert.equal(code, 1);
    assert.match(stderr, /k3s:1 is not in the Docker engine.*docker pull/);
  });
});

describe("loading an image into the node", () => {
  const env = { IMAGE: "sandlot/sandbox:1", REFERENCE: "docker.io/sandlot/sandbox:1", NODE: "sandlot-dev" };
  const id = `"image inspect --format"*) echo sha256:abc ;;\n`;
  const importing = (call: string) => call.includes("images import -");

  it("saves it, imports it, and notes what it was", async () => {
    const { code, stdout, calls } = await run(loadScript, `${id}*" import -") cat >/dev/null ;;`, env);
    assert.equal(code, 0);
    assert.equal(stdout, "sha256:abc\n");
    assert.ok(calls.some(importing));
    assert.ok(
      calls.some((call) =>
        call.endsWith("images label docker.io/sandlot/sandbox:1 sandlot.dev/id=sha256:abc"),
      ),
    );
  });

  it("does nothing when the same image is there", async () => {
    const there = `*" images ls "*) echo "docker.io/sandlot/sandbox:1 a,sandlot.dev/id=sha256:abc" ;;`;
    const { code, calls } = await run(loadScript, id + there, env);
    assert.equal(code, 0);
    assert.ok(!calls.some(importing));
  });

  it("loads anew when another image of that name is there", async () => {
    const other = `*" images ls "*) echo "docker.io/sandlot/sandbox:1 sandlot.dev/id=sha256:old" ;;\n*" import -") cat >/dev/null ;;`;
    assert.ok((await run(loadScript, id + other, env)).calls.some(importing));
  });

  it("fails when the save fails, though the import does not", async () => {
    const { code, stderr } = await run(
      loadScript,
      `${id}"save "*) exit 1 ;;\n*" import -") cat >/dev/null ;;`,
      env,
    );
    assert.equal(code, 1);
    assert.match(stderr, /docker save sandlot\/sandbox:1 failed/);
  });

  it("fails when the import fails", async () => {
    const { code, calls } = await run(loadScript, `${id}*" import -") cat >/dev/null; exit 1 ;;`, env);
    assert.notEqual(code, 0);
    assert.ok(!calls.some((call) => call.includes(" label ")), "it is not noted as loaded");
  });

  it("says how to get an image that is not there and cannot be made", async () => {
    const { code, stderr } = await run(loadScript, `"image inspect "*) exit 1 ;;`, env);
    assert.equal(code, 1);
    assert.match(stderr, /docker pull sandlot\/sandbox:1/);
  });

  it("makes an image that is not there, once", async () => {
    const made = join(folder, "made");
    const cases = `"image inspect --format"*) echo sha256:abc ;;\n"image inspect "*) [ -e "${made}" ] ;;\n*" import -") cat >/dev/null ;;`;
    const build = `echo building; echo >>"${made}"`;
    const { code, stdout } = await run(loadScript, cases, { ...env, BUILD: build });
    assert.equal(code, 0);
    assert.equal(stdout, "sha256:abc\n", "what the build says is not taken for the id");
    await run(loadScript, cases, { ...env, BUILD: build });
    assert.equal(readFileSync(made, "utf8"), "\n");
  });

  it("fails when the image cannot be made", async () => {
    const { code, calls } = await run(loadScript, `"image inspect "*) exit 1 ;;`, {
      ...env,
      BUILD: "exit 3",
    });
    assert.equal(code, 3);
    assert.ok(!calls.some(importing));
  });
});

describe("fullReference", () => {
  const references: [string, string][] = [
    ["sandbox:1", "docker.io/library/sandbox:1"],
    ["sandlot/sandbox:1", "docker.io/sandlot/sandbox:1"],
    ["localhost/sandbox:1", "localhost/sandbox:1"],
    ["localhost:5000/sandbox:1", "localhost:5000/sandbox:1"],
    ["registry.example.com/a/b:1", "registry.example.com/a/b:1"],
  ];
  for (const [image, full] of references) {
    it(`${image} is ${full}`, () => {
      assert.equal(fullReference(image), full);
    });
  }
});
