// The file of several clusters: what it may say, and what is said of what it may not.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ClustersFile, parseClusters } from "../../../provisioner/src/config/clusters.js";
import { SettingsError } from "../../../provisioner/src/config/errors.js";
import { connect } from "../../../provisioner/src/kubernetes/connection.js";
import { kubeconfig } from "./kubeconfig.js";

const path = "/etc/sandlot/clusters/clusters.json";
const file = (...clusters: object[]): string => JSON.stringify({ version: 1, clusters });

describe("the file of clusters", () => {
  it("is read with its defaults; kubeconfigs lie beside it", () => {
    assert.deepEqual(
      parseClusters(
        file(
          { name: "here" },
          { name: "eu", kubeconfig: "eu.kubeconfig", context: "admin", weight: 30, drain: true },
          {
            name: "us",
            kubeconfig: "/run/us",
            namespace: "code",
            nodeHost: "us.example.com",
            maxSandboxes: 9,
          },
        ),
        path,
      ),
      [
        { name: "here", weight: 100, drain: false },
        {
          ...{ name: "eu", kubeconfig: "/etc/sandlot/clusters/eu.kubeconfig", context: "admin" },
          ...{ weight: 30, drain: true },
        },
        {
          ...{ name: "us", kubeconfig: "/run/us", namespace: "code", nodeHost: "us.example.com" },
          ...{ maxSandboxes: 9, weight: 100, drain: false },
        },
      ],
    );
  });

  for (const [title, text, says] of [
    [
      "no JSON",
      "clusters: []",
      /CLUSTERS_FILE is "\/etc\/sandlot\/clusters\/clusters\.json", which is no JSON/,
    ],
    ["no cluster", file(), /at clusters: must name at least one cluster/],
    [
      "another version",
      JSON.stringify({ version: 2, clusters: [{ name: "a" }] }),
      /at version: is 2, but must be 1/,
    ],
    [
      "a weight beyond 100",
      file({ name: "a" }, { name: "b", kubeconfig: "b", weight: 101 }),
      /at clusters\.1\.weight: is 101, but must be a whole number from 0 to 100/,
    ],
    [
      "half a weight",
      file({ name: "a", weight: 0.5 }),
      /at clusters\.0\.weight: is 0\.5, but must be a whole/,
    ],
    [
      "a drain in words",
      file({ name: "a", drain: "yes" }),
      /at clusters\.0\.drain: is "yes", but must be true or/,
    ],
    ["no name", file({ name: "A b" }), /at clusters\.0\.name: is "A b", but must be at most 63 lower-case/],
    [
      "a field that there is none of",
      file({ name: "a", wieght: 1 }),
      /at clusters\.0\.wieght: is not known here: what is known is name, kubeconfig, /,
    ],
    [
      "a name twice",
      file({ name: "a" }, { name: "a", kubeconfig: "b" }),
      /at clusters\.1\.name: is "a", which an/,
    ],
    [
      "one cluster twice",
      file({ name: "a", kubeconfig: "k" }, { name: "b", kubeconfig: "/etc/sandlot/clusters/k" }),
      /at clusters\.1\.kubeconfig: leads where that of a does/,
    ],
    [
      "a way out of its folder",
      file({ name: "a", kubeconfig: "../k" }),
      /at clusters\.0\.kubeconfig: is "\.\.\/k", but must be a path without \.\./,
    ],
    [
      "a context of nothing",
      file({ name: "a", context: "c" }),
      /at clusters\.0\.context: is "c", but there is no/,
    ],
  ] as const) {
    it(`refuses ${title}, with the place and the value`, () => {
      assert.throws(
        () => parseClusters(text, path),
        (error) => error instanceof SettingsError && says.test(error.message),
      );
    });
  }

  describe("on a disk", () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "sandlot-clusters-"));
    });
    after(() => {
      rmSync(folder, { recursive: true });
    });

    it("names no kubeconfig that is not there: the pod's own account never stands in for it", async () => {
      const written = join(folder, "clusters.json");
      writeFileSync(written, file({ name: "a", kubeconfig: "missing" }));
      await assert.rejects(
        new ClustersFile(written).start(),
        /clusters\.0\.kubeconfig: there is no file ".*missing"/,
      );
    });

    it("leads through the context that it names, and says which there are", async () => {
      const { path: written, remove } = kubeconfig({ server: "https://one.example.com" });
      await assert.rejects(
        connect({ KUBECONFIG_PATH: written, context: "another" }),
        /has no context "another"; it has x/,
      );
      assert.equal(
        (await connect({ KUBECONFIG_PATH: written, context: "x" })).origin,
        "https://one.example.com",
      );
      remove();
    });
  });
});
