// make help: every command in a line.
import { UserError } from "@sandlot/toolchain/errors.js";

import { runCommand } from "./support/command.js";
import { didYouMean } from "./support/variables.js";

const commands = {
  up: "set up everything, start the cluster, deploy, run code in a sandbox",
  preview: "show what `make up` would change",
  "preview-comment": "what each stack's update would change, as one comment on a pull request",
  down: "take everything down; data is kept unless VOLUMES=1",
  drift: "what is no longer as it was deployed; fails when something is not",
  scan: "scan the images of a stack again; fails when something counts",
  status: "the node, pods, image, ports and resource use (FORMAT=json)",
  exec: "run CMD in a sandbox (NODE=1: in the node's container)",
  reload: "build and load the sandbox image anew, replace the running sandboxes",
  kubeconfig: "how to reach the cluster with kubectl (MERGE=1)",
  "api-key": "print the provisioner's API key",
  logs: "the sandboxes' logs (NODE=1: the node's; FOLLOW=1)",
  secret: "put a secret into a stack's file, encrypted",
  doctor: "what is missing on this machine and how to get it",
  test: "set up what is needed and run all tests",
  bench: "measure times and memory against a reference",
};

/** What make was asked for that is none of its commands. */
const [unknown] = process.argv.slice(2);

await runCommand({ name: unknown ?? "help", summary: "list the commands", variables: [] }, () => {
  if (unknown !== undefined) {
    const names = Object.keys(commands);
    throw new UserError(
      `There is no command ${unknown}.${didYouMean(unknown, names)}`,
      `Commands: ${names.join(", ")}. \`make help\` says what each does.`,
    );
  }
  console.log("Sandlot: run untrusted, AI-written code on Kubernetes.\n");
  for (const [name, summary] of Object.entries(commands)) console.log(`  make ${name.padEnd(16)} ${summary}`);
  console.log("\n`make NAME HELP=1` tells a command's variables. Guides are in docs/.");
  return Promise.resolve(0);
});
