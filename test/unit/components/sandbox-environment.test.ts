// Named environments: bad arguments, recipes that nothing can be smuggled into, and the record that the provisioner reads.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve as path } from "node:path";

import fc from "fast-check";
import { AntiAffinity, type PoolAutoscaling, type SandboxEnvironmentArgs } from "@sandlot/components";

import { recipe, type Ingredients } from "../../../components/sandbox-environment/recipe";
import { record } from "../../../components/sandbox-environment/record";
import { resolve } from "../../../components/sandbox-environment/resolve";
import { aptPackage, pipPackage } from "../../../components/sandbox-environment/rules";
import { readEnvironment } from "../../../provisioner/src/model/environment";
import { buildPod } from "../../../provisioner/src/model/pod";
import { refuses } from "../../support/refuses";

const given: SandboxEnvironmentArgs = {
  name: "tools",
  namespace: "sandlot",
  sandboxImage: "sandlot/sandbox:0123456789abcdef",
};
const digest = `sha256:${"a".repeat(64)}`;

refuses<SandboxEnvironmentArgs>("SandboxEnvironment", resolve, given, [
  [{ name: "Data Science" }, /name is "Data Science"/],
  [{ name: "a".repeat(41) }, /name is "a+", but must be at most 40 characters/],
  [{ image: "team/tools" }, /image is "team\/tools".*tag other than latest/],
  [{ sandboxImage: "sandbox:latest" }, /sandboxImage is "sandbox:latest"|build\.base/],
  [{ image: "team/tools:1", build: {} }, /image and build are both given/],
  [{ registry: { repository: "r.example.com/t" } }, /registry is given, but nothing is built/],
  [
    { build: {}, registry: { repository: "team/tools" } },
    /registry\.repository is "team\/tools", but must be a registry/,
  ],
  [
    { build: {}, registry: { repository: "r.example.com/t:1" } },
    /registry\.repository is "r\.example\.com\/t:1"/,
  ],
  [{ build: { base: "debian" } }, /build\.base is "debian"/],
  [{ build: { base: "debian:12\nRUN id" } }, /build\.base is "debian:12\\nRUN id"/],
  [{ build: { pythonVersion: "3" } }, /build\.pythonVersion is "3", but must be a version of Python/],
  [{ build: { pip: ["numpy"] } }, /build\.pip\[0\] is "numpy", but must be a package with its exact version/],
  [{ build: { pip: ["numpy>=2"] } }, /build\.pip\[0\]/],
  [{ build: { pip: ["numpy==2.*"] } }, /build\.pip\[0\]/],
  [{ build: { pip: ["--index-url=http://x"] } }, /build\.pip\[0\]/],
  [{ build: { pip: ["x @ https://x.example/x.whl"] } }, /build\.pip\[0\]/],
  [{ build: { pip: ["a==1\n--index-url http://x"] } }, /build\.pip\[0\]/],
  [{ build: { pip: ["a==1; python_version>'3'"] } }, /build\.pip\[0\]/],
  [{ build: { apt: ["git"] } }, /build\.apt\[0\] is "git", but must be a package with its exact version/],
  [{ build: { apt: ["git=1; id"] } }, /build\.apt\[0\]/],
  [{ build: { apt: ["-o=1"] } }, /build\.apt\[0\]/],
  [{ build: { apt: ["git=$(id)"] } }, /build\.apt\[0\]/],
  [{ build: { commands: [" "] } }, /build\.commands\[0\] is " ", but must be a command/],
  [{ imagePullSecrets: ["A"] }, /imagePullSecrets\[0\] is "A"/],
  [{ egress: "all" as never }, /egress is "all", but must be one of/],
  [{ resources: { limits: { memory: "1 GB" } } }, /resources\.limits\.memory is "1 GB"/],
  [
    { resources: { requests: { cpu: "2" } } },
    /resources\.requests\.cpu is "2", but resources\.limits\.cpu is "1"/,
  ],
  [{ maxResources: { cpu: "lots" } }, /maxResources\.cpu is "lots"/],
  [
    { placement: { topologySpread: [{ topologyKey: "" }] } },
    /placement\.topologySpread\[0\]\.topologyKey is ""/,
  ],
  [
    { placement: { topologySpread: [{ topologyKey: "zone" }] }, spread: false },
    /placement\.topologySpread is given, but spread is false/,
  ],
  [
    { maxResources: { memory: "512Mi" } },
    /resources\.limits\.memory is "1Gi", but maxResources\.memory is "512Mi"/,
  ],
  [{ runtimes: ["gvisor", "no runtime"] }, /runtimes\[1\] is "no runtime"/],
  [{ priorityClassName: "High" }, /priorityClassName is "High"/],
  [
    { env: [{ name: "HOME", value: "/" }] },
    /env\[0\]\.name is "HOME", but must be a name that is not reserved/,
  ],
  [
    { secrets: [{ variable: "SANDBOXD_HOME", secret: "s", key: "k" }] },
    /secrets\[0\]\.variable is "SANDBOXD_HOME"/,
  ],
  [
    { env: [{ name: "A", value: "1" }], secrets: [{ variable: "A", secret: "s", key: "k" }] },
    /secrets\[0\]\.variable is "A", which an earlier entry sets already/,
  ],
  [{ secrets: [{ variable: "A", secret: "S", key: "k" }] }, /secrets\[0\]\.secret is "S"/],
  [{ secrets: [{ variable: "A", secret: "s", key: "a/b" }] }, /secrets\[0\]\.key is "a\/b"/],
  [{ poolSize: 501 }, /poolSize is 501, but must be a whole number from 0 to 500/],
  [
    { poolSize: 0, poolAutoscaling: { max: 3 } },
    /poolSize and poolAutoscaling are both given; remove one of the two/,
  ],
  [
    { poolAutoscaling: { max: 501 } },
    /poolAutoscaling\.max is 501, but must be a whole number from 1 to 500/,
  ],
  [{ poolAutoscaling: { min: -1, max: 3 } }, /poolAutoscaling\.min is -1/],
  [
    { poolAutoscaling: { min: 4, max: 3 } },
    /poolAutoscaling\.min is 4, but poolAutoscaling\.max is 3; lower the one or raise the other/,
  ],
  [
    { poolAutoscaling: { max: 3, targetUtilization: 100 } },
    /poolAutoscaling\.targetUtilization is 100, but must be a percentage from 1 to 99/,
  ],
  [
    { poolAutoscaling: { max: 3, scaleDownSeconds: 3601 } },
    /poolAutoscaling\.scaleDownSeconds is 3601, but must be a number of seconds from 0 to 3600/,
  ],
]);

const plain: Ingredients = {
  sandboxImage: given.sandboxImage as string,
  base: given.sandboxImage as string,
  pip: [],
  apt: [],
  commands: [],
};

describe("an environment's recipe", () => {
  it("is the same for the same ingredients, and another one for any other", () => {
    const changes: Partial<Ingredients>[] = [
      { base: `python@${digest}` },
      { pythonVersion: "3.11" },
      { pip: ["a==1"] },
      { pip: ["a==2"] },
      { apt: ["git=1"] },
      { commands: ["true"] },
      { commands: ["true", "true"] },
      { sandboxImage: "sandlot/sandbox:fedcba9876543210" },
    ];
    const tags = [{}, ...changes].map((change) => recipe({ ...plain, ...change }).tag);
    assert.equal(new Set(tags).size, tags.length);
    assert.equal(recipe({ ...plain }).tag, recipe({ ...plain }).tag);
    for (const tag of tags) assert.match(tag, /^[0-9a-f]{16}$/);
  });

  it("ends as a sandbox does: no root, no set-user-id bits, the server as its only program", () => {
    const lines = recipe({ ...plain, apt: ["git=1"], commands: ["id"] }).dockerfile.split("\n");
    const users = lines.filter((line) => line.startsWith("USER"));
    assert.equal(users.at(-1), "USER 1000:1000");
    const after = lines.slice(lines.lastIndexOf("USER 1000:1000"));
    assert.deepEqual(
      after.filter((line) => line.startsWith("RUN")),
      [],
    );
    const stripped = lines.findIndex((line) => line.includes("chmod a-s"));
    const commands = lines.findIndex((line) => line.startsWith('RUN ["/bin/bash"'));
    assert.ok(commands >= 0 && stripped > commands, "what commands bring is stripped as well");
    assert.ok(lines.includes('ENTRYPOINT ["/usr/local/bin/sandboxd"]'));
  });

  it("fetches Python packages in a stage of its own, from wheels only", () => {
    const { dockerfile, requirements } = recipe({ ...plain, pip: ["numpy==2.3.4", "six==1.17.0"] });
    assert.equal(requirements, "numpy==2.3.4\nsix==1.17.0\n");
    const [, fetching = "", final = ""] = dockerfile.split(/^FROM /m).slice(1);
    assert.match(fetching, /^\S+ AS python-packages\n/);
    assert.match(fetching, /--only-binary=:all:/);
    assert.doesNotMatch(final, /PIP_|certificates|requirements/);
    assert.match(final, /COPY --from=python-packages/);
  });

  it("checks the Python of the base", () => {
    assert.match(recipe({ ...plain, pythonVersion: "3.12" }).dockerfile, /case "\$have\." in 3\.12\.\*\)/);
  });

  it("keeps any command whole, and from being anything else", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "binary" }), (command) => {
        const { dockerfile } = recipe({ ...plain, commands: [command] });
        const ours = dockerfile.split("\n").filter((line) => line.startsWith('RUN ["'));
        assert.equal(ours.length, 1);
        const parsed = JSON.parse((ours[0] ?? "").slice("RUN ".length)) as string[];
        assert.deepEqual(parsed, ["/bin/bash", "-euo", "pipefail", "-c", command]);
      }),
    );
  });

  it("takes only packages that no shell, pip or apt can take for something else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (left, right) => {
        for (const text of [`${left}==${right}`, `${left}=${right}`, left]) {
          if (pipPackage(text) !== undefined && aptPackage(text) !== undefined) continue;
          assert.match(text, /^[A-Za-z0-9][A-Za-z0-9.+~:!_,[\]=-]*$/);
        }
      }),
      { numRuns: 2000 },
    );
    for (const good of [
      "numpy==2.3.4",
      "uvicorn[standard]==0.38.0",
      "a==1!2.0.post1+local.1",
      "zope.interface==7.2",
    ])
      assert.equal(pipPackage(good), undefined, good);
    for (const good of ["git=1:2.39.5-0+deb12u2", "g++=4:12.2.0-3", "libc6=2.36-9~deb12u1"])
      assert.equal(aptPackage(good), undefined, good);
  });
});

describe("an environment's record", () => {
  const podLabels = {
    "app.kubernetes.io/name": "sandlot",
    "app.kubernetes.io/component": "sandbox",
    "app.kubernetes.io/managed-by": "sandlot-provisioner",
    "sandlot.dev/environment": "tools",
  };
  const settings = resolve("it", {
    ...given,
    env: [
      { name: "B", value: "2" },
      { name: "A", value: "1" },
    ],
    secrets: [{ variable: "TOKEN", secret: "team-keys", key: "token" }],
    resources: { limits: { memory: "2Gi" } },
    maxResources: { cpu: "4", memory: "8Gi" },
    runtimes: ["kata"],
    placement: { nodeSelector: { pool: "sandboxes" } },
    imagePullSecrets: ["team"],
    poolSize: 3,
  });
  const known = {
    image: "r.example.com/t:1",
    runtimeClassName: "gvisor",
    priorityClassName: "sandboxes",
    values: ["2", "1"],
    pullSecrets: ["team"],
  };

  it("says everything, and what a secret is called but not what it holds", () => {
    assert.deepEqual(JSON.parse(record(settings, known)), {
      version: 1,
      name: "tools",
      image: "r.example.com/t:1",
      imagePullPolicy: "IfNotPresent",
      imagePullSecrets: ["team"],
      runtimeClassName: "gvisor",
      runtimes: ["kata"],
      priorityClassName: "sandboxes",
      egress: "blocked",
      resources: {
        requests: { cpu: "100m", memory: "128Mi", "ephemeral-storage": "256Mi" },
        limits: { cpu: "1", memory: "2Gi", "ephemeral-storage": "1Gi" },
      },
      maxResources: { cpu: "4", memory: "8Gi" },
      placement: {
        nodeSelector: { pool: "sandboxes" },
        topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
          (topologyKey) => ({
            topologyKey,
            maxSkew: 1,
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: podLabels },
          }),
        ),
      },
      env: { A: "1", B: "2" },
      secrets: [{ variable: "TOKEN", secret: "team-keys", key: "token" }],
      pool: { size: 3 },
    });
  });

  it("says how a pool follows use in a form of which older readers keep the fewest", () => {
    const of = (poolAutoscaling: PoolAutoscaling) => {
      const text = record(resolve("it", { ...given, poolAutoscaling }), {
        image: "i:1",
        values: [],
        pullSecrets: [],
      });
      const read = readEnvironment("tools", text);
      assert.ok(typeof read === "object");
      assert.deepEqual((JSON.parse(text) as { pool: unknown }).pool, read.pool);
      return read.pool;
    };
    assert.deepEqual(of({ max: 20 }), {
      size: 1,
      autoscaling: { max: 20, targetUtilization: 80, scaleDownSeconds: 300 },
    });
    assert.deepEqual(of({ min: 0, max: 9, targetUtilization: 50, scaleDownSeconds: 60 }), {
      size: 0,
      autoscaling: { max: 9, targetUtilization: 50, scaleDownSeconds: 60 },
    });
  });

  it("keeps pods apart where it is told to, by the labels that the provisioner gives them", () => {
    const apart = resolve("it", {
      ...given,
      placement: { antiAffinity: AntiAffinity.Required },
      spread: false,
    });
    const content = record(apart, { image: "i:1", values: [], pullSecrets: [] });
    const { placement } = JSON.parse(content) as { placement: object };
    assert.deepEqual(placement, {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: podLabels } },
          ],
        },
      },
    });
    const read = readEnvironment("tools", content);
    if (typeof read === "string") assert.fail(read);
    const pod = buildPod(
      { name: "p", environment: read, claimSecret: "x", volumes: [], deadlineSeconds: 60 },
      { namespace: "n", port: 8080, serviceAccountName: "s", server: "sandboxd" },
    );
    assert.deepEqual(pod.spec?.affinity, (placement as { affinity: object }).affinity);
    for (const [name, value] of Object.entries(podLabels)) assert.equal(pod.metadata?.labels?.[name], value);
  });

  it("leaves out what is not said", () => {
    const bare = resolve("it", given);
    const content = JSON.parse(record(bare, { image: "i:1", values: [], pullSecrets: [] })) as object;
    for (const field of ["runtimeClassName", "runtimes", "priorityClassName", "maxResources", "placement"])
      assert.equal(field in content, false, field);
  });

  it("is the same text whatever the order of what is given", () => {
    const turned = { ...settings, env: [...settings.env].reverse() };
    assert.equal(record(settings, known), record(turned, { ...known, values: ["1", "2"] }));
  });

  it("has the fields that docs/sandbox-environments.md shows", () => {
    const document = readFileSync(path(__dirname, "../../../docs/sandbox-environments.md"), "utf8");
    const example = JSON.parse(/```json\n(.*?)```/s.exec(document)?.[1] ?? "") as object;
    assert.deepEqual(
      Object.keys(example).sort(),
      Object.keys(JSON.parse(record(settings, known)) as object).sort(),
    );
  });
});
