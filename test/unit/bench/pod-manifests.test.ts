// The pods that are held against each other: alike where they must be, and of no Service's concern.
import assert from "node:assert/strict";

import { benchLabel, benchPod } from "../../../bench/pod-manifests.js";

const securityContext = { runAsNonRoot: true, runAsUser: 1000 };
const container = {
  name: "sandbox",
  image: "sandlot/sandbox:1",
  imagePullPolicy: "IfNotPresent",
  securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
  resources: { limits: { cpu: "1", memory: "1Gi" } },
};
const template = {
  metadata: { labels: { "app.kubernetes.io/component": "sandbox", "app.kubernetes.io/instance": "sandbox" } },
  spec: {
    runtimeClassName: "gvisor",
    securityContext,
    serviceAccountName: "sandbox",
    containers: [
      {
        ...container,
        startupProbe: { httpGet: { port: 8080 } },
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
      },
    ],
    volumes: [{ name: "tmp", emptyDir: {} }],
  },
};
const place = { namespace: "sandlot", name: "bench-1" };

describe("pods of the benchmarks", () => {
  it("are a sandbox just as it is deployed", () => {
    const { spec } = benchPod("sandbox", template, place);
    assert.deepEqual(spec, { ...template.spec, restartPolicy: "Never" });
  });

  it("are the same without its startup probe", () => {
    const { volumeMounts } = template.spec.containers[0] ?? {};
    const { spec } = benchPod("unprobed", template, place);
    assert.deepEqual(spec, {
      ...template.spec,
      containers: [{ ...container, volumeMounts }],
      restartPolicy: "Never",
    });
  });

  it("are a bare pod under the same security context, limits and runtime, with nothing to wait for", () => {
    const { spec } = benchPod("bare", template, place);
    assert.deepEqual(spec?.containers, [{ ...container, command: ["sleep", "infinity"] }]);
    assert.equal(spec.runtimeClassName, "gvisor");
    assert.deepEqual(spec.securityContext, securityContext);
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.volumes, undefined);
  });

  it("are sandboxes to network policies, and no copies of the Deployment to Services", () => {
    for (const kind of ["sandbox", "unprobed", "bare"] as const) {
      const { metadata } = benchPod(kind, template, place);
      assert.deepEqual(metadata, {
        ...place,
        labels: {
          "app.kubernetes.io/component": "sandbox",
          "app.kubernetes.io/instance": "bench",
          [benchLabel]: kind,
        },
      });
    }
  });

  it("cannot be made of a template without a container", () => {
    assert.throws(() => benchPod("bare", { spec: { containers: [] } }, place), /have no container/);
  });
});
