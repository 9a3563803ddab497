// make secret: a secret into a stack's file, encrypted, without it ever being an argument of a program.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { note } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { configured } from "./support/configured.js";
import { initStack } from "./support/pulumi.js";
import { checkSecret, secretSettings } from "./support/secret-settings.js";
import { setUpEngine } from "./support/setup.js";
import { composeStackFile, writeStackFile } from "./support/stack-file.js";
import { targetKind } from "./support/target.js";

await runCommand(
  {
    name: "secret",
    summary: "read a secret from standard input and put it, encrypted, into the stack's file",
    variables: ["SETTING", "STACK"],
    examples: [
      "make -s secret STACK=production SETTING=target.kubeconfig <kubeconfig.yaml",
      "openssl rand -hex 32 | make -s secret STACK=production SETTING=provisioner.signingKey",
    ],
  },
  async (given) => {
    const setting = given.SETTING;
    if (setting === undefined) {
      throw new UserError(
        `SETTING is missing; allowed: ${Object.keys(secretSettings).join(", ")}.`,
        "Give the setting, such as: make -s secret SETTING=provisioner.signingKey STACK=production",
      );
    }
    const composed = composeStackFile(given);
    const { stack, document } = composed;
    if (setting === "target.kubeconfig" && targetKind(document) !== "existing") {
      throw new UserError(
        `Stack ${stack.name} takes no kubeconfig: its target.kind is ${targetKind(document)}.`,
        "Name a stack that goes to a cluster that is there (STACK=production), or set target.kind to existing in its file.",
      );
    }
    if (process.stdin.isTTY) note(`Type or paste the secret for ${setting}, then end with Ctrl-D`);
    const secret = readFileSync(0, "utf8");
    checkSecret(setting, secret);
    writeStackFile(composed);
    const { env } = await setUpEngine(document);
    await initStack(stack, env);
    const file = join(projectRoot, "stacks", `Pulumi.${stack.name}.yaml`);
    const where = ["--stack", stack.name, "--config-file", file, "--non-interactive"];
    const args = ["config", "set", "--secret", "--path", `sandlot:${setting}`, ...where];
    const { failed, stderr } = await execa("pulumi", args, {
      cwd: projectRoot,
      env,
      input: secret,
      reject: false,
    });
    if (failed) throw new UserError(`pulumi config set failed:\n${stderr}`, "See `make doctor`.");
    note(`sandlot:${setting} is in ${file}, encrypted`);
    if (setting === "target.kubeconfig" && configured(document, "target", "kubeconfigPath") !== undefined)
      note("Now take target.kubeconfigPath out of that file: one of the two");
    if ("PULUMI_CONFIG_PASSPHRASE_FILE" in env) {
      note("with this checkout's own passphrase: set PULUMI_CONFIG_PASSPHRASE for one that others share");
    }
    return 0;
  },
);
