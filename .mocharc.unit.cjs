// The tests that need no cluster, side by side. Files that wait for long begin first, so that the last to end is not one of them.
const { readdirSync } = require("node:fs");
const { join } = require("node:path");

const long = [
  "test/unit/provisioner/clock.test.ts",
  "test/unit/provisioner/faults.test.ts",
  "test/unit/provisioner/fleet.test.ts",
  "test/unit/sandboxd/shell.test.ts",
  "test/unit/provisioner/deerflow-defects.test.ts",
  "test/unit/provisioner/v1.test.ts",
  "test/unit/components/gvisor-installer.test.ts",
];
const all = ["test/unit", "test/graph", "test/policy"].flatMap((folder) =>
  readdirSync(join(__dirname, folder), { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(folder, name)),
);

module.exports = {
  ...require("./.mocharc.json"),
  parallel: true,
  // More than processors, because many wait for something most of the time.
  jobs: 6,
  spec: [...long, ...all.filter((name) => !long.includes(name)).sort()],
};
