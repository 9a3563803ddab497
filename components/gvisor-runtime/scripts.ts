// The shell programs that run in pods of this component, as they are in ./scripts.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (name: string): string => readFileSync(join(__dirname, "scripts", name), "utf8");

/** Puts gVisor on a node and takes it away. */
export const installScript = read("install.sh");

/** Runs the installation and labels the node. */
export const agentScript = read("agent.sh");

/** Ends well only inside gVisor. */
export const checkScript = read("check.sh");
