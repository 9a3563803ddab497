// Where Pulumi publishes its releases, and under what names. Sources: https://www.pulumi.com/docs/iac/download-install/versions/,
// the release workflows of pulumi/pulumi and of the providers (`aws s3 cp dist s3://get.pulumi.com/releases/plugins/`).
import { UserError } from "../errors.js";
import type { PluginName } from "../versions.js";

/** One published archive, and the places it can be had from, best first. */
export interface Release {
  /** What it is called in messages, such as `pulumi 3.215.0`. */
  title: string;
  /** The archive's file name, as the checksum files list it. */
  archive: string;
  places: readonly ReleasePlace[];
}

/** One folder on a server with the archive and the file of checksums beside it. */
export interface ReleasePlace {
  archive: string;
  checksums: string;
}

/** A machine's system and architecture in Node's names. */
export interface Machine {
  platform: string;
  arch: string;
}

const official = "https://get.pulumi.com";
const github = "https://github.com/pulumi";

/** The variable that names a mirror of get.pulumi.com, with the same layout below it. */
export const mirrorVariable = "SANDLOT_PULUMI_DOWNLOAD_URL";

/**
 * The mirror that the user set, without a slash at its end; undefined when there is none.
 * @throws UserError when it is no http(s) address.
 */
export function mirror(env: NodeJS.ProcessEnv): string | undefined {
  const value = env[mirrorVariable] ?? "";
  if (value === "") return undefined;
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? "")) {
    throw new UserError(
      `${mirrorVariable} is "${value}", which is not an http or https address`,
      `Set it to the address of a mirror of ${official}, such as https://mirror.example.com/pulumi, or unset it`,
    );
  }
  return value.replace(/\/+$/, "");
}

/** The CLI with its language hosts; undefined where no archive that we can unpack is published. */
export function cliRelease(version: string, machine: Machine, mirrorUrl?: string): Release | undefined {
  const system = systemName(machine);
  const arch = { x64: "x64", arm64: "arm64" }[machine.arch];
  if (system === undefined || arch === undefined) return undefined;
  const archive = `pulumi-v${version}-${system}-${arch}.tar.gz`;
  const checksums = `pulumi-${version}-checksums.txt`;
  const folders =
    mirrorUrl === undefined
      ? [`${official}/releases/sdk`, `${github}/pulumi/releases/download/v${version}`]
      : [`${mirrorUrl}/releases/sdk`];
  const title = `pulumi ${version}`;
  return { title, archive, places: folders.map((folder) => place(folder, archive, checksums)) };
}

/** A provider plugin; undefined where no archive is published. */
export function pluginRelease(
  name: PluginName,
  version: string,
  machine: Machine,
  mirrorUrl?: string,
): Release | undefined {
  const system = systemName(machine);
  const arch = { x64: "amd64", arm64: "arm64" }[machine.arch];
  if (system === undefined || arch === undefined) return undefined;
  const archive = `pulumi-resource-${name}-v${version}-${system}-${arch}.tar.gz`;
  const checksums = `pulumi-${name}_${version}_checksums.txt`;
  const folders =
    mirrorUrl === undefined
      ? [`${official}/releases/plugins`, `${github}/pulumi-${name}/releases/download/v${version}`]
      : [`${mirrorUrl}/releases/plugins`];
  const title = `the ${name} plugin ${version}`;
  return { title, archive, places: folders.map((folder) => place(folder, archive, checksums)) };
}

function place(folder: string, archive: string, checksums: string): ReleasePlace {
  return { archive: `${folder}/${archive}`, checksums: `${folder}/${checksums}` };
}

function systemName(machine: Machine): string | undefined {
  return { linux: "linux", darwin: "darwin" }[machine.platform];
}

/** What a checksum file says of one archive. */
export interface Checksum {
  algorithm: "sha256" | "sha512" | "sha1";
  hex: string;
}

/**
 * The entry for `archive` in the text of a checksum file; undefined when there is none. The algorithm follows from the
 * length. SHA-1 is there because providers whose workflow runs `shasum` without `-a 256` (docker's does) publish just
 * that: enough against a damaged or swapped file, as long as the checksum file itself came over TLS.
 */
export function checksumOf(text: string, archive: string): Checksum | undefined {
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]+)\s+\*?(?:\.\/)?(\S+)\s*$/i.exec(line);
    const hex = match?.[1]?.toLowerCase() ?? "";
    const algorithm = ({ 40: "sha1", 64: "sha256", 128: "sha512" } as const)[hex.length];
    if (match?.[2] === archive && algorithm !== undefined) return { algorithm, hex };
  }
  return undefined;
}
