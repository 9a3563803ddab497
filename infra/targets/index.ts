// The places that the platform can go to.
import type { Surroundings } from "../arguments";
import type { SandlotConfig } from "../config/schema";
import { containerTarget } from "./container";
import { existingTarget } from "./existing";
import { renderTarget } from "./render";
import type { Target } from "./target";

/**
 * The place that configuration names, its arguments checked.
 * @throws ArgumentError if one of them is bad.
 */
export function targetOf(config: SandlotConfig, around: Surroundings): Target {
  const { place } = around;
  switch (place.kind) {
    case "container":
      return containerTarget(config, around, place);
    case "existing":
      return existingTarget(place);
    case "render":
      return renderTarget(place);
  }
}
