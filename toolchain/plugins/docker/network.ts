// docker:index/network:Network
import type { Resource, State } from "../provider/resource.js";
import type { Properties, Value } from "../provider/values.js";
import { EngineError, removeWhenFree, type Engine } from "./engine.js";
import { fromLabelMap, toLabelMap, type Label } from "./labels.js";
import { networkSchema } from "./schemas.js";

interface IpamConfig {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
  AuxAddress?: Record<string, string>;
}

interface NetworkInspect {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  EnableIPv6: boolean;
  Labels?: Record<string, string> | null;
  Options?: Record<string, string> | null;
  IPAM?: { Driver?: string; Options?: Record<string, string> | null; Config?: IpamConfig[] | null };
  Containers?: Record<string, { Name?: string }> | null;
}

interface IpamInput {
  subnet?: string;
  ipRange?: string;
  gateway?: string;
  auxAddress?: Record<string, string>;
}

/** How long a network that is in use is waited for, in milliseconds: what the official provider does. */
const freeWaitMs = 30_000;

/** The body of `POST /networks/create`. */
export function networkBody(inputs: Properties): Record<string, unknown> {
  const configs = inputs["ipamConfigs"] as IpamInput[] | undefined;
  return {
    Name: inputs["name"],
    // Engines before API 1.44 would else make a second network of the same name.
    CheckDuplicate: true,
    Driver: inputs["driver"] ?? "bridge",
    Internal: inputs["internal"] ?? false,
    Attachable: inputs["attachable"] ?? false,
    Ingress: inputs["ingress"] ?? false,
    EnableIPv6: inputs["ipv6"] ?? false,
    Options: inputs["options"] ?? {},
    Labels: toLabelMap(inputs["labels"] as Label[] | undefined),
    IPAM: {
      Driver: inputs["ipamDriver"] ?? "default",
      Options: inputs["ipamOptions"] ?? {},
      Config: (configs ?? []).map(({ subnet, ipRange, gateway, auxAddress }) => ({
        Subnet: subnet,
        IPRange: ipRange,
        Gateway: gateway,
        AuxiliaryAddresses: auxAddress,
      })),
    },
  };
}

function toState(found: NetworkInspect): State {
  return {
    id: found.Id,
    outputs: {
      name: found.Name,
      driver: found.Driver,
      scope: found.Scope,
      internal: found.Internal,
      attachable: found.Attachable,
      ingress: found.Ingress,
      ipv6: found.EnableIPv6,
      labels: fromLabelMap(found.Labels),
      options: found.Options ?? {},
      ipamDriver: found.IPAM?.Driver ?? "default",
      ipamOptions: found.IPAM?.Options ?? {},
      ipamConfigs: (found.IPAM?.Config ?? []).map(
        (config): Value => ({
          subnet: config.Subnet ?? "",
          ipRange: config.IPRange ?? "",
          gateway: config.Gateway ?? "",
          auxAddress: config.AuxiliaryAddresses ?? config.AuxAddress ?? {},
        }),
      ),
    },
  };
}

async function explainInUse(engine: Engine, id: string, error: unknown): Promise<Error> {
  const reason = error instanceof Error ? error.message : String(error);
  if (!(error instanceof EngineError)) return new Error(reason, { cause: error });
  const network = await engine.find<NetworkInspect>(`/networks/${id}`);
  const users = Object.values(network?.Containers ?? {}).map(({ Name }) => Name ?? "");
  const used = users.length === 0 ? "" : ` (used by ${users.join(", ")}: remove or disconnect them first)`;
  return new Error(`The network ${network?.Name ?? id} cannot be removed${used}: ${reason}`, {
    cause: error,
  });
}

/** The resource, over the engine that is there once the provider is configured. */
export function networkResource(engine: () => Engine): Resource {
  const find = (id: string): Promise<NetworkInspect | undefined> =>
    engine().find<NetworkInspect>(`/networks/${encodeURIComponent(id)}`);
  return {
    title: "Network",
    schema: networkSchema,
    autonamed: true,
    computed: ["driver", "internal", "ipamConfigs", "ipamOptions", "options", "scope"],

    async create(inputs) {
      let id: string;
      try {
        id = (await engine().json<{ Id: string }>("POST", "/networks/create", { body: networkBody(inputs) }))
          .Id;
      } catch (error) {
        if (!(error instanceof EngineError) || error.status !== 409) throw error;
        const name = inputs["name"] as string;
        throw new Error(
          `A network named ${name} exists already. Remove it (docker network rm ${name}), choose another name, or import it`,
          { cause: error },
        );
      }
      const found = await find(id);
      if (found === undefined)
        throw new Error(`The network ${inputs["name"] as string} vanished right after it was made`);
      return toState(found);
    },

    async read(id) {
      const found = await find(id);
      return found === undefined ? undefined : toState(found);
    },

    update(_id, outputs) {
      return Promise.resolve(outputs); // every argument replaces
    },

    async delete(id, _outputs, { signal }) {
      try {
        await removeWhenFree(() => engine().json("DELETE", `/networks/${id}`), signal, freeWaitMs);
      } catch (error) {
        throw await explainInUse(engine(), id, error);
      }
    },
  };
}
