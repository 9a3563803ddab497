// What SkillsStorage and UserDataStorage register for each kind of volume.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import {
  SandboxPlatform,
  SkillsSource,
  SkillsStorage,
  UserDataSource,
  UserDataStorage,
  type SkillsStorageOptions,
  type SandboxPlatformArgs,
  type UserDataStorageOptions,
} from "@sandlot/components";

import { record, recordFailure, type Graph, type Plain } from "../support/graph";

function withProvider(program: (opts: pulumi.ComponentResourceOptions) => unknown): Promise<Graph> {
  return record(() => program({ provider: new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" }) }));
}

const skills = (options: SkillsStorageOptions) =>
  withProvider((opts) => new SkillsStorage("skills", { ...options, namespace: "sandlot" }, opts));
const userData = (options: UserDataStorageOptions) =>
  withProvider((opts) => new UserDataStorage("data", { ...options, namespace: "sandlot" }, opts));
const spec = (graph: Graph, name: string) => graph.get(name).inputs["spec"] as Record<string, Plain>;
const metadata = (graph: Graph, name: string) =>
  graph.get(name).inputs["metadata"] as { name: string; namespace?: string };

interface CronJob {
  schedule: string;
  timeZone: string;
  concurrencyPolicy: string;
  jobTemplate: {
    spec: {
      backoffLimit: number;
      template: {
        metadata: { labels: Record<string, string> };
        spec: {
          serviceAccountName: string;
          automountServiceAccountToken: boolean;
          priorityClassName: string;
          nodeSelector: object;
          securityContext: object;
          containers: { image: string; command: string[]; securityContext: object; volumeMounts: object[] }[];
          volumes: object[];
        };
      };
    };
  };
}

/** Volume and claim are pinned to each other, and made in that order, by the given provider. */
function assertPinned(graph: Graph, name: string): void {
  const [volume, claim] = [`${name}-volume`, `${name}-claim`];
  assert.deepEqual(spec(graph, volume)["claimRef"], {
    namespace: "sandlot",
    name: metadata(graph, claim).name,
  });
  assert.equal(spec(graph, claim)["volumeName"], metadata(graph, volume).name);
  assert.equal(spec(graph, claim)["storageClassName"], spec(graph, volume)["storageClassName"]);
  assert.deepEqual(spec(graph, claim)["accessModes"], spec(graph, volume)["accessModes"]);
  assert.ok(graph.comesAfter(graph.get(claim), graph.get(volume)));
  for (const each of [volume, claim]) {
    assert.equal(graph.get(each).parent, graph.get(name).urn);
    assert.equal(graph.get(each).provider, `${graph.get("cluster").urn}::cluster-id`);
  }
}

describe("SkillsStorage's graph", () => {
  const nfs = { server: pulumi.output("files.example.com"), path: "/exports/skills" };
  const csi = { driver: "efs.csi.aws.com", volumeHandle: pulumi.output("fs-0123") };
  const hostPath = "/srv/skills";
  const kinds: [string, SkillsStorageOptions][] = [
    ["a folder of the node", { hostPath }],
    ["an NFS export that is only known later", { source: SkillsSource.Nfs, nfs }],
    ["a CSI volume that is only known later", { source: SkillsSource.Csi, csi }],
  ];
  for (const [what, options] of kinds) {
    it(`is a volume and a claim for ${what}, read by many and written by none`, async () => {
      const graph = await skills(options);
      assertPinned(graph, "skills");
      assert.deepEqual(spec(graph, "skills-volume")["accessModes"], ["ReadOnlyMany"]);
      assert.equal(spec(graph, "skills-volume")["persistentVolumeReclaimPolicy"], "Retain");
      assert.deepEqual(graph.get("skills").registered, [{ claimName: metadata(graph, "skills-claim").name }]);
    });
  }

  it("has the URNs that it always had", async () => {
    const graph = await skills({ hostPath });
    assert.deepEqual(
      graph.childrenOf(graph.get("skills")).map(({ urn }) => urn),
      ["PersistentVolume::skills-volume", "PersistentVolumeClaim::skills-claim"].map(
        (end) => `urn:pulumi:test::sandlot::sandlot:index:SkillsStorage$kubernetes:core/v1:${end}`,
      ),
    );
  });

  it("is a claim alone with a StorageClass, and nothing at all for a claim that is there", async () => {
    const onDemand = await skills({ source: SkillsSource.StorageClass, storageClass: "fast" });
    assert.deepEqual(
      onDemand.childrenOf(onDemand.get("skills")).map(({ name }) => name),
      ["skills-claim"],
    );
    assert.equal(spec(onDemand, "skills-claim")["storageClassName"], "fast");
    assert.equal(spec(onDemand, "skills-claim")["volumeName"], undefined);
    assert.deepEqual(onDemand.get("skills-claim").ignoreChanges, ["spec.accessModes"]);
    assert.deepEqual((await skills({ hostPath })).get("skills-claim").ignoreChanges, []);
    const there = await skills({ source: SkillsSource.ExistingClaim, existingClaim: "team-skills" });
    assert.deepEqual(there.childrenOf(there.get("skills")), []);
    assert.deepEqual(there.get("skills").registered, [{ claimName: "team-skills" }]);
  });

  it("stays in the cluster when it is asked to, and only then", async () => {
    for (const retain of [true, false]) {
      const graph = await skills({ hostPath, retain });
      for (const name of ["skills-volume", "skills-claim"])
        assert.equal(graph.get(name).retainOnDelete, retain, name);
    }
  });
});

describe("UserDataStorage's graph", () => {
  it("is a claim on a StorageClass, which stays when the stack goes", async () => {
    const graph = await userData({ storageClass: "standard", size: "20Gi" });
    assert.deepEqual(
      graph.childrenOf(graph.get("data")).map(({ urn }) => urn),
      [
        "urn:pulumi:test::sandlot::sandlot:index:UserDataStorage$kubernetes:core/v1:PersistentVolumeClaim::data-claim",
      ],
    );
    assert.equal(graph.get("data-claim").retainOnDelete, true);
    assert.deepEqual(spec(graph, "data-claim"), {
      accessModes: ["ReadWriteMany"],
      resources: { requests: { storage: "20Gi" } },
      storageClassName: "standard",
    });
    assert.deepEqual(graph.get("data").registered, [
      { claimName: metadata(graph, "data-claim").name, subPath: "shared" },
    ]);
  });

  it("is writable on an NFS export and on a folder of the node", async () => {
    const nfs = { server: "10.0.0.7", path: "/exports/data" };
    const exported = await userData({ source: UserDataSource.Nfs, nfs });
    assertPinned(exported, "data");
    assert.deepEqual(spec(exported, "data-volume")["nfs"], { ...nfs, readOnly: false });
    const folder = await userData({ source: UserDataSource.HostPath, hostPath: "/srv/data", retain: false });
    assertPinned(folder, "data");
    assert.deepEqual(spec(folder, "data-volume")["accessModes"], ["ReadWriteMany"]);
    assert.equal(folder.get("data-volume").retainOnDelete, false);
  });

  it("is part of the platform when it is asked for, and there before pods are", async () => {
    const platform = (options?: UserDataStorageOptions) =>
      withProvider(
        (opts) => new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", userData: options }, opts),
      );
    const graph = await platform({ storageClass: "standard" });
    const part = graph.get("sandlot-user-data");
    assert.equal(part.parent, graph.get("sandlot").urn);
    assert.ok(graph.comesAfter(graph.get("sandlot-sandbox-deployment"), part));
    assert.equal(
      graph.get("sandlot").registered[0]?.["userDataClaimName"],
      metadata(graph, "sandlot-user-data-claim").name,
    );
    interface Pod {
      volumes: { name: string }[];
      containers: { volumeMounts: { name: string }[] }[];
    }
    const template = spec(graph, "sandlot-sandbox-deployment")["template"] as unknown as { spec: Pod };
    const ofUserData = ({ name }: { name: string }) => name === "user-data";
    const claimName = metadata(graph, "sandlot-user-data-claim").name;
    assert.deepEqual(template.spec.volumes.find(ofUserData), {
      name: "user-data",
      persistentVolumeClaim: { claimName, readOnly: false },
    });
    assert.deepEqual(template.spec.containers[0]?.volumeMounts.find(ofUserData), {
      name: "user-data",
      mountPath: "/mnt/user-data",
      subPath: "shared",
      readOnly: false,
    });
    assert.equal((await platform()).has("sandlot-user-data"), false);
  });

  describe("with a retention", () => {
    const platform = (more: Partial<SandboxPlatformArgs> = {}) => ({
      image: "sandlot/sandbox:1.0.0",
      userData: { storageClass: "standard" },
      userDataRetention: { days: 30 },
      provisioner: { image: "sandlot/provisioner:1.0.0", generateKeys: true },
      namespace: { priority: { className: "sandboxes", value: 0 } },
      deployment: { placement: { nodeSelector: { pool: "sandboxes" } } },
      ...more,
    });

    it("removes what is stale by a CronJob that can do nothing else", async () => {
      const graph = await withProvider((opts) => new SandboxPlatform("sandlot", platform(), opts));
      const part = graph.get("sandlot-user-data-retention");
      assert.equal(part.parent, graph.get("sandlot").urn);
      assert.deepEqual(
        graph.childrenOf(part).map(({ name, type }) => `${type.split(":").at(-1) ?? ""} ${name}`),
        [
          "ServiceAccount sandlot-user-data-retention-service-account",
          "CronJob sandlot-user-data-retention-cron-job",
        ],
      );
      assert.deepEqual(part.registered, [{ cronJobName: "user-data-retention" }]);
      const job = graph.get("sandlot-user-data-retention-cron-job");
      assert.ok(graph.comesAfter(job, graph.get("sandlot-network-deny-all")));
      const account = graph.get("sandlot-user-data-retention-service-account");
      assert.equal(account.inputs["automountServiceAccountToken"], false);
      const bound = graph
        .ofType("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
        .flatMap(({ inputs }) => inputs["subjects"] as { name: string }[]);
      assert.ok(bound.every(({ name }) => name !== metadata(graph, account.name).name));

      const { schedule, timeZone, concurrencyPolicy, jobTemplate } = spec(
        graph,
        "sandlot-user-data-retention-cron-job",
      ) as unknown as CronJob;
      assert.deepEqual([schedule, timeZone, concurrencyPolicy], ["17 3 * * *", "UTC", "Forbid"]);
      assert.equal(jobTemplate.spec.backoffLimit, 0);
      const { metadata: labelled, spec: pod } = jobTemplate.spec.template;
      // With the labels of sandboxes, network policies would let it out and Services would lead to it.
      assert.equal(labelled.labels["app.kubernetes.io/component"], "user-data-retention");
      assert.equal(pod.serviceAccountName, "user-data-retention");
      assert.equal(pod.automountServiceAccountToken, false);
      assert.equal(pod.priorityClassName, "sandboxes");
      assert.deepEqual(pod.nodeSelector, { pool: "sandboxes" });
      assert.deepEqual(pod.securityContext, {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      });
      const [container] = pod.containers;
      assert.equal(container?.image, "sandlot/sandbox:1.0.0");
      assert.deepEqual(container.command, [
        "/usr/local/bin/sandboxd",
        "sweep",
        "-users=/mnt/users",
        "-unused-days=30",
      ]);
      assert.deepEqual(container.securityContext, {
        privileged: false,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      });
      assert.deepEqual(container.volumeMounts, [
        { name: "user-data", mountPath: "/mnt/users", subPath: "deer-flow/users" },
      ]);
      const { name: claimName } = metadata(graph, "sandlot-user-data-claim");
      assert.deepEqual(pod.volumes, [{ name: "user-data", persistentVolumeClaim: { claimName } }]);
    });

    it("is none unless it is asked for", async () => {
      const args = { ...platform(), userDataRetention: undefined };
      const graph = await withProvider((opts) => new SandboxPlatform("sandlot", args, opts));
      assert.deepEqual(graph.ofType("kubernetes:batch/v1:CronJob"), []);
    });

    for (const [title, more, says] of [
      [
        "without a provisioner",
        { provisioner: undefined },
        /userDataRetention is given, but provisioner is not/,
      ],
      ["without data", { userData: undefined }, /userDataRetention is given, but userData is not/],
      [
        "of what the shared sandboxes use",
        { userData: { storageClass: "standard", subPath: "deer-flow/users/a/threads/b/user-data" } },
        /userData\.subPath is "deer-flow\/users\/a.*removes what is below deer-flow\/users/,
      ],
      [
        "while sandboxes may still live",
        { userDataRetention: { days: 7 } },
        /UserDataRetention "sandlot-user-data-retention": days is 7/,
      ],
    ] as const) {
      it(`is refused ${title}, before anything is registered`, async () => {
        const { error, graph } = await recordFailure(() => new SandboxPlatform("sandlot", platform(more)));
        assert.match(error.message, says);
        assert.deepEqual(graph.names(), []);
      });
    }
  });

  it("registers nothing when its folder is outside the volume", async () => {
    const { error, graph } = await recordFailure(
      () =>
        new SandboxPlatform("sandlot", {
          image: "sandlot/sandbox:1.0.0",
          userData: { storageClass: "standard", subPath: "users/../../etc" },
        }),
    );
    assert.deepEqual(graph.names(), []);
    assert.match(error.message, /UserDataStorage "sandlot-user-data": subPath is "users\/\.\.\/\.\.\/etc"/);
  });
});
