// The processes themselves: that they end when they are told to, whatever they wait for.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { resolve } from "node:path";

import { root } from "../docs/documents.js";
import { eventually } from "./house.js";
import { kubeconfig } from "./kubeconfig.js";

describe("a process that waits for its cluster", function () {
  this.timeout(60_000);

  for (const [name, settings] of [
    ["main", { SANDBOX_IMAGE: "example/sandbox:1", PROVISIONER_API_KEY: "0123456789abcdef-key" }],
    ["egress-main", {}],
  ] as const)
    it(`ends when it is told to: ${name}.ts`, async () => {
      // An API server that takes connections and never answers.
      let asked = 0;
      const silent = createServer((socket) => {
        asked += 1;
        socket.on("error", () => undefined);
      }).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      const config = kubeconfig({ server: `https://127.0.0.1:${port}` });
      const program = resolve(root, `provisioner/src/${name}.ts`);
      const child = spawn(process.execPath, ["--import", "tsx", program], {
        ...{ cwd: root, stdio: ["ignore", "inherit", "inherit"] },
        env: { ...process.env, KUBECONFIG_PATH: config.path, K8S_NAMESPACE: "test", ...settings },
      });
      const ended = once(child, "exit");
      try {
        await eventually("it waits for the cluster", () => asked > 0, 30_000);
        child.kill("SIGTERM");
        assert.deepEqual(await ended, [0, null]);
      } finally {
        child.kill("SIGKILL");
        silent.close();
        config.remove();
      }
    });
});
