// The stack's file with the variables of one run on top.
import assert from "node:assert/strict";

import { parseDocument } from "yaml";

import { configured } from "../../../commands/support/configured.js";
import { applyVariables, readStackFile } from "../../../commands/support/stack-file.js";
import { publishedPorts } from "../../../commands/support/checks.js";
import { UserError } from "../../../toolchain/errors.js";

describe("stack file", () => {
  it("takes each variable to its place in configuration, and leaves the rest", () => {
    const document = parseDocument("config:\n  sandlot:sandbox:\n    replicas: 2\n    nodePort: 30080\n");
    applyVariables(document, {
      SANDBOX_IMAGE: "team/sandbox:2",
      SKILLS_PATH: "/srv/skills",
      NODE_IMAGE: "rancher/k3s:v1.34.6-k3s1",
      API_PORT: "7443",
      HTTP_PORT: "9090",
      REPLICAS: "5",
    });
    assert.deepEqual(document.toJS(), {
      config: {
        "sandlot:sandbox": { replicas: 5, nodePort: 30080, image: "team/sandbox:2", hostPort: 9090 },
        "sandlot:skills": { hostPath: "/srv/skills" },
        "sandlot:cluster": { image: "rancher/k3s:v1.34.6-k3s1", apiPort: 7443 },
      },
    });
  });

  it("ONLY=cluster and SKIP_PULL=1 are configuration too", () => {
    const document = parseDocument("");
    applyVariables(document, { ONLY: "cluster", SKIP_PULL: "1" });
    assert.equal(configured(document, "platform"), false);
    assert.equal(configured(document, "cluster", "imagePullPolicy"), "Never");
    assert.equal(configured(document, "sandbox", "imagePullPolicy"), "Never");
  });

  it("takes variables where all settings of a key are commented out", () => {
    const document = parseDocument("config:\n  sandlot:skills:\n    # hostPath: skills\n");
    applyVariables(document, { SKILLS_PATH: "/srv/skills" });
    assert.equal(configured(document, "skills", "hostPath"), "/srv/skills");
  });

  it("names what is no object where a variable has its place", () => {
    assert.throws(
      () => {
        applyVariables(parseDocument("config: { 'sandlot:sandbox': 3 }"), { REPLICAS: "2" });
      },
      (error) => error instanceof UserError && error.message === "sandlot:sandbox is 3; allowed: an object.",
    );
  });

  it("knows the ports that will be published", () => {
    assert.deepEqual(publishedPorts(readStackFile("dev")), [6443, 8080, 8081]);
    const document = parseDocument(
      "config: { 'sandlot:cluster': { apiPort: nonsense, ports: [{ host: 81, node: 81 }, { host: 82, node: 82 }] } }",
    );
    assert.deepEqual(publishedPorts(document), [81, 82]);
  });

  it("names the stacks there are when asked for another", () => {
    assert.throws(
      () => readStackFile("nowhere"),
      (error) =>
        error instanceof UserError &&
        /no stack nowhere/.test(error.message) &&
        /dev, nodes, production, render, staging, test/.test(error.remedy),
    );
  });
});
