// docs/troubleshooting.md quotes messages in the words that the code prints.
import assert from "node:assert/strict";

import { read } from "./documents.js";

/** A part of each quoted message without what differs, and the file that prints it. */
const messages: readonly (readonly [words: string, source: string])[] = [
  ["taken by ", "toolchain/prerequisites/ports.ts"],
  ["or choose another port in the stack's settings", "toolchain/prerequisites/ports.ts"],
  ["of the host is taken by ", "toolchain/plugins/docker/portConflict.ts"],
  [" (SKILLS_PATH, or skills.hostPath in the stack's file).", "commands/support/checks.ts"],
  ["Make it, or name another: make up SKILLS_PATH=/path/to/skills", "commands/support/checks.ts"],
  ["but no docker engine answers there: ", "toolchain/docker-engine/index.ts"],
  ["There is a docker engine, but this user may not talk to it: ", "toolchain/docker-engine/index.ts"],
  [
    "No docker engine answers, and this user cannot install or start one on this machine",
    "toolchain/docker-engine/index.ts",
  ],
  ["The docker engine did not come up: ", "toolchain/docker-engine/daemon.ts"],
  ["/var/log/sandlot/dockerd.log", "toolchain/docker-engine/daemon.ts"],
  ["disk space at ", "toolchain/prerequisites/machine.ts"],
  ["The stack's configuration has a mistake:", "infra/config/load.ts"],
  ["Nothing was changed. ", "infra/config/load.ts"],
  ["; allowed: ", "infra/config/errors.ts"],
  ["There is no variable ", "commands/support/variables.ts"],
  ["There is no command ", "commands/help.ts"],
  ["There is no stack ", "commands/support/stack-file.ts"],
  ["An earlier update of stack ", "commands/support/leftovers.ts"],
  [" was cut off: its lock is released", "commands/support/leftovers.ts"],
  ["an update that was cut off", "commands/support/leftovers.ts"],
  ["Another command is changing stack ", "commands/support/leftovers.ts"],
  [" belongs to another checkout, whose state is in ", "commands/support/leftovers.ts"],
  [" is there already, and it is not one of Sandlot's.", "commands/support/leftovers.ts"],
  [" is under way on this machine (", "commands/support/test-lock.ts"],
  ["There is no container ", "commands/support/status.ts"],
  ["The node is ", "commands/support/status.ts"],
  ["The node's container is gone: the engine looks at what is really there first", "commands/up.ts"],
  ["The Kubernetes API in ", "components/k3s-cluster/scripts.ts"],
  [" did not become Ready", "components/k3s-cluster/scripts.ts"],
  [" does not run: it is ", "components/k3s-cluster/scripts.ts"],
  ["(readyTimeoutSeconds).", "components/k3s-cluster/scripts.ts"],
  [
    "Root lacks CAP_SYS_RESOURCE here, and this engine was not started by us: privileged containers (the node) and",
    "toolchain/docker-engine/index.ts",
  ],
  ["into them will fail. ", "toolchain/docker-engine/index.ts"],
  [" is not on the Docker engine and ", "toolchain/node-image/build.ts"],
  [" is not on the Docker engine and ", "commands/support/setup.ts"],
  ["The node image can neither be pulled nor be built here: ", "toolchain/node-image/rootfs.ts"],
  ["The sandbox at ", "commands/support/sandbox.ts"],
  [" is not what was published: its ", "toolchain/pulumi-engine/download.ts"],
  ["the checksum file says ", "toolchain/pulumi-engine/download.ts"],
  ["Cannot download: ", "toolchain/pulumi-engine/download.ts"],
  ["does not take connections (waited ", "toolchain/pulumi-engine/download.ts"],
  ["has stopped sending (waited ", "toolchain/pulumi-engine/download.ts"],
  ["missing", "toolchain/go.ts"],
  ["The whole output is in ", "toolchain/run.ts"],
  ["failed; its messages are above.", "commands/support/pulumi.ts"],
];

describe("docs/troubleshooting.md", () => {
  const document = read("docs/troubleshooting.md");

  it("quotes messages as the code prints them", () => {
    for (const [words, source] of messages) {
      assert.ok(document.includes(words), `docs/troubleshooting.md does not quote "${words}"`);
      assert.ok(read(source).includes(words), `${source} no longer says "${words}"`);
    }
  });
});
