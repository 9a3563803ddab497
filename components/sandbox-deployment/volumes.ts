// More volumes of a sandbox: what they can be, what is refused, and the objects. Folders of the node are not among them.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { Checks, Rule } from "../shared/checks";
import { parseQuantity } from "../shared/quantity";
import { absolutePath, dnsLabel, dnsSubdomain, quantity } from "../shared/rules";
import { subPath } from "../shared/sub-path";

/** An empty folder that goes with its pod. */
export interface EmptyFolder {
  /** The most it can hold, a Kubernetes quantity; what is over is evicted. */
  sizeLimit: string;
  /**
   * Whether it is in memory, which then counts against the memory limit.
   * @default false
   */
  inMemory?: boolean;
}

/** A ConfigMap or Secret of the namespace, as files named after its keys. */
export interface FilesOf {
  /** Its name. */
  name: pulumi.Input<string>;
  /**
   * Whether a sandbox starts when it is not there.
   * @default false
   */
  optional?: boolean;
}

/** A claim of the namespace. */
export interface ClaimVolume {
  /** Its name. */
  name: pulumi.Input<string>;
}

/** Several ConfigMaps and Secrets in one folder. Service-account tokens are not offered: sandboxes have none. */
export interface ProjectedFiles {
  /**
   * ConfigMaps.
   * @default []
   */
  configMaps?: FilesOf[];
  /**
   * Secrets. All code in the sandbox can read them.
   * @default []
   */
  secrets?: FilesOf[];
}

/** One more volume. Give exactly one of `emptyDir`, `configMap`, `secret`, `claim` and `projected`. */
export interface SandboxVolume {
  /** Its name; `home`, `tmp`, `user-data` and `skills` are taken. */
  name: string;
  /** Where the sandbox sees it: an absolute path, away from the folders that the component and the system mount. */
  mountPath: string;
  /**
   * The part of the volume that is seen, a relative path.
   * @default - all of it
   */
  subPath?: string;
  /**
   * Whether the sandbox can only read it. ConfigMaps, Secrets and projected volumes are read-only whatever is said.
   * @default true, but false for emptyDir
   */
  readOnly?: boolean;
  /**
   * An empty folder.
   * @default - none
   */
  emptyDir?: EmptyFolder;
  /**
   * A ConfigMap.
   * @default - none
   */
  configMap?: FilesOf;
  /**
   * A Secret. All code in the sandbox can read it.
   * @default - none
   */
  secret?: FilesOf;
  /**
   * A claim.
   * @default - none
   */
  claim?: ClaimVolume;
  /**
   * ConfigMaps and Secrets in one folder.
   * @default - none
   */
  projected?: ProjectedFiles;
}

const sources = ["emptyDir", "configMap", "secret", "claim", "projected"] as const;
const ownNames = ["home", "tmp", "user-data", "skills"];
const ownPaths = ["/home/sandbox", "/tmp", "/mnt/user-data", "/mnt/skills"];

/** Folders of the image and the kernel; a volume over one of them would change what the sandbox's server is. */
const systemPaths = /^\/(?:bin|boot|dev|etc|lib\w*|proc|root|run|sbin|sys|usr|var\/run)(?:\/|$)/;

const mountPath: Rule<string> = (value) => {
  const bad = absolutePath(value);
  if (bad !== undefined) return bad;
  const path = value.replace(/\/+$/, "") || "/";
  if (path === "/" || systemPaths.test(path)) return "a path outside the system's folders, such as /mnt/data";
  // Below a folder of ours is fine; a folder of ours itself, or one that it lies in, is not.
  return ownPaths.some((own) => own === path || own.startsWith(`${path}/`))
    ? `a path that does not hide ${ownPaths.join(", ")}`
    : undefined;
};

/** Holds volumes against their rules; `disk` is the limit of local disk that all empty folders share. */
export function checkVolumes(
  checks: Checks,
  volumes: readonly SandboxVolume[],
  disk: string,
): SandboxVolume[] {
  const names = new Set(ownNames);
  const paths = new Set<string>();
  return volumes.map((volume, i) => {
    const at = `volumes[${i}]`;
    const path = volume.mountPath.replace(/\/+$/, "");
    checks.plain(`${at}.name`, volume.name, dnsLabel);
    if (names.has(volume.name))
      checks.problem(`${at}.name is "${volume.name}", which is taken; choose another name`);
    checks.plain(`${at}.mountPath`, volume.mountPath, mountPath);
    if (paths.has(path))
      checks.problem(`${at}.mountPath is ${path}, where an earlier volume is; choose another path`);
    checks.plain(`${at}.subPath`, volume.subPath, subPath);
    names.add(volume.name);
    paths.add(path);
    return checkSource(checks, at, volume, disk);
  });
}

function checkSource(checks: Checks, at: string, volume: SandboxVolume, disk: string): SandboxVolume {
  const given = sources.filter((source) => volume[source] !== undefined);
  if (given.length !== 1) {
    checks.problem(
      `${at} has ${given.length === 0 ? "none" : "several"} of ${sources.join(", ")}; give exactly one`,
    );
  }
  const { emptyDir, configMap, secret, claim, projected } = volume;
  if (emptyDir !== undefined) checkEmptyFolder(checks, `${at}.emptyDir`, emptyDir, disk);
  return {
    ...volume,
    ...(configMap === undefined ? {} : { configMap: checkFiles(checks, `${at}.configMap`, configMap) }),
    ...(secret === undefined ? {} : { secret: checkFiles(checks, `${at}.secret`, secret) }),
    ...(claim === undefined
      ? {}
      : { claim: { name: checks.input(`${at}.claim.name`, claim.name, dnsSubdomain) } }),
    ...(projected === undefined ? {} : { projected: checkProjected(checks, `${at}.projected`, projected) }),
  };
}

function checkEmptyFolder(checks: Checks, at: string, folder: EmptyFolder, disk: string): void {
  checks.plain(`${at}.sizeLimit`, folder.sizeLimit, quantity);
  const [size, most] = [parseQuantity(folder.sizeLimit), parseQuantity(disk)];
  if (folder.inMemory !== true && size !== undefined && most !== undefined && size > most) {
    checks.problem(
      `${at}.sizeLimit is "${folder.sizeLimit}", but resources.limits.ephemeralStorage is "${disk}", which holds for all places ` +
        "together; lower the one or raise the other",
    );
  }
}

function checkFiles(checks: Checks, at: string, files: FilesOf): FilesOf {
  return { ...files, name: checks.input(`${at}.name`, files.name, dnsSubdomain) };
}

function checkProjected(checks: Checks, at: string, projected: ProjectedFiles): ProjectedFiles {
  const { configMaps = [], secrets = [] } = projected;
  if (configMaps.length + secrets.length === 0)
    checks.problem(`${at} is empty; name configMaps or secrets, or remove it`);
  return {
    configMaps: configMaps.map((files, i) => checkFiles(checks, `${at}.configMaps[${i}]`, files)),
    secrets: secrets.map((files, i) => checkFiles(checks, `${at}.secrets[${i}]`, files)),
  };
}

/** A volume and where it is mounted, as Kubernetes takes them. */
export interface MountedVolume {
  volume: k8s.types.input.core.v1.Volume & { name: string };
  mount: k8s.types.input.core.v1.VolumeMount;
}

/** The objects of one more volume. */
export function mountedVolume(given: SandboxVolume): MountedVolume {
  const { name, subPath: part } = given;
  const writable = given.emptyDir !== undefined || given.claim !== undefined;
  return {
    volume: { name, ...source(given) },
    mount: {
      name,
      mountPath: given.mountPath,
      ...(part === undefined ? {} : { subPath: part }),
      readOnly: writable ? (given.readOnly ?? given.emptyDir === undefined) : true,
    },
  };
}

function source(given: SandboxVolume): Omit<k8s.types.input.core.v1.Volume, "name"> {
  const { emptyDir, configMap, secret, claim, projected } = given;
  const optional = (files: FilesOf) => (files.optional === undefined ? {} : { optional: files.optional });
  if (configMap !== undefined) return { configMap: { name: configMap.name, ...optional(configMap) } };
  if (secret !== undefined) return { secret: { secretName: secret.name, ...optional(secret) } };
  if (claim !== undefined)
    return { persistentVolumeClaim: { claimName: claim.name, readOnly: given.readOnly ?? true } };
  if (projected !== undefined) {
    return {
      projected: {
        sources: [
          ...(projected.configMaps ?? []).map((files) => ({
            configMap: { name: files.name, ...optional(files) },
          })),
          ...(projected.secrets ?? []).map((files) => ({ secret: { name: files.name, ...optional(files) } })),
        ],
      },
    };
  }
  const { sizeLimit, inMemory } = emptyDir ?? { sizeLimit: "0" };
  return { emptyDir: { sizeLimit, ...(inMemory === true ? { medium: "Memory" } : {}) } };
}
