// From what Docker tells of a container to the outputs of the resource. Pure.
import type { Properties, Value } from "../provider/values.js";
import type { ContainerInputs, Port } from "./containerSpec.js";
import { fromLabelMap } from "./labels.js";

/** The parts of `GET /containers/{id}/json` that are used. */
export interface ContainerInspect {
  Id: string;
  Name: string;
  State: {
    Status: string;
    Running: boolean;
    Restarting: boolean;
    ExitCode: number;
    Error?: string;
    Health?: { Status: string; Log?: { Output: string }[] | null };
  };
  Config: {
    Image: string;
    Hostname?: string;
    Domainname?: string;
    User?: string;
    Env?: string[] | null;
    Cmd?: string[] | null;
    Entrypoint?: string[] | null;
    WorkingDir?: string;
    Labels?: Record<string, string> | null;
    StopSignal?: string;
    StopTimeout?: number;
    Tty?: boolean;
    OpenStdin?: boolean;
  };
  HostConfig: {
    RestartPolicy?: { Name: string; MaximumRetryCount: number };
    AutoRemove?: boolean;
    Memory?: number;
    MemoryReservation?: number;
    MemorySwap?: number;
    CpuShares?: number;
    CpusetCpus?: string;
    CpuPeriod?: number;
    CpuQuota?: number;
    NetworkMode?: string;
    Privileged?: boolean;
    ReadonlyRootfs?: boolean;
    PublishAllPorts?: boolean;
    Init?: boolean | null;
    IpcMode?: string;
    PidMode?: string;
    UsernsMode?: string;
    CgroupnsMode?: string;
    Runtime?: string;
    ShmSize?: number;
    SecurityOpt?: string[] | null;
    LogConfig?: { Type?: string };
    Tmpfs?: Record<string, string> | null;
    Sysctls?: Record<string, string> | null;
    Binds?: string[] | null;
    PortBindings?: PortMap | null;
  };
  NetworkSettings: {
    Bridge?: string;
    Ports?: PortMap | null;
    Networks?: Record<string, NetworkEndpoint> | null;
  };
}

type PortMap = Record<string, { HostIp?: string; HostPort?: string }[] | null>;

interface NetworkEndpoint {
  NetworkID?: string;
  Gateway?: string;
  IPAddress?: string;
  IPPrefixLen?: number;
  IPv6Gateway?: string;
  GlobalIPv6Address?: string;
  GlobalIPv6PrefixLen?: number;
  MacAddress?: string;
}

const mib = 1024 * 1024;

/** Whether the container runs, or is about to. */
export function isUp({ State }: ContainerInspect): boolean {
  return State.Running || State.Restarting;
}

/**
 * The outputs of a container made with `inputs`: these, with what Docker filled in, and with what can be changed on a
 * living container as it is now.
 */
export function containerOutputs(found: ContainerInspect, inputs: Properties): Properties {
  return { ...filledIn(found), ...inputs, ...changeable(found, inputs), ...computed(found, inputs) };
}

/** The arguments of a container that was not made by this resource, as far as Docker tells. */
export function importedOutputs(found: ContainerInspect): Properties {
  const { Config, HostConfig } = found;
  const inputs: Properties = {
    image: Config.Image,
    domainname: Config.Domainname ?? "",
    user: Config.User ?? "",
    workingDir: Config.WorkingDir ?? "",
    tty: Config.Tty ?? false,
    stdinOpen: Config.OpenStdin ?? false,
    rm: HostConfig.AutoRemove ?? false,
    privileged: HostConfig.Privileged ?? false,
    readOnly: HostConfig.ReadonlyRootfs ?? false,
    publishAllPorts: HostConfig.PublishAllPorts ?? false,
    networkMode: HostConfig.NetworkMode ?? "",
    pidMode: HostConfig.PidMode ?? "",
    usernsMode: HostConfig.UsernsMode ?? "",
    cgroupnsMode: HostConfig.CgroupnsMode ?? "",
    tmpfs: HostConfig.Tmpfs ?? {},
    sysctls: HostConfig.Sysctls ?? {},
    ports: publishedPorts(HostConfig.PortBindings),
    volumes: (HostConfig.Binds ?? []).map(volumeOf),
  };
  return containerOutputs(found, inputs);
}

/** What Docker chooses where the arguments say nothing. */
function filledIn({ Config, HostConfig }: ContainerInspect): Properties {
  return {
    hostname: Config.Hostname ?? "",
    command: Config.Cmd ?? [],
    entrypoints: Config.Entrypoint ?? [],
    envs: Config.Env ?? [],
    labels: fromLabelMap(Config.Labels),
    init: HostConfig.Init ?? false,
    ipcMode: HostConfig.IpcMode ?? "",
    logDriver: HostConfig.LogConfig?.Type ?? "",
    runtime: HostConfig.Runtime ?? "",
    securityOpts: HostConfig.SecurityOpt ?? [],
    shmSize: Math.round((HostConfig.ShmSize ?? 0) / mib),
    stopSignal: Config.StopSignal ?? "",
    stopTimeout: Config.StopTimeout ?? 0,
  };
}

/** What `docker rename`, `docker update`, `docker network connect` and `docker stop` change. */
function changeable(found: ContainerInspect, inputs: Properties): Properties {
  const { HostConfig: host } = found;
  const swap = host.MemorySwap ?? 0;
  const networks = inputs["networksAdvanced"] as { name: string }[] | undefined;
  return {
    name: found.Name.replace(/^\//, ""),
    restart: host.RestartPolicy?.Name === "" ? "no" : (host.RestartPolicy?.Name ?? "no"),
    maxRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    memory: Math.round((host.Memory ?? 0) / mib),
    memoryReservation: Math.round((host.MemoryReservation ?? 0) / mib),
    memorySwap: swap > 0 ? Math.round(swap / mib) : swap,
    cpuShares: host.CpuShares ?? 0,
    cpuSet: host.CpusetCpus ?? "",
    cpuPeriod: host.CpuPeriod ?? 0,
    cpuQuota: host.CpuQuota ?? 0,
    ...(networks === undefined
      ? {}
      : { networksAdvanced: networks.filter(({ name }) => isConnected(found, name)) }),
  };
}

function isConnected({ NetworkSettings }: ContainerInspect, network: string): boolean {
  const connected = Object.entries(NetworkSettings.Networks ?? {});
  return connected.some(([name, { NetworkID }]) => name === network || NetworkID === network);
}

/** The outputs that are no arguments, and the ports with those that Docker chose. */
function computed(found: ContainerInspect, inputs: Properties): Properties {
  const { State, NetworkSettings } = found;
  const asked = inputs["ports"] as Port[] | undefined;
  return {
    bridge: NetworkSettings.Bridge ?? "",
    networkDatas: Object.entries(NetworkSettings.Networks ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, endpoint]) => networkData(name, endpoint)),
    ...(isUp(found) ? {} : { exitCode: State.ExitCode }),
    ...(asked === undefined
      ? { ports: publishedPorts(NetworkSettings.Ports) }
      : {
          ports: asked.map((port): Value => ({ ...port, external: externalOf(port, NetworkSettings.Ports) })),
        }),
  };
}

function networkData(networkName: string, endpoint: NetworkEndpoint): Value {
  return {
    networkName,
    gateway: endpoint.Gateway ?? "",
    ipAddress: endpoint.IPAddress ?? "",
    ipPrefixLength: endpoint.IPPrefixLen ?? 0,
    ipv6Gateway: endpoint.IPv6Gateway ?? "",
    globalIpv6Address: endpoint.GlobalIPv6Address ?? "",
    globalIpv6PrefixLength: endpoint.GlobalIPv6PrefixLen ?? 0,
    macAddress: endpoint.MacAddress ?? "",
  };
}

function externalOf({ internal, external, ip, protocol }: Port, bound: PortMap | null | undefined): Value {
  if (external !== undefined && external !== 0) return external;
  const bindings = bound?.[`${internal}/${protocol ?? "tcp"}`] ?? [];
  const chosen = (bindings.find(({ HostIp }) => HostIp === ip) ?? bindings[0])?.HostPort;
  return chosen === undefined || chosen === "" ? external : Number(chosen);
}

function publishedPorts(ports: PortMap | null | undefined): Value[] {
  return Object.entries(ports ?? {}).flatMap(([key, bindings]) => {
    const [internal, protocol = "tcp"] = key.split("/");
    return (bindings ?? []).map(
      ({ HostIp, HostPort }): Value => ({
        internal: Number(internal),
        external: Number(HostPort ?? 0),
        ip: HostIp === undefined || HostIp === "" ? "0.0.0.0" : HostIp,
        protocol,
      }),
    );
  });
}

function volumeOf(bind: string): Value {
  const [source = "", containerPath = "", options = ""] = bind.split(":");
  return {
    ...(source.startsWith("/") ? { hostPath: source } : { volumeName: source }),
    containerPath,
    ...(options.split(",").includes("ro") ? { readOnly: true } : {}),
  };
}

/** The state for logs and errors. */
export function describeState({ State }: ContainerInspect): string {
  const error = State.Error === undefined || State.Error === "" ? "" : `: ${State.Error}`;
  return isUp({ State } as ContainerInspect)
    ? State.Status
    : `${State.Status} with code ${State.ExitCode}${error}`;
}

/** Typed view of checked inputs. */
export function asInputs(inputs: Properties): ContainerInputs {
  return inputs as unknown as ContainerInputs;
}
