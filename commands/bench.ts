// make bench: figures of this machine, each beside a reference taken in the same run. They are taken by bench/main.ts.
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { isSet } from "./support/variables.js";

await runCommand(
  {
    name: "bench",
    summary:
      "measure times, memory and manifests against references; what it makes for that is taken down again",
    variables: ["FORMAT", "COLD", "FIGURES"],
    examples: [
      "make bench",
      "make -s bench FORMAT=json >figures.json",
      "make bench COLD=1   # the first start as well",
      "make bench FIGURES=scores",
    ],
  },
  async (given) => {
    const args = [
      ...(given.FORMAT === "json" ? ["--json"] : []),
      ...(isSet(given.COLD) ? ["--cold"] : []),
      ...(given.FIGURES === undefined ? [] : [`--only=${given.FIGURES}`]),
    ];
    const child = execa("node", ["--import", "tsx", "bench/main.ts", ...args], {
      cwd: projectRoot,
      stdio: ["ignore", "inherit", "inherit"],
      reject: false,
    });
    // It takes away what it made before it ends; a terminal tells it of Ctrl-C itself.
    process.on("SIGINT", () => undefined);
    for (const name of ["SIGTERM", "SIGHUP"] as const) process.on(name, () => child.kill(name));
    return (await child).exitCode ?? 1;
  },
);
