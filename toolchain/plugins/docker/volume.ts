// docker:index/volume:Volume. Making a volume that exists already takes it over, as Docker and the official provider do.
import type { Resource, State } from "../provider/resource.js";
import { EngineError, removeWhenFree, type Engine } from "./engine.js";
import { fromLabelMap, toLabelMap, type Label } from "./labels.js";
import { volumeSchema } from "./schemas.js";

interface VolumeInspect {
  Name: string;
  Driver: string;
  Mountpoint: string;
  Labels?: Record<string, string> | null;
  Options?: Record<string, string> | null;
}

/** How long a volume that is in use is waited for, in milliseconds: what the official provider does. */
const freeWaitMs = 30_000;

function toState(found: VolumeInspect): State {
  return {
    id: found.Name,
    outputs: {
      name: found.Name,
      driver: found.Driver,
      driverOpts: found.Options ?? {},
      labels: fromLabelMap(found.Labels),
      mountpoint: found.Mountpoint,
    },
  };
}

async function explainInUse(engine: Engine, id: string, error: unknown): Promise<Error> {
  const reason = error instanceof Error ? error.message : String(error);
  if (!(error instanceof EngineError) || error.status !== 409) return new Error(reason, { cause: error });
  const filters = JSON.stringify({ volume: [id] });
  const users = await engine.json<{ Names: string[] }[]>("GET", "/containers/json", {
    query: { all: true, filters },
  });
  const names = users.map(({ Names }) => Names[0]?.replace(/^\//, "") ?? "").join(", ");
  return new Error(
    `The volume ${id} cannot be removed: it is in use by ${names}. Remove that first: docker rm -f ${names}`,
    {
      cause: error,
    },
  );
}

/** The resource, over the engine that is there once the provider is configured. */
export function volumeResource(engine: () => Engine): Resource {
  const path = (id: string): string => `/volumes/${encodeURIComponent(id)}`;
  return {
    title: "Volume",
    schema: volumeSchema,
    autonamed: true,
    computed: ["driver", "mountpoint"],

    async create(inputs) {
      const body = {
        Name: inputs["name"],
        Driver: inputs["driver"] ?? "local",
        DriverOpts: inputs["driverOpts"] ?? {},
        Labels: toLabelMap(inputs["labels"] as Label[] | undefined),
      };
      return toState(await engine().json<VolumeInspect>("POST", "/volumes/create", { body }));
    },

    async read(id) {
      const found = await engine().find<VolumeInspect>(path(id));
      return found === undefined ? undefined : toState(found);
    },

    update(_id, outputs) {
      return Promise.resolve(outputs); // every argument replaces
    },

    async delete(id, _outputs, { signal }) {
      try {
        await removeWhenFree(() => engine().json("DELETE", path(id)), signal, freeWaitMs);
      } catch (error) {
        throw await explainInUse(engine(), id, error);
      }
    },
  };
}
