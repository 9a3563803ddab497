// Pull policies and proxies, with a docker client that only notes what it is asked.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { obtainImage, tryPull } from "../../../toolchain/docker-images.js";

describe("obtaining images", () => {
  let scratch: string;
  let proxy: Server;
  let asked: string[];
  const saved = { https: process.env["https_proxy"], no: process.env["no_proxy"] };

  before((done) => {
    scratch = mkdtempSync(join(tmpdir(), "sandlot-images-"));
    proxy = createServer().on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    proxy.listen(0, "127.0.0.1", done);
  });

  beforeEach(() => {
    asked = [];
    process.env["https_proxy"] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    delete process.env["no_proxy"];
  });

  after(() => {
    restore("https_proxy", saved.https);
    restore("no_proxy", saved.no);
    proxy.close();
    rmSync(scratch, { recursive: true });
  });

  function restore(name: string, value: string | undefined): void {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }

  /** A docker client: has the image or not, and can pull it or not. */
  function docker({ present, pulls }: { present: boolean; pulls: boolean }): {
    cli: string;
    log: () => string;
  } {
    const dir = mkdtempSync(join(scratch, "docker-"));
    const [cli, calls] = [join(dir, "docker"), join(dir, "calls")];
    const code = (ok: boolean): string => (ok ? "0" : "1");
    writeFileSync(
      cli,
      `#!/bin/sh\necho "$1" >> ${calls}\ncase $1 in image) exit ${code(present)};; *) exit ${code(pulls)};; esac\n`,
    );
    chmodSync(cli, 0o755);
    return { cli, log: () => (existsSync(calls) ? readFileSync(calls, "utf8") : "") };
  }

  it("never pulls under Never, and not what is there under IfNotPresent", async () => {
    const has = docker({ present: true, pulls: true });
    assert.equal(await obtainImage(has.cli, "localhost/a:1", "Never"), "present");
    assert.equal(await obtainImage(has.cli, "localhost/a:1"), "present");
    const lacks = docker({ present: false, pulls: true });
    assert.equal(await obtainImage(lacks.cli, "localhost/a:1", "Never"), undefined);
    assert.doesNotMatch(has.log() + lacks.log(), /pull/);
    assert.equal(await obtainImage(lacks.cli, "localhost/a:1"), "pulled");
  });

  it("renews what is there under Always, and uses it as it is where that fails", async () => {
    assert.equal(
      await obtainImage(docker({ present: true, pulls: true }).cli, "localhost/a:1", "Always"),
      "pulled",
    );
    assert.equal(
      await obtainImage(docker({ present: true, pulls: false }).cli, "localhost/a:1", "Always"),
      "present",
    );
    assert.equal(
      await tryPull(docker({ present: false, pulls: false }).cli, "localhost/a:1", "Always"),
      false,
    );
  });

  it("looks for a registry through the proxy of the environment, once", async () => {
    const engine = docker({ present: false, pulls: false });
    assert.equal(await tryPull(engine.cli, "registry.invalid/a:1"), false);
    assert.equal(await tryPull(engine.cli, "registry.invalid/b:1"), false);
    assert.deepEqual(asked, ["registry.invalid:443"]);
  });
});
