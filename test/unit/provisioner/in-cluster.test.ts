// The way to the API server without a kubeconfig: what Kubernetes mounts into the pod.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { clusterServer, podAccount } from "../../../provisioner/src/kubernetes/in-cluster.js";

describe("a provisioner in a pod of its cluster", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-account-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text);
  };

  it("finds the API server by the variables of every container, and nothing elsewhere", () => {
    const server = (host: string, port?: string) =>
      clusterServer({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port });
    assert.equal(server("10.43.0.1", "6443"), "https://10.43.0.1:6443");
    assert.equal(server("fd00::1", "443"), "https://[fd00::1]:443");
    assert.equal(server("10.43.0.1"), "https://10.43.0.1:443");
    assert.equal(clusterServer({}), undefined);
  });

  it("shows the token that is there now: the kubelet renews it", async () => {
    write("ca.crt", "authority");
    write("token", "first\n");
    const { ca, headers } = podAccount(folder);
    assert.equal(ca.toString(), "authority");
    assert.deepEqual(await headers(), { authorization: "Bearer first" });
    write("token", "second");
    assert.deepEqual(await headers(), { authorization: "Bearer second" });
  });

  it("says what to do where the pod has no account, or half of one", () => {
    const told = { name: "SettingsError", message: /automountServiceAccountToken|KUBECONFIG_PATH/ };
    assert.throws(() => podAccount(folder), told);
    write("token", "one");
    assert.throws(() => podAccount(folder), told);
  });
});
