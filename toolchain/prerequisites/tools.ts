// The programs that a machine must bring along: each found on PATH and new enough.
import { findOnPath } from "../find.js";
import { tryOutput } from "../run.js";
import { minimumVersions } from "../versions.js";
import { failed, passed, type Check } from "./check.js";

/** Whether dotted number `version` is `minimum` or newer; what follows a `+` or `-` is not looked at. */
export function atLeast(version: string, minimum: string): boolean {
  const [a, b] = [version, minimum].map((text) => (text.split(/[+-]/)[0] ?? "").split(".").map(Number));
  for (let place = 0; place < 3; place++) {
    const difference = (a?.[place] ?? 0) - (b?.[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The Node.js that this runs on. */
export function checkNode(version = process.versions.node): Check {
  return judge(
    "Node.js",
    version,
    minimumVersions.node,
    "Install a newer one: https://nodejs.org/en/download",
  );
}

/** A program whose version matters: how it is asked, and what it answers with. */
interface Tool {
  name: string;
  program: string;
  args: readonly string[];
  minimum: string;
  remedy: string;
}

const tools = {
  npm: {
    name: "npm",
    program: "npm",
    args: ["--version"],
    minimum: minimumVersions.npm,
    remedy:
      "It comes with Node.js: https://nodejs.org/en/download (Debian has it as a package of its own: npm)",
  },
  go: {
    name: "Go",
    program: "go",
    args: ["version"],
    minimum: minimumVersions.go,
    remedy: "Install it from https://go.dev/dl/ and put its bin folder on PATH",
  },
  make: {
    name: "make",
    program: "make",
    args: ["--version"],
    minimum: "3.81.0",
    remedy: "Install it (Debian, Ubuntu: apt-get install make; macOS: xcode-select --install)",
  },
  git: {
    name: "git",
    program: "git",
    args: ["--version"],
    minimum: "2.0.0",
    remedy: "Install it (Debian, Ubuntu: apt-get install git)",
  },
} satisfies Record<string, Tool>;

/** The tools that {@link checkTool} knows. */
export type ToolName = keyof typeof tools;

/** Whether a program is on PATH and new enough. Go is needed only where something must be built. */
export async function checkTool(tool: ToolName, env: NodeJS.ProcessEnv = process.env): Promise<Check> {
  const { name, program, args, minimum, remedy } = tools[tool];
  const path = findOnPath(program, env);
  if (path === undefined) return failed(name, "not on PATH", `${minimum} or newer`, remedy);
  const version = /(\d+\.\d+(?:\.\d+)?)/.exec((await tryOutput(path, args, { env })) ?? "")?.[1];
  if (version === undefined)
    return failed(name, `${path} does not tell its version`, `${minimum} or newer`, remedy);
  return judge(name, version, minimum, remedy);
}

function judge(name: string, version: string, minimum: string, remedy: string): Check {
  const needed = `${minimum} or newer`;
  return atLeast(version, minimum) ? passed(name, version, needed) : failed(name, version, needed, remedy);
}
