// make status: the nodes, the sandboxes, what they use and where they are reached.
import { runCommand } from "./support/command.js";
import { lastStackFile } from "./support/stack-file.js";
import { formatStatus, statusOf } from "./support/status.js";
import { refuseRendered, targetKind } from "./support/target.js";

await runCommand(
  {
    name: "status",
    summary:
      "show the nodes, the sandboxes, what they use and where they are reached; fails when the stack is not up",
    variables: ["FORMAT", "STACK"],
    examples: ["make status", "make -s status FORMAT=json | jq .pods"],
  },
  async (given) => {
    const { stack, document } = lastStackFile(given);
    refuseRendered(document, stack, "status");
    const status = await statusOf(stack, targetKind(document));
    console.log(given.FORMAT === "json" ? JSON.stringify(status, null, 2) : formatStatus(status));
    return status.up ? 0 : 1;
  },
);
