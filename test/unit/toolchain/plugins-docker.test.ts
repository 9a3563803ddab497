// The pure parts of the docker stand-in: requests, states, addresses, archives, messages.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";

import { registryAuthHeader, registryOf } from "../../../toolchain/plugins/docker/auth.js";
import { createBody, nanoseconds, updateBody } from "../../../toolchain/plugins/docker/containerSpec.js";
import { containerOutputs, type ContainerInspect } from "../../../toolchain/plugins/docker/containerState.js";
import { findEndpoint } from "../../../toolchain/plugins/docker/endpoint.js";
import {
  chooseApiVersion,
  Engine,
  EngineError,
  removeWhenFree,
} from "../../../toolchain/plugins/docker/engine.js";
import { unframe } from "../../../toolchain/plugins/docker/logs.js";
import { networkBody } from "../../../toolchain/plugins/docker/network.js";
import { takenPort } from "../../../toolchain/plugins/docker/portConflict.js";
import { tar } from "../../../toolchain/plugins/docker/tar.js";

const mib = 1024 * 1024;

describe("docker stand-in: a container's request", () => {
  const body = createBody({
    name: "node",
    image: "i",
    hostname: "h",
    command: ["server"],
    entrypoints: ["/k3s"],
    envs: ["A=1"],
    labels: [{ label: "l", value: "v" }],
    ports: [
      { internal: 6443, external: 6444, ip: "127.0.0.1" },
      { internal: 53, protocol: "udp" },
    ],
    volumes: [
      { volumeName: "data", containerPath: "/var/lib" },
      { hostPath: "/src", containerPath: "/dst", readOnly: true, selinuxRelabel: "z" },
      { containerPath: "/anonymous" },
      { fromContainer: "other", readOnly: true },
    ],
    mounts: [{ type: "tmpfs", target: "/t", tmpfsOptions: { sizeBytes: 5 } }],
    networksAdvanced: [{ name: "net", aliases: ["a"], ipv4Address: "10.0.0.2" }, { name: "second" }],
    networkMode: "bridge",
    privileged: true,
    memory: 100,
    memorySwap: -1,
    cpus: "1.5",
    shmSize: 64,
    tmpfs: { "/run": "" },
    hosts: [{ host: "example", ip: "1.2.3.4" }],
    ulimits: [{ name: "nofile", soft: 1, hard: 2 }],
    capabilities: { adds: ["NET_ADMIN"], drops: ["ALL"] },
    devices: [{ hostPath: "/dev/kmsg" }],
    restart: "on-failure",
    maxRetryCount: 3,
    healthcheck: { tests: ["CMD", "x"], interval: "1m30s", timeout: "500ms" },
    cgroupnsMode: "host",
  });
  const host = body["HostConfig"] as Record<string, unknown>;

  it("publishes ports", () => {
    assert.deepEqual(body["ExposedPorts"], { "6443/tcp": {}, "53/udp": {} });
    assert.deepEqual(host["PortBindings"], {
      "6443/tcp": [{ HostIp: "127.0.0.1", HostPort: "6444" }],
      "53/udp": [{ HostIp: "0.0.0.0", HostPort: "" }],
    });
  });

  it("mounts volumes, folders and memory", () => {
    assert.deepEqual(host["Binds"], ["data:/var/lib:rw", "/src:/dst:ro,z"]);
    assert.deepEqual(body["Volumes"], { "/anonymous": {} });
    assert.deepEqual(host["VolumesFrom"], ["other:ro"]);
    assert.deepEqual(host["Mounts"], [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 5 } }]);
    assert.deepEqual(host["Tmpfs"], { "/run": "" });
  });

  it("starts in the first network, which is not also the default one", () => {
    assert.equal(host["NetworkMode"], "net");
    assert.deepEqual(body["NetworkingConfig"], {
      EndpointsConfig: { net: { Aliases: ["a"], IPAMConfig: { IPv4Address: "10.0.0.2" } } },
    });
  });

  it("takes sizes in MiB, CPUs as text, durations as Go writes them", () => {
    assert.equal(host["Memory"], 100 * mib);
    assert.equal(host["MemorySwap"], -1);
    assert.equal(host["ShmSize"], 64 * mib);
    assert.equal(host["NanoCpus"], 1.5e9);
    assert.ok(!("CpuQuota" in host), "Docker takes one way to limit CPU time");
    assert.deepEqual(body["Healthcheck"], {
      Test: ["CMD", "x"],
      Interval: 90e9,
      Timeout: 0.5e9,
      StartPeriod: 0,
      Retries: 0,
    });
    assert.equal(nanoseconds("1h2m3.5s"), 3723.5e9);
  });

  it("passes on isolation", () => {
    assert.equal(host["Privileged"], true);
    assert.deepEqual(host["CapAdd"], ["NET_ADMIN"]);
    assert.deepEqual(host["CapDrop"], ["ALL"]);
    assert.deepEqual(host["Devices"], [
      { PathOnHost: "/dev/kmsg", PathInContainer: "/dev/kmsg", CgroupPermissions: "rwm" },
    ]);
    assert.equal(host["CgroupnsMode"], "host");
    assert.deepEqual(host["ExtraHosts"], ["example:1.2.3.4"]);
    assert.deepEqual(host["RestartPolicy"], { Name: "on-failure", MaximumRetryCount: 3 });
  });

  it("raises the swap limit with the memory limit in an update", () => {
    assert.equal(updateBody({ name: "n", image: "i", memory: 300 })["MemorySwap"], 600 * mib);
    assert.equal(
      updateBody({ name: "n", image: "i", memory: 300, memorySwap: 300 })["MemorySwap"],
      300 * mib,
    );
  });

  it("asks Docker to refuse a second network of the same name", () => {
    assert.equal(networkBody({ name: "n" })["CheckDuplicate"], true);
  });
});

describe("docker stand-in: a container's state", () => {
  const found: ContainerInspect = {
    Id: "id",
    Name: "/node",
    State: { Status: "running", Running: true, Restarting: false, ExitCode: 0 },
    Config: { Image: "i", Hostname: "h", Cmd: ["server"], Env: ["PATH=/bin", "A=1"] },
    HostConfig: {
      RestartPolicy: { Name: "", MaximumRetryCount: 0 },
      Memory: 100 * mib,
      MemorySwap: -1,
      ShmSize: 64 * mib,
    },
    NetworkSettings: {
      Ports: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "32768" }] },
      Networks: { net: { NetworkID: "abc", Gateway: "10.0.0.1", IPAddress: "10.0.0.2", IPPrefixLen: 24 } },
    },
  };

  it("tells networks, the ports that Docker chose, and limits in MiB", () => {
    const outputs = containerOutputs(found, {
      name: "node",
      image: "i",
      envs: ["A=1"],
      ports: [{ internal: 80, ip: "127.0.0.1", protocol: "tcp" }],
      networksAdvanced: [{ name: "abc" }, { name: "gone" }],
    });
    assert.deepEqual(outputs["ports"], [{ internal: 80, external: 32768, ip: "127.0.0.1", protocol: "tcp" }]);
    const [data] = outputs["networkDatas"] as { networkName: string; ipAddress: string }[];
    assert.equal(data?.networkName, "net");
    assert.equal(data.ipAddress, "10.0.0.2");
    assert.equal(outputs["memory"], 100);
    assert.equal(outputs["memorySwap"], -1);
    assert.equal(outputs["restart"], "no");
    assert.deepEqual(outputs["envs"], ["A=1"], "what the image adds is not an argument");
    assert.deepEqual(
      outputs["networksAdvanced"],
      [{ name: "abc" }],
      "a network that it was taken from shows",
    );
    assert.ok(!("exitCode" in outputs));
  });
});

describe("docker stand-in: finding the engine", () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "sandlot-docker-config-"));
    const meta = join(dir, "contexts/meta", createHash("sha256").update("remote").digest("hex"));
    mkdirSync(meta, { recursive: true });
    writeFileSync(
      join(meta, "meta.json"),
      JSON.stringify({ Name: "remote", Endpoints: { docker: { Host: "tcp://10.0.0.1:2375" } } }),
    );
    writeFileSync(
      join(dir, "config.json"),
      JSON.stringify({
        currentContext: "remote",
        auths: { "registry.example": { auth: Buffer.from("me:pass:word").toString("base64") } },
      }),
    );
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });

  it("prefers the provider's host, then DOCKER_HOST, then the CLI's context, then the default socket", () => {
    const env = { DOCKER_CONFIG: dir, DOCKER_HOST: "unix:///from/env.sock" };
    assert.deepEqual(findEndpoint({ host: "unix:///given.sock" }, env).connection, {
      socketPath: "/given.sock",
    });
    assert.deepEqual(findEndpoint({}, env).connection, { socketPath: "/from/env.sock" });
    assert.deepEqual(findEndpoint({}, { DOCKER_CONFIG: dir }).connection, { host: "10.0.0.1", port: 2375 });
    assert.deepEqual(findEndpoint({ context: "remote" }, env).connection, { host: "10.0.0.1", port: 2375 });
    const none = findEndpoint({}, { DOCKER_CONFIG: join(dir, "none") });
    assert.equal(none.origin, "Docker's default");
  });

  it("uses TLS where there are keys, and understands IPv6 and missing ports", () => {
    assert.deepEqual(findEndpoint({ host: "tcp://[::1]", caMaterial: "CA" }, {}).connection, {
      host: "::1",
      port: 2376,
      tls: { ca: "CA" },
    });
    assert.deepEqual(findEndpoint({ host: "tcp://h" }, {}).connection, { host: "h", port: 2375 });
    assert.deepEqual(findEndpoint({ host: "npipe:////./pipe/docker_engine" }, {}).connection, {
      socketPath: "\\\\.\\pipe\\docker_engine",
    });
  });

  for (const host of ["ssh://me@there", "/var/run/docker.sock", "unix://", "tcp://"]) {
    it(`refuses ${host}, with what is allowed`, () => {
      assert.throws(() => findEndpoint({ host }, {}), /allowed: unix:\/\/\/path/);
    });
  }

  it("refuses a context that does not exist", () => {
    assert.throws(
      () => findEndpoint({ context: "lost" }, { DOCKER_CONFIG: dir }),
      /context "lost" .* does not exist/,
    );
  });

  it("finds who to be at a registry", async () => {
    const decoded = async (image: string, configured = {}): Promise<unknown> => {
      const header = await registryAuthHeader(
        image,
        Object.keys(configured).length === 0 ? [] : [configured as never],
        { DOCKER_CONFIG: dir },
      );
      return header === undefined ? undefined : JSON.parse(Buffer.from(header, "base64url").toString());
    };
    assert.deepEqual(await decoded("registry.example/a/b:1"), {
      username: "me",
      password: "pass:word",
      serveraddress: "registry.example",
    });
    assert.equal(await decoded("elsewhere.example/a"), undefined);
    const given = { address: "https://elsewhere.example/v2/", username: "u", password: "p" };
    assert.deepEqual(await decoded("elsewhere.example/a", given), {
      username: "u",
      password: "p",
      serveraddress: "elsewhere.example",
    });
    assert.equal(registryOf("library/busybox"), "https://index.docker.io/v1/");
    assert.equal(registryOf("localhost/x"), "localhost");
  });
});

describe("docker stand-in: talking to the engine", () => {
  it("speaks a version of the API that both know", () => {
    assert.equal(chooseApiVersion({ ApiVersion: "1.41", MinAPIVersion: "1.12" }), "1.41");
    assert.equal(chooseApiVersion({ ApiVersion: "1.52", MinAPIVersion: "1.44" }), "1.48");
    assert.equal(chooseApiVersion({ ApiVersion: "1.60", MinAPIVersion: "1.50" }), "1.50");
    assert.throws(() => chooseApiVersion({ ApiVersion: "1.39" }), /needed is 1\.40/);
  });

  it("tells the engine's own message, and what is not there from what fails", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/version")
        response.end(JSON.stringify({ ApiVersion: "1.41", MinAPIVersion: "1.12" }));
      else {
        response.statusCode = request.url === "/v1.41/missing" ? 404 : 500;
        response.end(JSON.stringify({ message: "the engine's own words" }));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const engine = new Engine(
      findEndpoint({ host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` }, {}),
    );
    try {
      assert.equal(await engine.find("/missing"), undefined);
      await assert.rejects(engine.json("GET", "/broken"), {
        name: "EngineError",
        message: "the engine's own words",
        status: 500,
      });
    } finally {
      server.close();
    }
  });

  it("says where it looked when there is no engine, and what to do", async () => {
    const engine = new Engine(findEndpoint({}, { DOCKER_HOST: "unix:///nowhere.sock" }));
    await assert.rejects(
      engine.json("GET", "/info"),
      /Cannot reach Docker at unix:\/\/\/nowhere\.sock \(DOCKER_HOST\): ENOENT\. Start Docker/,
    );
  });

  it("tries again while something is in use, and takes what is gone for done", async () => {
    const answers = [new EngineError(409, "volume is in use"), new EngineError(404, "no such volume")];
    let calls = 0;
    const work = (): Promise<never> => Promise.reject(answers[calls++] ?? new Error("too often"));
    await removeWhenFree(work, new AbortController().signal, 5000);
    assert.equal(calls, 2);
    await assert.rejects(
      removeWhenFree(() => Promise.reject(new EngineError(409, "in use")), new AbortController().signal, 0),
      /in use/,
    );
  });

  const conflicts: [string, { port: number; protocol: string | undefined } | undefined][] = [
    [
      "driver failed programming external connectivity on endpoint x (abc): Bind for 0.0.0.0:8080 failed: port is already allocated",
      { port: 8080, protocol: undefined },
    ],
    [
      "driver failed programming external connectivity on endpoint x (abc): Error starting userland proxy: listen tcp4 0.0.0.0:6443: bind: address already in use",
      { port: 6443, protocol: "tcp" },
    ],
    ["listen udp [::]:53: bind: address already in use", { port: 53, protocol: "udp" }],
    [
      "failed to bind host port for 0.0.0.0:8081:172.17.0.2:80/tcp: address already in use",
      { port: 8081, protocol: "tcp" },
    ],
    ["failed to bind host port 127.0.0.1:8082/tcp: address already in use", { port: 8082, protocol: "tcp" }],
    ["no such file or directory", undefined],
  ];
  for (const [message, expected] of conflicts) {
    it(`reads the taken port from: ${message.slice(-70)}`, () => {
      assert.deepEqual(takenPort(message), expected);
    });
  }

  it("reads logs out of their frames", () => {
    const frame = (stream: number, text: string): Buffer => {
      const header = Buffer.alloc(8);
      header[0] = stream;
      header.writeUInt32BE(Buffer.byteLength(text), 4);
      return Buffer.concat([header, Buffer.from(text)]);
    };
    assert.equal(unframe(Buffer.concat([frame(1, "out\n"), frame(2, "err ü\n")])).toString(), "out\nerr ü\n");
  });

  it("packs archives that tar can read, long paths too", () => {
    const long = `${"folder/".repeat(20)}file`;
    const archive = tar([
      { name: "etc/a", mode: 0o600, content: Buffer.from("ä") },
      { name: long, mode: 0o644, content: Buffer.alloc(513, "x") },
    ]);
    const listed = spawnSync("tar", ["-tv"], { input: archive, encoding: "utf8" });
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /-rw------- 0\/0\s+2 .* etc\/a/);
    assert.match(listed.stdout, new RegExp(`513 .* ${long}`));
  });
});
