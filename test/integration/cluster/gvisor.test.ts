// The check before deployment, in a real cluster: it passed for what is deployed, and fails where a handler is not gVisor.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { BatchV1Api, type V1Job, type V1Pod } from "@kubernetes/client-node";

import { checkJob } from "../../../components/gvisor-runtime/check.js";
import { resolve } from "../../../components/gvisor-runtime/resolve.js";
import { cluster, eventually, kubectl, nameOf, namespace, node, readySandboxes } from "../support/cluster.js";
import { output } from "../support/shell.js";

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

describe("gVisor that is built here", () => {
  /** Of context switches in a second. One that is measured all the time, as gVisor does by itself, has 2,000 and more. */
  const most = 600;

  it("lets a sandbox that does nothing sleep", async function () {
    // An official release tells its date.
    if (/release-\d/.test(await output("docker", ["exec", node, "runsc", "--version"]))) this.skip();
    const [pod] = await readySandboxes(2);
    const sandbox = `sandlot_${nameOf(pod as V1Pod)}_`;
    // All context switches so far of the program that the sandbox's kernel is.
    const look = `for p in /proc/[0-9]*; do case "$(tr '\\0' ' ' <$p/cmdline)" in
      runsc-sandbox*${sandbox}*) cat $p/task/*/status;; esac; done 2>/dev/null | awk '/^voluntary_ctxt/ { n += $2 } END { print n }'`;
    const switches = async (): Promise<number> =>
      Number(await output("docker", ["exec", node, "sh", "-c", look]));
    const seconds = 5;
    // What tests before this one left running has time to end; a probe may come in between.
    const rate = await eventually(
      "a sandbox that sleeps",
      async () => {
        const before = await switches();
        assert.ok(before > 0, "the sandbox's process was found");
        await sleep(seconds * 1000);
        const found = ((await switches()) - before) / seconds;
        assert.ok(found < most, `${found} context switches a second`);
        return found;
      },
      6 * seconds,
    );
    console.log(`      ${rate.toFixed(0)} context switches a second`);
  });
});
