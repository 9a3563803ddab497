// The arguments of the Docker resources: those of @pulumi/docker 5.2, with the defaults and the replacements of the
// Terraform provider under it (internal/provider/resource_docker_*.go of kreuzwerker/terraform-provider-docker).
// Where that provider takes a change of an argument and does nothing (tmpfs, init), the resource is replaced here.
import {
  between,
  boolean,
  integer,
  list,
  map,
  object,
  oneOf,
  set,
  text,
  type Field,
  type Schema,
  type Type,
} from "../provider/schema.js";

const replaces = (type: Type, more: Partial<Field> = {}): Field => ({ type, replaces: true, ...more });
const updates = (type: Type, more: Partial<Field> = {}): Field => ({ type, ...more });
const required = { required: true } as const;

const port = between(0, 65535);
const bytes = between(0);
const absolutePath: Type = { kind: "text", pattern: /^([A-Za-z]:)?[/\\]/, form: "an absolute path" };
const objectName: Type = {
  kind: "text",
  pattern: /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/,
  form: "letters, digits, _ . - (a letter or digit first)",
};
/** A duration as Go writes it. */
const duration: Type = {
  kind: "text",
  pattern: /^(0|(\d+(\.\d+)?(ns|us|ms|s|m|h))+)$/,
  form: 'a duration such as "500ms", "10s", "1m30s"',
};

const labels = set(object({ label: { type: text, ...required }, value: { type: text, ...required } }));
const rates = set(object({ path: { type: text, ...required }, rate: { type: bytes, ...required } }));

/** docker:index/network:Network */
export const networkSchema: Schema = {
  name: replaces(objectName),
  attachable: replaces(boolean),
  driver: replaces(text),
  ingress: replaces(boolean),
  internal: replaces(boolean),
  ipamConfigs: replaces(
    set(
      object({
        auxAddress: { type: map },
        gateway: { type: text },
        ipRange: { type: text },
        subnet: { type: text },
      }),
    ),
  ),
  ipamDriver: replaces(text, { default: "default" }),
  ipamOptions: replaces(map),
  ipv6: replaces(boolean),
  labels: replaces(labels),
  options: replaces(map),
};

/** docker:index/volume:Volume */
export const volumeSchema: Schema = {
  name: replaces(objectName),
  driver: replaces(text),
  driverOpts: replaces(map),
  labels: replaces(labels),
};

/** docker:index/remoteImage:RemoteImage */
export const imageSchema: Schema = {
  name: replaces(text, required),
  forceRemove: updates(boolean),
  keepLocally: updates(boolean),
  platform: replaces(text),
  pullTriggers: replaces(set(text)),
  triggers: replaces(map),
};

const mounts = set(
  object({
    type: { type: oneOf("bind", "volume", "tmpfs"), ...required },
    target: { type: absolutePath, ...required },
    source: { type: text },
    readOnly: { type: boolean },
    bindOptions: {
      type: object({
        propagation: { type: oneOf("private", "rprivate", "shared", "rshared", "slave", "rslave") },
      }),
    },
    volumeOptions: {
      type: object({
        driverName: { type: text },
        driverOptions: { type: map },
        labels: { type: labels },
        noCopy: { type: boolean },
        subpath: { type: text },
      }),
    },
    tmpfsOptions: { type: object({ mode: { type: integer }, sizeBytes: { type: bytes } }) },
  }),
);

const volumes = set(
  object({
    containerPath: { type: absolutePath },
    fromContainer: { type: text },
    hostPath: { type: absolutePath },
    readOnly: { type: boolean },
    selinuxRelabel: { type: oneOf("z", "Z") },
    volumeName: { type: text },
  }),
);

const ports = list(
  object({
    internal: { type: port, ...required },
    external: { type: port },
    ip: { type: text, default: "0.0.0.0" },
    protocol: { type: oneOf("tcp", "udp", "sctp"), default: "tcp" },
  }),
);

const networksAdvanced = set(
  object({
    name: { type: text, ...required },
    aliases: { type: set(text) },
    driverOpts: { type: set(text) },
    ipv4Address: { type: text },
    ipv6Address: { type: text },
    linkLocalIps: { type: set(text) },
    macAddress: { type: text },
  }),
);

const uploads = set(
  object({
    file: { type: absolutePath, ...required },
    content: { type: text },
    contentBase64: { type: text },
    executable: { type: boolean, default: false },
    permissions: { type: { kind: "text", pattern: /^0[0-7]{3}$/, form: 'an octal mode such as "0644"' } },
    source: { type: text },
    sourceHash: { type: text },
  }),
);

const healthcheck = object({
  interval: { type: duration, default: "0s" },
  retries: { type: bytes, default: 0 },
  startInterval: { type: duration, default: "0s" },
  startPeriod: { type: duration, default: "0s" },
  tests: { type: list(text), ...required },
  timeout: { type: duration, default: "0s" },
});

/** docker:index/container:Container. Not supported: gpus, deviceRequests, networksAdvanced.gwPriority, upload owners. */
export const containerSchema: Schema = {
  name: replaces(objectName),
  image: replaces(text, required),

  // What runs in it.
  command: replaces(list(text)),
  entrypoints: replaces(list(text)),
  envs: replaces(set(text)),
  workingDir: replaces(text),
  user: replaces(text),
  groupAdds: replaces(set(text)),
  init: replaces(boolean),
  tty: replaces(boolean, { default: false }),
  stdinOpen: replaces(boolean, { default: false }),
  stopSignal: replaces(text),
  stopTimeout: replaces(between(0)),
  healthcheck: replaces(healthcheck),
  labels: replaces(labels),
  uploads: replaces(uploads),

  // Its network.
  hostname: replaces(text),
  domainname: replaces(text),
  hosts: replaces(set(object({ host: { type: text, ...required }, ip: { type: text, ...required } }))),
  dns: replaces(set(text)),
  dnsOpts: replaces(set(text)),
  dnsSearches: replaces(set(text)),
  networkMode: replaces(text, { default: "bridge" }),
  networksAdvanced: replaces(networksAdvanced),
  ports: replaces(ports),
  publishAllPorts: replaces(boolean),

  // Its storage.
  volumes: replaces(volumes),
  mounts: replaces(mounts),
  tmpfs: replaces(map),
  readOnly: replaces(boolean, { default: false }),
  shmSize: replaces(bytes),
  storageOpts: replaces(map),

  // Its isolation.
  privileged: replaces(boolean),
  capabilities: replaces(object({ adds: { type: set(text) }, drops: { type: set(text) } })),
  securityOpts: replaces(set(text)),
  sysctls: replaces(map),
  runtime: replaces(text),
  platform: replaces(text),
  pidMode: replaces(text),
  ipcMode: replaces(text),
  usernsMode: replaces(text),
  cgroupnsMode: replaces(oneOf("private", "host")),
  cgroupParent: replaces(text),
  devices: replaces(
    set(
      object({
        hostPath: { type: text, ...required },
        containerPath: { type: text },
        permissions: { type: { kind: "text", pattern: /^[rwm]+$/, form: "letters of rwm" } },
      }),
    ),
  ),
  deviceCgroupRules: replaces(set(text)),
  deviceReadBps: replaces(rates),
  deviceReadIops: replaces(rates),
  deviceWriteBps: replaces(rates),
  deviceWriteIops: replaces(rates),

  // Its limits. Memory in MiB.
  memory: updates(between(0)),
  memoryReservation: updates(between(0)),
  memorySwap: updates(between(-1)),
  cpuShares: updates(between(0)),
  cpuSet: updates({ kind: "text", pattern: /^\d+([,-]\d+)*$/, form: 'CPUs such as "0-1" or "0,2"' }),
  cpuPeriod: updates(between(0)),
  cpuQuota: updates(between(0)),
  cpus: replaces({ kind: "text", pattern: /^\d+(\.\d+)?$/, form: 'a number of CPUs such as "1.5"' }),
  ulimits: replaces(
    set(
      object({
        name: { type: text, ...required },
        soft: { type: integer, ...required },
        hard: { type: integer, ...required },
      }),
    ),
  ),

  // Its logs.
  logDriver: replaces(text),
  logOpts: replaces(map),

  // Its life. Times in seconds but where the name says otherwise.
  restart: updates(oneOf("no", "on-failure", "always", "unless-stopped"), { default: "no" }),
  maxRetryCount: updates(between(0)),
  rm: updates(boolean, { default: false }),
  start: updates(boolean, { default: true }),
  mustRun: updates(boolean, { default: true }),
  attach: updates(boolean, { default: false }),
  logs: updates(boolean, { default: false }),
  wait: updates(boolean, { default: false }),
  waitTimeout: updates(between(1), { default: 60 }),
  containerReadRefreshTimeoutMilliseconds: updates(between(1), { default: 15000 }),
  destroyGraceSeconds: updates(between(0)),
  removeVolumes: updates(boolean, { default: true }),
};
