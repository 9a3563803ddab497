// The figures of the provisioner, from one run.
import { note } from "@sandlot/toolchain/progress.js";

import type { Cluster } from "../cluster.js";
import type { Figure } from "../figures.js";
import type { Surroundings } from "../surroundings.js";
import { coldTimes, coldWrites } from "./cold.js";
import { fleetFigures, idleMemory } from "./fleet.js";
import { routerTimes } from "./router.js";
import { provisionerRows } from "./rows.js";
import { Stand, type Model } from "./stand.js";
import { warmTimes } from "./warm.js";
import { inWords } from "./writes.js";

/** Takes them. Needs a stack with a provisioner that is up, which it leaves alone. */
export async function provisionerFigures(
  cluster: Cluster,
  model: Model,
  around: Surroundings,
): Promise<Figure[]> {
  const { stand, close } = await Stand.open(cluster, model, around);
  const idle = await idleMemory(stand);
  const cold = await coldTimes(stand);
  const writes = await coldWrites(stand);
  const router = await routerTimes(stand);
  const warm = await warmTimes(stand);
  const fleet = { ...(await fleetFigures(stand)), ...idle };
  await close();
  for (const [what, { all }] of [
    [`${writes.rounds} cold creates`, writes.create],
    [`${writes.rounds} deletes`, writes.delete],
    [`${fleet.claims.length} warm claims`, fleet.claimWrites],
  ] as const)
    note(`Writes of ${what}: ${inWords(all)}`);
  return provisionerRows({ cold, coldWrites: writes, router, warm, fleet });
}
