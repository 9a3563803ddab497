// From the arguments of a container to the requests that make it. Pure: plain data in, plain data out.
import { toLabelMap, type Label } from "./labels.js";

/** A container's arguments; checked against its schema before. Memory sizes in MiB. */
export interface ContainerInputs {
  name: string;
  image: string;
  attach?: boolean;
  capabilities?: { adds?: string[]; drops?: string[] };
  cgroupParent?: string;
  cgroupnsMode?: string;
  command?: string[];
  containerReadRefreshTimeoutMilliseconds?: number;
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuSet?: string;
  cpuShares?: number;
  cpus?: string;
  destroyGraceSeconds?: number;
  deviceCgroupRules?: string[];
  deviceReadBps?: Rate[];
  deviceReadIops?: Rate[];
  deviceWriteBps?: Rate[];
  deviceWriteIops?: Rate[];
  devices?: { hostPath: string; containerPath?: string; permissions?: string }[];
  dns?: string[];
  dnsOpts?: string[];
  dnsSearches?: string[];
  domainname?: string;
  entrypoints?: string[];
  envs?: string[];
  groupAdds?: string[];
  healthcheck?: Healthcheck;
  hostname?: string;
  hosts?: { host: string; ip: string }[];
  init?: boolean;
  ipcMode?: string;
  labels?: Label[];
  logDriver?: string;
  logOpts?: Record<string, string>;
  logs?: boolean;
  maxRetryCount?: number;
  memory?: number;
  memoryReservation?: number;
  memorySwap?: number;
  mounts?: Mount[];
  mustRun?: boolean;
  networkMode?: string;
  networksAdvanced?: NetworkAttachment[];
  pidMode?: string;
  platform?: string;
  ports?: Port[];
  privileged?: boolean;
  publishAllPorts?: boolean;
  readOnly?: boolean;
  removeVolumes?: boolean;
  restart?: string;
  rm?: boolean;
  runtime?: string;
  securityOpts?: string[];
  shmSize?: number;
  start?: boolean;
  stdinOpen?: boolean;
  stopSignal?: string;
  stopTimeout?: number;
  storageOpts?: Record<string, string>;
  sysctls?: Record<string, string>;
  tmpfs?: Record<string, string>;
  tty?: boolean;
  ulimits?: { name: string; soft: number; hard: number }[];
  uploads?: Upload[];
  user?: string;
  usernsMode?: string;
  volumes?: VolumeMount[];
  wait?: boolean;
  waitTimeout?: number;
  workingDir?: string;
}

/** A rate limit of a device, per second. */
export interface Rate {
  path: string;
  rate: number;
}

/** A published port. */
export interface Port {
  internal: number;
  external?: number;
  ip?: string;
  protocol?: string;
}

/** A health check; durations as Go writes them. */
export interface Healthcheck {
  tests: string[];
  interval?: string;
  timeout?: string;
  startPeriod?: string;
  startInterval?: string;
  retries?: number;
}

/** A network and how the container takes part in it. */
export interface NetworkAttachment {
  name: string;
  aliases?: string[];
  driverOpts?: string[];
  ipv4Address?: string;
  ipv6Address?: string;
  linkLocalIps?: string[];
  macAddress?: string;
}

/** A mount. */
export interface Mount {
  type: string;
  target: string;
  source?: string;
  readOnly?: boolean;
  bindOptions?: { propagation?: string };
  volumeOptions?: {
    driverName?: string;
    driverOptions?: Record<string, string>;
    labels?: Label[];
    noCopy?: boolean;
    subpath?: string;
  };
  tmpfsOptions?: { mode?: number; sizeBytes?: number };
}

/** A volume or a folder of the host, in the container. */
export interface VolumeMount {
  containerPath?: string;
  fromContainer?: string;
  hostPath?: string;
  readOnly?: boolean;
  selinuxRelabel?: string;
  volumeName?: string;
}

/** A file put into the container before it starts. */
export interface Upload {
  file: string;
  content?: string;
  contentBase64?: string;
  executable?: boolean;
  permissions?: string;
  source?: string;
}

const mib = 1024 * 1024;
const nanosPerCpu = 1e9;

/** The body of `POST /containers/create`. */
export function createBody(inputs: ContainerInputs): Record<string, unknown> {
  const [first] = inputs.networksAdvanced ?? [];
  const ports = portMaps(inputs.ports ?? []);
  const anonymous = (inputs.volumes ?? []).filter((volume) => isAnonymous(volume));
  return dropAbsent({
    Image: inputs.image,
    Hostname: inputs.hostname,
    Domainname: inputs.domainname,
    User: inputs.user,
    Tty: inputs.tty,
    OpenStdin: inputs.stdinOpen,
    Env: inputs.envs,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    WorkingDir: inputs.workingDir,
    StopSignal: inputs.stopSignal,
    StopTimeout: inputs.stopTimeout,
    Labels: toLabelMap(inputs.labels),
    Healthcheck: inputs.healthcheck === undefined ? undefined : healthcheckBody(inputs.healthcheck),
    ExposedPorts: ports.exposed,
    Volumes: Object.fromEntries(anonymous.map((volume) => [volume.containerPath ?? "", {}])),
    HostConfig: hostConfig(inputs, ports.bindings),
    NetworkingConfig:
      first === undefined ? undefined : { EndpointsConfig: { [first.name]: endpointBody(first) } },
  });
}

function hostConfig(inputs: ContainerInputs, portBindings: unknown): Record<string, unknown> {
  return dropAbsent({
    ...limits(inputs),
    ...isolation(inputs),
    ...storage(inputs),
    PortBindings: portBindings,
    PublishAllPorts: inputs.publishAllPorts,
    NetworkMode: inputs.networksAdvanced?.[0]?.name ?? inputs.networkMode,
    ExtraHosts: inputs.hosts?.map(({ host, ip }) => `${host}:${ip}`),
    Dns: inputs.dns,
    DnsOptions: inputs.dnsOpts,
    DnsSearch: inputs.dnsSearches,
    RestartPolicy: restartPolicy(inputs),
    AutoRemove: inputs.rm,
    Init: inputs.init,
    LogConfig:
      inputs.logDriver === undefined && inputs.logOpts === undefined
        ? undefined
        : { Type: inputs.logDriver ?? "", Config: inputs.logOpts ?? {} },
  });
}

function limits(inputs: ContainerInputs): Record<string, unknown> {
  return {
    ...updatableLimits(inputs),
    NanoCpus: inputs.cpus === undefined ? undefined : Math.round(Number(inputs.cpus) * nanosPerCpu),
    ShmSize: inputs.shmSize === undefined ? undefined : inputs.shmSize * mib,
    Ulimits: inputs.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    BlkioDeviceReadBps: rates(inputs.deviceReadBps),
    BlkioDeviceReadIOps: rates(inputs.deviceReadIops),
    BlkioDeviceWriteBps: rates(inputs.deviceWriteBps),
    BlkioDeviceWriteIOps: rates(inputs.deviceWriteIops),
  };
}

function updatableLimits(inputs: ContainerInputs): Record<string, unknown> {
  const { memorySwap } = inputs;
  return {
    Memory: (inputs.memory ?? 0) * mib,
    MemoryReservation: (inputs.memoryReservation ?? 0) * mib,
    MemorySwap: memorySwap === undefined ? 0 : memorySwap > 0 ? memorySwap * mib : memorySwap,
    CpuShares: inputs.cpuShares ?? 0,
    CpusetCpus: inputs.cpuSet ?? "",
    // Docker knows one way at a time to limit CPU time; cpus wins, as the SDK says.
    CpuPeriod: inputs.cpus === undefined ? (inputs.cpuPeriod ?? 0) : undefined,
    CpuQuota: inputs.cpus === undefined ? (inputs.cpuQuota ?? 0) : undefined,
  };
}

function isolation(inputs: ContainerInputs): Record<string, unknown> {
  return {
    Privileged: inputs.privileged,
    CapAdd: inputs.capabilities?.adds,
    CapDrop: inputs.capabilities?.drops,
    SecurityOpt: inputs.securityOpts,
    Sysctls: inputs.sysctls,
    Runtime: inputs.runtime,
    PidMode: inputs.pidMode,
    IpcMode: inputs.ipcMode,
    UsernsMode: inputs.usernsMode,
    CgroupnsMode: inputs.cgroupnsMode,
    CgroupParent: inputs.cgroupParent,
    GroupAdd: inputs.groupAdds,
    Devices: inputs.devices?.map(({ hostPath, containerPath, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath ?? hostPath,
      CgroupPermissions: permissions ?? "rwm",
    })),
    DeviceCgroupRules: inputs.deviceCgroupRules,
  };
}

function storage(inputs: ContainerInputs): Record<string, unknown> {
  const volumes = inputs.volumes ?? [];
  return {
    Binds: volumes
      .filter((volume) => !isAnonymous(volume) && volume.fromContainer === undefined)
      .map(bindText),
    VolumesFrom: volumes.flatMap(({ fromContainer, readOnly }) =>
      fromContainer === undefined ? [] : [readOnly === true ? `${fromContainer}:ro` : fromContainer],
    ),
    Mounts: inputs.mounts?.map(mountBody),
    Tmpfs: inputs.tmpfs,
    ReadonlyRootfs: inputs.readOnly,
    StorageOpt: inputs.storageOpts,
  };
}

function isAnonymous({ volumeName, hostPath, fromContainer }: VolumeMount): boolean {
  return volumeName === undefined && hostPath === undefined && fromContainer === undefined;
}

function bindText(volume: VolumeMount): string {
  const { volumeName, hostPath, containerPath = "", readOnly, selinuxRelabel } = volume;
  const options = [readOnly === true ? "ro" : "rw", selinuxRelabel].filter((option) => option !== undefined);
  return `${volumeName ?? hostPath ?? ""}:${containerPath}:${options.join(",")}`;
}

function mountBody(mount: Mount): Record<string, unknown> {
  const { bindOptions, volumeOptions, tmpfsOptions } = mount;
  return dropAbsent({
    Type: mount.type,
    Target: mount.target,
    Source: mount.source,
    ReadOnly: mount.readOnly,
    BindOptions: bindOptions === undefined ? undefined : dropAbsent({ Propagation: bindOptions.propagation }),
    VolumeOptions:
      volumeOptions === undefined
        ? undefined
        : dropAbsent({
            NoCopy: volumeOptions.noCopy,
            Labels: volumeOptions.labels === undefined ? undefined : toLabelMap(volumeOptions.labels),
            DriverConfig:
              volumeOptions.driverName === undefined && volumeOptions.driverOptions === undefined
                ? undefined
                : dropAbsent({ Name: volumeOptions.driverName, Options: volumeOptions.driverOptions }),
            Subpath: volumeOptions.subpath,
          }),
    TmpfsOptions:
      tmpfsOptions === undefined
        ? undefined
        : dropAbsent({ SizeBytes: tmpfsOptions.sizeBytes, Mode: tmpfsOptions.mode }),
  });
}

function portMaps(ports: readonly Port[]): {
  exposed: Record<string, object>;
  bindings: Record<string, object[]>;
} {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, object[]> = {};
  for (const { internal, external, ip, protocol } of ports) {
    const key = `${internal}/${protocol ?? "tcp"}`;
    exposed[key] = {};
    (bindings[key] ??= []).push({
      HostIp: ip ?? "0.0.0.0",
      HostPort: external === undefined || external === 0 ? "" : String(external),
    });
  }
  return { exposed, bindings };
}

function healthcheckBody(check: Healthcheck): Record<string, unknown> {
  const startInterval = nanoseconds(check.startInterval);
  return dropAbsent({
    Test: check.tests,
    Interval: nanoseconds(check.interval),
    Timeout: nanoseconds(check.timeout),
    StartPeriod: nanoseconds(check.startPeriod),
    // Engines before API 1.44 refuse it.
    StartInterval: startInterval === 0 ? undefined : startInterval,
    Retries: check.retries ?? 0,
  });
}

const nanosPer: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** A duration as Go writes it, in nanoseconds. */
export function nanoseconds(duration: string | undefined): number {
  let total = 0;
  for (const [, amount, unit] of (duration ?? "").matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)) {
    total += Number(amount) * (nanosPer[unit ?? ""] ?? 0);
  }
  return Math.round(total);
}

/** What `POST /networks/{id}/connect` and the create request say of one network. */
export function endpointBody(network: NetworkAttachment): Record<string, unknown> {
  const options = (network.driverOpts ?? []).map((option) => {
    const at = option.indexOf("=");
    return at < 0 ? [option, ""] : [option.slice(0, at), option.slice(at + 1)];
  });
  return dropAbsent({
    Aliases: network.aliases,
    MacAddress: network.macAddress,
    DriverOpts: options.length === 0 ? undefined : Object.fromEntries(options),
    IPAMConfig: dropAbsent({
      IPv4Address: network.ipv4Address,
      IPv6Address: network.ipv6Address,
      LinkLocalIPs: network.linkLocalIps,
    }),
  });
}

function restartPolicy({ restart, maxRetryCount }: ContainerInputs): Record<string, unknown> {
  return { Name: restart ?? "no", MaximumRetryCount: maxRetryCount ?? 0 };
}

/**
 * The body of `POST /containers/{id}/update`: all that can be changed in place. A memory limit without one for swap gets
 * twice its size, what Docker itself sets at creation: otherwise raising it above the old swap limit is refused.
 */
export function updateBody(inputs: ContainerInputs): Record<string, unknown> {
  const memorySwap = inputs.memorySwap ?? (inputs.memory === undefined ? undefined : inputs.memory * 2);
  return dropAbsent({
    ...updatableLimits(dropAbsent({ ...inputs, memorySwap }) as unknown as ContainerInputs),
    RestartPolicy: restartPolicy(inputs),
  });
}

function rates(values: readonly Rate[] | undefined): object[] | undefined {
  return values?.map(({ path, rate }) => ({ Path: path, Rate: rate }));
}

function dropAbsent(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
