// The stand-ins for the docker and command plugins, under the real engine and on a real Docker: a program goes through
// its whole life. Names and ports are this test's own.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";

import { goEnvironment, quickCompile } from "../../toolchain/go.js";
import { makePluginProject, run, type PluginProject } from "./support/plugin-project.js";

const prefix = `sandlot-plugins-${process.pid}`;
const image = `${prefix}:1`;

/** A program for containers: waits for its end, ends at once, or answers a health check. */
const goProgram = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	switch os.Args[1] {
	case "exit":
		fmt.Println("leaving early")
		os.Exit(3)
	case "check":
		_, err := os.Stat("/data")
		if err != nil {
			os.Exit(1)
		}
	case "show":
		text, _ := os.ReadFile("/etc/note")
		fmt.Print(string(text))
	default:
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		<-c
	}
}
`;

/** The resources that most tests go through. */
function platform({ memory = 64, label = "one", port = 0, extra = "" }): string {
  return `
const name = ${JSON.stringify(prefix)};
// By this a later run finds what one that was cut off has left: see commands/support/test-remains.ts.
const remains = { label: "sandlot.dev/stack", value: "test-node" };
const network = new docker.Network("network", { name, labels: [remains] });
const volume = new docker.Volume("volume", { name, labels: [remains] });
const image = new docker.RemoteImage("image", { name: ${JSON.stringify(image)}, keepLocally: true });
const container = new docker.Container("container", {
  name,
  image: image.imageId,
  hostname: "node",
  command: ["/tool", "wait"],
  envs: ["PLAIN=1", pulumi.secret("TOKEN=container-secret")],
  labels: [remains, { label: "which", value: ${JSON.stringify(label)} }],
  networksAdvanced: [{ name: network.name, aliases: ["alias"] }],
  volumes: [{ volumeName: volume.name, containerPath: "/data" }],
  uploads: [{ file: "/etc/note", content: "uploaded\\n" }],
  ports: [{ internal: 8080, ip: "127.0.0.1"${port === 0 ? "" : `, external: ${port}`} }],
  memory: ${memory},
  restart: "unless-stopped",
  destroyGraceSeconds: 2,
  healthcheck: { tests: ["CMD", "/tool", "check"], interval: "200ms" },
  wait: true,
});
const echo = new command.local.Command("echo", {
  create: "echo token is $TOKEN; echo to-stderr >&2",
  delete: "echo deleted >> deleted.txt",
  environment: { TOKEN: pulumi.secret("command-secret"), ID: container.id },
  logging: "none",
});
const address = new command.local.Command("address", {
  create: pulumi.interpolate\`echo \${container.networkDatas[0].ipAddress}\`,
  triggers: [container.id],
});
exports.container = container.id;
exports.ports = container.ports;
exports.networkData = container.networkDatas[0];
exports.echo = echo.stdout;
exports.address = address.stdout;
exports.mountpoint = volume.mountpoint;
${extra}
`;
}

describe("plugin stand-ins, with the engine and Docker", function () {
  this.timeout(180_000);
  let project: PluginProject;

  before(async () => {
    project = await makePluginProject();
    await importImage(project);
  });

  after(async () => {
    await project.pulumi("destroy", "--yes", "--skip-preview");
    await project.docker("rm", "-f", "-v", prefix, `${prefix}-attached`);
    await project.docker("rmi", "-f", image);
    project.remove();
  });

  it("previews a first deployment: all known that can be known", async () => {
    project.program(platform({}));
    const output = await project.must("preview", "--diff");
    assert.match(output, /7 to create|\+ 7/);
    assert.doesNotMatch(output, /container-secret|command-secret/);
  });

  it("makes everything, with the outputs of the official providers", async () => {
    await project.must("up", "--yes", "--skip-preview");
    const outputs = await project.outputs();
    const [port] = outputs["ports"] as { internal: number; external: number; ip: string; protocol: string }[];
    assert.ok(port);
    assert.equal(port.internal, 8080);
    assert.ok(port.external > 1024, "Docker's choice of port is told");
    const data = outputs["networkData"] as { networkName: string; ipAddress: string; gateway: string };
    assert.equal(data.networkName, prefix);
    assert.equal(outputs["address"], data.ipAddress);
    assert.match(data.gateway, /^\d+\.\d+\.\d+\.1$/);
    assert.equal(outputs["echo"], "token is command-secret");
    assert.match(outputs["mountpoint"] as string, new RegExp(prefix));
    const shown = await project.docker("exec", prefix, "/tool", "show");
    assert.equal(shown.output, "uploaded");
  });

  it("keeps no secret in the clear in the state, nor what derives from one", () => {
    const state = project.state();
    assert.doesNotMatch(state, /container-secret|command-secret/);
    assert.match(state, /to-stderr|ciphertext/);
  });

  it("sees no change in a second preview and a second update", async () => {
    assert.deepEqual(await project.previewed(), { same: 7 });
    assert.match(await project.must("up", "--yes", "--skip-preview"), /7 unchanged/);
  });

  it("updates limits in place", async () => {
    const before = (await project.outputs())["container"];
    project.program(platform({ memory: 256 }));
    assert.deepEqual(await project.previewed(), { same: 6, update: 1 });
    await project.must("up", "--yes", "--skip-preview");
    assert.equal((await project.outputs())["container"], before);
    const { output } = await project.docker("inspect", "--format", "{{.HostConfig.Memory}}", prefix);
    assert.equal(Number(output), 256 * 1024 * 1024);
  });

  it("replaces a container whose label changes, and what hangs on it", async () => {
    const before = (await project.outputs())["container"];
    project.program(platform({ memory: 256, label: "two" }));
    const preview = await project.must("preview", "--diff");
    assert.match(preview, /labels/);
    await project.must("up", "--yes", "--skip-preview");
    assert.notEqual((await project.outputs())["container"], before);
    assert.deepEqual(await project.previewed(), { same: 7 });
  });

  it("finds on refresh what was changed by hand, and mends it", async () => {
    await project.docker("update", "--memory", "128m", "--memory-swap", "256m", prefix);
    await project.docker("stop", "-t", "1", prefix);
    await project.must("refresh", "--yes", "--skip-preview");
    const preview = await project.must("preview", "--diff");
    assert.match(preview, /~ docker:index\/container:Container: \(update\)/);
    assert.match(preview, /~ memory *: 128 => 256/);
    assert.match(preview, /~ mustRun *: false => true/);
    await project.must("up", "--yes", "--skip-preview");
    const { output } = await project.docker(
      "inspect",
      "--format",
      "{{.State.Running}} {{.HostConfig.Memory}}",
      prefix,
    );
    assert.equal(output, `true ${256 * 1024 * 1024}`);
    assert.deepEqual(await project.previewed(), { same: 7 });
  });

  it("finds on refresh what was removed by hand, and makes it again", async () => {
    await project.docker("rm", "-f", "-v", prefix);
    await project.docker("network", "rm", prefix);
    await project.must("refresh", "--yes", "--skip-preview");
    assert.equal((await project.previewed())["create"], 2);
    await project.must("up", "--yes", "--skip-preview");
    assert.deepEqual(await project.previewed(), { same: 7 });
  });

  it("says clearly what went wrong, and leaves nothing half made behind", async () => {
    const blocker = await listen();
    const { port } = blocker.address() as AddressInfo;
    const [own] = (await project.outputs())["ports"] as { external: number }[];
    const external = own?.external ?? 0;
    const extra = `
${otherContainer("blocked", `ports: [{ internal: 1, external: ${port} }]`)}
${otherContainer("twice", `ports: [{ internal: 1, external: ${external}, ip: "127.0.0.1" }]`)}
${otherContainer("ends", 'command: ["/tool", "exit"]')}
new docker.RemoteImage("absent", { name: "localhost:1/absent:1" });
const nowhere = new docker.Provider("nowhere", { host: "unix:///nowhere/docker.sock" });
new docker.Volume("unreachable", { name: name + "-unreachable" }, { provider: nowhere });
new docker.Network("again", { name }, { dependsOn: network });
new command.local.Command("fails", {
  create: "echo before; echo reason: $TOKEN >&2; exit 7",
  environment: { TOKEN: pulumi.secret("leaked-secret") },
});`;
    project.program(platform({ memory: 256, label: "two", extra }));
    const { exitCode, output } = await project.pulumi("up", "--yes", "--skip-preview", "--continue-on-error");
    blocker.close();
    assert.notEqual(exitCode, 0);
    assert.match(output, new RegExp(`port ${port}/tcp of the host is taken by another program`));
    assert.match(output, new RegExp(`port ${external}/tcp of the host is taken by the container ${prefix}`));
    assert.match(output, /ends must run, but is exited with code 3[^]*leaving early/);
    assert.match(output, /image localhost:1\/absent:1 is not present and cannot be pulled/);
    assert.match(
      output,
      /Cannot reach Docker at unix:\/\/\/nowhere\/docker\.sock \(the provider's host\): ENOENT/,
    );
    assert.match(output, new RegExp(`A network named ${prefix} exists already`));
    assert.match(output, /exit status 7: running "echo before/);
    assert.match(output, /reason: \[secret\]/);
    assert.doesNotMatch(output, /leaked-secret/);
    for (const name of ["blocked", "twice", "ends"]) await absent(project, `${prefix}-${name}`);
  });

  it("attaches to a container that is meant to end, imports by id, runs commands again", async () => {
    const extra = (create: string, trigger: string): string => `
${otherContainer("attached", 'command: ["/tool", "exit"], mustRun: false, attach: true, logs: true')}
new docker.Volume("found", { name: name + "-found", labels: [{ label: "kept", value: "yes" }] }, { import: name + "-found" });
const again = new command.local.Command("again", {
  create: ${JSON.stringify(create)} + "; printf never%s shown >&2",
  triggers: [${JSON.stringify(trigger)}],
  logging: "stdout",
}, { additionalSecretOutputs: ["stderr"] });
exports.logs = other.containerLogs;
exports.exitCode = other.exitCode;
exports.again = again.stdout;`;
    const up = async (create: string, trigger: string): Promise<Record<string, unknown>> => {
      project.program(platform({ memory: 256, label: "two", extra: extra(create, trigger) }));
      await project.must("up", "--yes", "--skip-preview");
      return project.outputs();
    };
    await project.docker("volume", "create", "--label", "kept=yes", `${prefix}-found`);
    const first = await up("echo first", "a");
    assert.equal(first["logs"], "leaving early\n");
    assert.equal(first["exitCode"], 3);
    assert.equal(first["again"], "first");
    assert.deepEqual(await project.previewed(), { same: 10 });
    const second = await up("echo second after $PULUMI_COMMAND_STDOUT", "a");
    assert.equal(second["again"], "second after first");
    const third = await up("echo third after $PULUMI_COMMAND_STDOUT.", "b");
    assert.equal(third["again"], "third after .");
    assert.doesNotMatch(project.state(), /nevershown/, "additionalSecretOutputs");
  });

  it("refuses an argument that it does not support, by name", async () => {
    project.program(
      platform({
        memory: 256,
        label: "two",
        extra: otherContainer("refused", 'gpus: "all", ports: [{ internal: 99999 }]'),
      }),
    );
    const { exitCode, output } = await project.pulumi("preview");
    assert.notEqual(exitCode, 0);
    assert.match(output, /stand-in for the docker plugin does not support the argument gpus of Container/);
    assert.match(output, /ports\[0\]\.internal is 99999; allowed: a whole number from 0 to 65535/);
  });

  it("destroys everything, running the commands' own ends", async () => {
    await project.must("destroy", "--yes", "--skip-preview");
    for (const kind of ["container", "volume", "network"]) await absent(project, prefix, kind);
    await absent(project, `${prefix}-found`, "volume");
    assert.match(readFileSync(join(project.dir, "deleted.txt"), "utf8"), /^deleted/);
    const kept = await project.docker("image", "inspect", image);
    assert.equal(kept.exitCode, 0, "keepLocally keeps the image");
  });
});

/** One more container in the program, with a name of its own. */
function otherContainer(name: string, args: string): string {
  const fixed = `name: name + "-${name}", image: image.imageId, command: ["/tool", "wait"]`;
  return `const ${name === "attached" ? "other" : name} = new docker.Container("${name}", { ${fixed}, ${args} });`;
}

/** A container image with one static program in it. */
async function importImage(project: PluginProject): Promise<void> {
  const dir = join(project.dir, "image");
  mkdirSync(dir);
  writeFileSync(join(dir, "main.go"), goProgram);
  // As everything is built, so that the standard library is compiled once for all.
  const args = ["build", "-trimpath", ...quickCompile, "-o", "tool", "main.go"];
  const built = await run("go", args, dir, goEnvironment());
  assert.equal(built.exitCode, 0, built.output);
  mkdirSync(join(dir, "etc"));
  const packed = await run("tar", ["-cf", "image.tar", "tool", "etc"], dir);
  assert.equal(packed.exitCode, 0, packed.output);
  const imported = await project.docker("import", join(dir, "image.tar"), image);
  assert.equal(imported.exitCode, 0, imported.output);
}

async function listen(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "0.0.0.0", resolve);
  });
  return server;
}

async function absent(project: PluginProject, name: string, kind = "container"): Promise<void> {
  const { exitCode, output } = await project.docker(kind, "inspect", name);
  assert.notEqual(exitCode, 0, `the ${kind} ${name} is still there: ${output}`);
}
