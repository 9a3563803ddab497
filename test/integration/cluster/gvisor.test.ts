// The check before deployment, in a real cluster: it passed for what is deployed, and fails where a handler is not gVisor.
import assert from "node:assert/strict";

import { BatchV1Api, type V1Job } from "@kubernetes/client-node";

import { checkJob } from "../../../components/gvisor-runtime/check.js";
import { resolve } from "../../../components/gvisor-runtime/resolve.js";
import { cluster, eventually, kubectl, namespace, readySandboxes } from "../support/cluster.js";

const selector = "app.kubernetes.io/component=runtime-check";

describe("the check that sandboxes run in gVisor", () => {
  const className = "sandlot-test-ordinary";
  let image = "";

  before(async () => {
    const [pod] = await readySandboxes(2);
    image = pod?.spec?.containers[0]?.image ?? "";
    const body = { metadata: { name: className }, handler: "runc" };
    await cluster().nodes.createRuntimeClass({ body });
  });

  after(async () => {
    await kubectl("delete", "runtimeclass", className, "--ignore-not-found");
    await kubectl("delete", "job", "-n", namespace, "-l", "sandlot.dev/test=gvisor", "--ignore-not-found");
  });

  it("passed before the sandboxes were deployed", async () => {
    const { items } = await cluster()
      .config.makeApiClient(BatchV1Api)
      .listNamespacedJob({ namespace, labelSelector: selector });
    const [job] = items.filter(({ metadata }) => metadata?.labels?.["sandlot.dev/test"] === undefined);
    assert.equal(job?.status?.succeeded, 1);
    const { items: deployments } = await cluster().apps.listNamespacedDeployment({ namespace });
    const [deployment] = deployments;
    assert.ok(deployment?.metadata?.creationTimestamp && job.status.completionTime);
    assert.ok(job.status.completionTime <= deployment.metadata.creationTimestamp, "it completed first");
  });

  it("fails in a class whose handler is an ordinary runtime, and says so", async () => {
    const settings = resolve("it", {
      runtimeClassName: className,
      handler: "runc",
      check: { namespace, image, serviceAccountName: "sandbox", timeoutSeconds: 60 },
    });
    assert.ok(settings.check);
    const { metadata, spec } = checkJob(settings, {
      ...settings.check,
      namespace,
      image,
      serviceAccountName: "sandbox",
      priorityClassName: undefined,
    });
    const labels = { "sandlot.dev/test": "gvisor" };
    const batch = cluster().config.makeApiClient(BatchV1Api);
    await batch.createNamespacedJob({
      namespace,
      body: { metadata: { name: metadata.name, namespace, labels }, spec } as V1Job,
    });
    await eventually("the Job's failure", async () => {
      const { status } = await batch.readNamespacedJob({ namespace, name: metadata.name });
      return status?.failed === 1;
    });
    const { items } = await cluster().core.listNamespacedPod({
      namespace,
      labelSelector: `job-name=${metadata.name}`,
    });
    const message = items[0]?.status?.containerStatuses?.[0]?.state?.terminated?.message ?? "";
    assert.match(message, new RegExp(`RuntimeClass ${className} \\(handler runc\\) does not run gVisor`));
  });
});
