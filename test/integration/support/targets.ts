// Things for sandboxes to try to reach, all made by the test, inside the test's own node: pods, and addresses of the node
// that stand in for the metadata service, for private networks and for the internet.
import { execa } from "execa";

import { kubectl, node } from "./cluster.js";
import { ensureTestbox, loadImage, testboxReference } from "./testbox.js";

export const targetNamespace = "sandlot-test-targets";

/** Addresses given to the node's own loopback device, what each stands in for, and what answers there. */
export const standIns = {
  metadata: "169.254.169.254",
  "private 10.0.0.0/8": "10.201.0.1",
  "private 172.16.0.0/12": "172.31.201.1",
  "private 192.168.0.0/16": "192.168.201.1",
  "carrier-grade NAT": "100.64.201.1",
} as const;

/** A public address, likewise on the node's loopback device only. */
export const internet = "45.90.201.1";

/** The port at which the node answers at every stand-in address. */
export const standInPort = 8099;

const container = (command: string[]) => ({
  name: "c",
  image: testboxReference,
  imagePullPolicy: "Never",
  command,
  resources: {
    requests: { cpu: "10m", memory: "16Mi" },
    limits: { cpu: "200m", memory: "64Mi", "ephemeral-storage": "64Mi" },
  },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    runAsUser: 1000,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
});

const serve = (port: number): string[] => ["httpd", "-f", "-p", String(port), "-h", "/www"];

/** A pod that serves a page or, without a port, only waits to be told what to do. */
export function testPod(
  name: string,
  namespace: string,
  labels: Record<string, string>,
  port?: number,
  hostNetwork = false,
) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { ...labels, "sandlot.dev/test": "true" } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      hostNetwork,
      containers: [container(port === undefined ? ["sleep", "100000"] : serve(port))],
    },
  };
}

/** Makes objects and waits until the pods among them are Ready. */
export async function apply(
  objects: readonly { kind: string; metadata: { name: string; namespace?: string } }[],
): Promise<void> {
  await execa("docker", ["exec", "-i", node, "kubectl", "apply", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
  });
  for (const { kind, metadata } of objects) {
    if (kind !== "Pod") continue;
    const place = ["-n", metadata.namespace ?? "default"];
    const { ok, output } = await kubectl(
      "wait",
      ...place,
      `pod/${metadata.name}`,
      "--for=condition=Ready",
      "--timeout=60s",
    );
    if (!ok) throw new Error(output);
  }
}

/** Gives the node the stand-in addresses and makes the target pods. */
export async function makeTargets(): Promise<void> {
  await loadImage(node, await ensureTestbox());
  for (const address of [...Object.values(standIns), internet]) {
    await execa("docker", ["exec", node, "ip", "address", "replace", `${address}/32`, "dev", "lo"]);
  }
  await apply([
    { apiVersion: "v1", kind: "Namespace", metadata: { name: targetNamespace } } as never,
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "target", namespace: targetNamespace },
      spec: { selector: { app: "target" }, ports: [{ port: 80, targetPort: 8080 }] },
    } as never,
    testPod("target", targetNamespace, { app: "target" }, 8080),
    testPod("anybody", targetNamespace, { app: "anybody" }),
    testPod("node-server", targetNamespace, { app: "node-server" }, standInPort, true),
  ]);
}

/** Takes everything away again. */
export async function removeTargets(): Promise<void> {
  await kubectl("delete", "namespace", targetNamespace, "--ignore-not-found", "--wait=true", "--timeout=60s");
  for (const address of [...Object.values(standIns), internet]) {
    await execa("docker", ["exec", node, "ip", "address", "del", `${address}/32`, "dev", "lo"], {
      reject: false,
    });
  }
}
