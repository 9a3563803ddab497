// What is wrong with a cluster's arguments.
import { isIP } from "node:net";
import { basename } from "node:path/posix";

import { Checks, type Rule } from "../shared/checks";
import {
  absolutePath,
  dnsLabel,
  environmentName,
  integerBetween,
  matching,
  oneOf,
  pinnedImage,
  port,
} from "../shared/rules";
import {
  ImagePullPolicy,
  PortProtocol,
  withDefaults,
  type K3sClusterArgs,
  type K3sClusterSettings,
} from "./args";

/** Flags of `k3s server` that belong to an argument of the component, or that it relies on. */
const ownFlags: Readonly<Record<string, string>> = {
  "--node-name": "containerName",
  "--tls-san": "tlsSans",
  "--disable": "disable",
  "--https-listen-port": "apiPort, the host's port; the node's own stays 6443",
  "--data-dir": "nothing: data stays in the volume",
  "--write-kubeconfig": "nothing: the component's output kubeconfig",
};

/** What leaves room for `-agent-<n>` in a DNS label. */
const longestWithAgents = 55;

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: K3sClusterArgs): K3sClusterSettings {
  const settings = withDefaults(args);
  const checks = new Checks("K3sCluster", name);
  checks.plain(
    "stack",
    settings.stack,
    matching(/^[A-Za-z0-9_.-]{1,100}$/, "a stack's name: at most 100 letters, digits, -, _ and ."),
  );
  checks.plain(
    "owner",
    settings.owner,
    matching(/^[^\0\n]+$/, "one line of text, such as the path of a checkout's state folder"),
  );
  checks.plain("containerName", settings.containerName, dnsLabel);
  checks.plain("agents", settings.agents, integerBetween(0, 5, "a number of nodes"));
  if (settings.agents > 0 && settings.containerName.length > longestWithAgents)
    checks.problem(
      `containerName is ${settings.containerName}, which is too long for the names of agents; choose one of at most ` +
        `${longestWithAgents} characters`,
    );
  checks.plain("clusterIdentifier", settings.clusterIdentifier, matching(/^\S+$/, "text without spaces"));
  checks.plain("imagePullPolicy", settings.imagePullPolicy, oneOf(ImagePullPolicy));
  checks.plain("bindAddress", settings.bindAddress, ipAddress);
  checks.plain("memory", settings.memory, integerBetween(1024, 4 * 1024 * 1024, "a number of MiB"));
  checks.plain("cpus", settings.cpus, cores);
  checks.plain("podPidsLimit", settings.podPidsLimit, integerBetween(64, 1048576, "a number of processes"));
  checks.plain(
    "readyTimeoutSeconds",
    settings.readyTimeoutSeconds,
    integerBetween(10, 3600, "a number of seconds"),
  );
  const image = checks.input("image", settings.image, pinnedImage);
  checkPorts(checks, settings);
  checkFiles(checks, settings);
  checkServer(checks, settings);
  for (const variable of Object.keys(settings.environment))
    checks.plain("environment", variable, environmentName);
  for (const [i, mirror] of settings.registryMirrors.entries()) {
    checks.plain(
      `registryMirrors[${i}].registry`,
      mirror.registry,
      matching(/^(?:\*|[A-Za-z0-9.-]+(?::\d+)?)$/, "a registry's host such as docker.io, or *"),
    );
    if (mirror.endpoints.length === 0)
      checks.problem(`registryMirrors[${i}].endpoints is empty; give at least one URL`);
    for (const [j, url] of mirror.endpoints.entries()) {
      checks.plain(
        `registryMirrors[${i}].endpoints[${j}]`,
        url,
        matching(/^https?:\/\/[^\s/]+(?:\/\S*)?$/, "a URL that starts with http:// or https://"),
      );
    }
  }
  checks.finish();
  return { ...settings, image };
}

const ipAddress: Rule<string> = (value) =>
  isIP(value) !== 0 ? undefined : "an IP address of this host, such as 127.0.0.1 or 0.0.0.0";

const cores: Rule<number> = (value) =>
  Number.isFinite(value) && value >= 0.5 && value <= 1024 ? undefined : "a number of cores from 0.5 to 1024";

function checkPorts(checks: Checks, settings: K3sClusterSettings): void {
  checks.plain("apiPort", settings.apiPort, port);
  const taken = new Map<string, string>([[`tcp/${settings.apiPort}`, "apiPort"]]);
  const forwarded = new Map<string, string>([["tcp/6443", "the API, which apiPort offers"]]);
  for (const [i, published] of settings.ports.entries()) {
    const field = `ports[${i}]`;
    checks.plain(`${field}.host`, published.host, port);
    checks.plain(`${field}.node`, published.node, port);
    checks.plain(`${field}.protocol`, published.protocol, oneOf(PortProtocol));
    const protocol = published.protocol ?? PortProtocol.Tcp;
    const host = `${protocol}/${published.host}`;
    const node = `${protocol}/${published.node}`;
    const first = taken.get(host);
    if (first !== undefined)
      checks.problem(
        `${field}.host is ${published.host}, which ${first} already uses; choose another port of the host`,
      );
    const second = forwarded.get(node);
    if (second !== undefined)
      checks.problem(
        `${field}.node is ${published.node}, which is already published as ${second}; remove one of the two`,
      );
    taken.set(host, taken.get(host) ?? field);
    forwarded.set(node, forwarded.get(node) ?? field);
  }
}

function checkFiles(checks: Checks, settings: K3sClusterSettings): void {
  const targets = new Set<string>();
  for (const [i, mount] of settings.mounts.entries()) {
    checks.plain(`mounts[${i}].source`, mount.source, absolutePath);
    checks.plain(`mounts[${i}].target`, mount.target, nodePath);
    if (targets.has(mount.target))
      checks.problem(
        `mounts[${i}].target is ${mount.target}, where another mount already is; choose another path`,
      );
    targets.add(mount.target);
  }
  const names = new Set<string>();
  for (const [i, archive] of settings.imageArchives.entries()) {
    checks.plain(`imageArchives[${i}]`, archive, imageArchive);
    const file = basename(archive);
    if (names.has(file))
      checks.problem(
        `imageArchives[${i}] is ${archive}, but another archive has the same file name; rename one`,
      );
    names.add(file);
  }
}

const nodePath: Rule<string> = (value) => {
  const bad = absolutePath(value);
  if (bad !== undefined) return bad;
  const path = `${value.replace(/\/+$/, "")}/`;
  const own = ["/var/lib/rancher/k3s/", "/etc/rancher/k3s/", "/proc/", "/sys/", "/dev/", "/run/"];
  return path === "/" ||
    own.some((folder) => path.startsWith(folder)) ||
    "/var/lib/rancher/k3s/".startsWith(path)
    ? "a path in the node that the node does not need itself, such as /skills"
    : undefined;
};

const imageArchive: Rule<string> = (value) =>
  absolutePath(value) === undefined && /\.tar(?:\.(?:gz|zst|bz2))?$/.test(value)
    ? undefined
    : "the absolute path of a .tar, .tar.gz, .tar.zst or .tar.bz2 file";

function checkServer(checks: Checks, settings: K3sClusterSettings): void {
  for (const [i, san] of settings.tlsSans.entries()) {
    checks.plain(
      `tlsSans[${i}]`,
      san,
      matching(/^[A-Za-z0-9*][A-Za-z0-9.:-]*$/, "a host name or an IP address"),
    );
  }
  for (const [i, part] of settings.disable.entries()) checks.plain(`disable[${i}]`, part, dnsLabel);
  for (const [i, flag] of settings.extraServerArgs.entries()) {
    checks.plain(
      `extraServerArgs[${i}]`,
      flag,
      matching(/^--[a-z]/, "a flag with its value, such as --kube-apiserver-arg=v=2"),
    );
    const instead = ownFlags[flag.split("=")[0] ?? ""];
    if (instead !== undefined) checks.problem(`extraServerArgs[${i}] is ${flag}; use ${instead} instead`);
    if (flag.startsWith("--kubelet-arg=pod-max-pids"))
      checks.problem(`extraServerArgs[${i}] is ${flag}; use podPidsLimit instead`);
  }
}
