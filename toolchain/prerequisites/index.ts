// What a machine must have before `make up`, and what `make doctor` reports.
import { cacheRoot } from "../paths.js";
import { passed, type Check } from "./check.js";
import { checkCgroups, checkKernel, readKernel } from "./kernel.js";
import { checkApt, checkDisk, checkDocker, checkMemory, diskNeeds, memoryNeeds } from "./machine.js";
import { checkPorts, type PortOptions } from "./ports.js";
import { checkNode, checkTool, type ToolName } from "./tools.js";

export { requireAll, type Check } from "./check.js";
export * from "./kernel.js";
export * from "./machine.js";
export * from "./ports.js";
export { checkNode, checkTool, type ToolName } from "./tools.js";

/** What a run is about to do, which is what decides on what it needs. */
export interface Plan {
  /** Whether something will be built from source here, as opposed to downloaded or found in the cache. */
  builds: boolean;
  /** The ports that the node will publish. */
  ports?: readonly number[];
  portOptions?: PortOptions;
}

/** Everything that this plan needs of the machine, looked at at once. Nothing is changed. */
export async function checkMachine(plan: Plan): Promise<Check[]> {
  const need = plan.builds ? "build" : "run";
  const tools: ToolName[] = plan.builds ? ["npm", "make", "go"] : ["npm", "make"];
  const [toolChecks, docker, disk, kernel, ports] = await Promise.all([
    Promise.all(tools.map((tool) => checkTool(tool))),
    checkDocker(),
    checkDisk(cacheRoot(), diskNeeds[need]),
    checkOwnKernel(),
    checkPorts(plan.ports ?? [], plan.portOptions),
  ]);
  const memory = checkMemory(memoryNeeds[need]);
  const apt = plan.builds ? [checkApt()] : [];
  return [checkNode(), ...toolChecks, ...apt, docker, disk, memory, ...kernel, ...ports];
}

async function checkOwnKernel(): Promise<Check[]> {
  const kernel = await readKernel();
  if (kernel === undefined) return [passed("kernel", "the Docker engine's own", "the Docker engine's own")];
  return [checkCgroups(kernel.mounts), checkKernel(kernel.config)];
}
