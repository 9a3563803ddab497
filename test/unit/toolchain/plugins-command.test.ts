// The command stand-in: what its resource runs, with what, and what comes of it.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { command } from "../../../toolchain/plugins/command/command.js";
import { commandPlugin } from "../../../toolchain/plugins/command/plugin.js";
import * as provider from "../../../toolchain/plugins/provider/provider.js";
import type { Context } from "../../../toolchain/plugins/provider/resource.js";
import { Secret, type Properties } from "../../../toolchain/plugins/provider/values.js";

function context(lines: string[] = [], signal = new AbortController().signal): Context {
  const log = (_severity: string, message: string): void => void lines.push(message);
  return { urn: "urn", name: "logical", signal, log };
}

function create(inputs: Properties, lines?: string[]): Promise<{ id: string; outputs: Properties }> {
  return provider.create(command, inputs, context(lines));
}

describe("command stand-in", () => {
  it("captures both streams without the last newline, and shows them line by line", async () => {
    const lines: string[] = [];
    const { id, outputs } = await create({ create: "printf 'one\\ntwo\\n\\n'; printf grüße >&2" }, lines);
    assert.match(id, /^logical[0-9a-f]{8}$/);
    assert.equal(outputs["stdout"], "one\ntwo\n");
    assert.equal(outputs["stderr"], "grüße");
    assert.deepEqual(lines.toSorted(), ["", "grüße", "one", "two"]);
  });

  it("shows what logging says", async () => {
    const shown = async (logging: string): Promise<string[]> => {
      const lines: string[] = [];
      await create({ create: "echo out; echo err >&2", logging }, lines);
      return lines;
    };
    assert.deepEqual(await shown("stdout"), ["out"]);
    assert.deepEqual(await shown("stderr"), ["err"]);
    assert.deepEqual(await shown("none"), []);
  });

  it("gives environment, standard input, folder and interpreter to the command", async () => {
    const { outputs } = await create({
      create: 'console.log(process.env.GREETING, process.cwd(), require("fs").readFileSync(0, "utf8"))',
      environment: { GREETING: "hello" },
      stdin: "from stdin",
      dir: "/",
      interpreter: [process.execPath, "-e"],
    });
    assert.equal(outputs["stdout"], "hello / from stdin");
  });

  it("does nothing without a create command", async () => {
    const { outputs } = await create({ delete: "true" });
    assert.equal(outputs["stdout"], "");
  });

  it("runs update, else create again, with the former output in the environment", async () => {
    const before = { stdout: "former", stderr: "worse" };
    const run = async (inputs: Properties): Promise<unknown> =>
      (await provider.update(command, "id", before, inputs, context()))["stdout"];
    const echo = 'echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"';
    assert.equal(await run({ create: "echo create", update: echo }), "former/worse");
    assert.equal(await run({ create: echo }), "former/worse");
    assert.equal(await run({ create: echo, addPreviousOutputInEnv: false }), "/");
    assert.equal(await run({ delete: "echo x" }), "former");
  });

  it("runs delete with the outputs, or nothing", async () => {
    const dir = mkdtempSync(join(tmpdir(), "sandlot-command-"));
    try {
      const outputs = {
        delete: 'echo "$PULUMI_COMMAND_STDOUT $A" > gone',
        dir,
        stdout: "was",
        environment: { A: "b" },
      };
      await provider.remove(command, "id", outputs, context());
      assert.equal(readFileSync(join(dir, "gone"), "utf8"), "was b\n");
      await provider.remove(command, "id", { create: "exit 1" }, context());
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("fails with exit status, command and all output", async () => {
    await assert.rejects(create({ create: "echo out; echo err >&2; exit 3" }), (error: Error) => {
      assert.match(error.message, /^exit status 3: running "echo out/);
      assert.match(error.message, /out\n/);
      assert.match(error.message, /err\n/);
      return true;
    });
    await assert.rejects(create({ create: "kill -9 $$" }), /signal: SIGKILL/);
    await assert.rejects(create({ create: "x", interpreter: ["/no/such/program"] }), /ENOENT/);
    await assert.rejects(
      create({ create: "true", dir: "/no/such/folder" }),
      /"\/no\/such\/folder" \(argument dir\) does not exist/,
    );
  });

  it("marks the output secret when any argument is", async () => {
    const { outputs } = await create({
      create: "echo $A",
      environment: { A: new Secret("hidden"), B: "open" },
    });
    assert.deepEqual(outputs["stdout"], new Secret("hidden"));
    assert.deepEqual(outputs["environment"], { A: new Secret("hidden"), B: "open" });
    assert.equal(outputs["create"], "echo $A");
  });

  it("ends a command, with all that it started, when it is interrupted", async () => {
    const dir = mkdtempSync(join(tmpdir(), "sandlot-command-"));
    const controller = new AbortController();
    const lines: string[] = [];
    const create = "(while :; do echo x >> beats; sleep 0.02; done) & echo started; wait";
    const running = provider.create(command, { create, dir }, context(lines, controller.signal));
    while (lines.length === 0) await sleep(20);
    controller.abort(new Error("interrupted"));
    await assert.rejects(running, /^Error: interrupted: running "\(while/);
    const beats = (): number => readFileSync(join(dir, "beats")).length;
    const atEnd = beats();
    await sleep(200);
    assert.equal(beats(), atEnd, "what the command started goes on");
    rmSync(dir, { recursive: true });
  });

  it("offers local.run as a function, and refuses what it does not know", async () => {
    const { functions } = commandPlugin("1.2.1");
    const run = functions["command:local:run"];
    assert.ok(run);
    assert.equal((await run({ command: "echo $A", environment: { A: "b" } }, context()))["stdout"], "b");
    await assert.rejects(
      run({ command: "true", archivePaths: ["*"] }, context()),
      /does not support the argument archivePaths of run/,
    );
    await assert.rejects(run({}, context()), /the argument command is missing/);
  });
});
