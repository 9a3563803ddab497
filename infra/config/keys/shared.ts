// What several keys of configuration have in common.
import { choice, object, quantity } from "../values";

export const pullPolicy = (what: string) =>
  choice(["Always", "IfNotPresent", "Never"], `When ${what} is pulled. Default: IfNotPresent`);

export const resources = (which: string) =>
  object(
    {
      cpu: quantity("CPU").optional(),
      memory: quantity("Memory").optional(),
      ephemeralStorage: quantity("Local disk, logs included").optional(),
    },
    which,
  );
