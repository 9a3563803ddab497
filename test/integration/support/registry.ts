// An image registry, which asks for a name and a password if it is to: Debian's docker-registry in a container of the test's own.
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { stringify } from "yaml";

import { attempt, output } from "./shell.js";

/** What the registry does; the account's file lies beside it. */
const configuration = {
  version: "0.1",
  log: { level: "warn", accesslog: { disabled: true } },
  storage: { filesystem: { rootdirectory: "/var/lib/registry" } },
  http: { addr: ":5000" },
};
const authentication = { auth: { htpasswd: { realm: "test", path: "/etc/registry/htpasswd" } } };

/** Where and for whom the registry is. */
export interface RegistryPlace {
  /** The container's name, by which the containers of `network` know it. */
  readonly name: string;
  readonly network: string;
  /** The port of this machine's loopback address, from where Docker takes a registry without TLS. */
  readonly port: number;
  /** Passwords by user; without, anybody may do anything. */
  readonly accounts?: Readonly<Record<string, string>>;
}

/** Starts the registry, in place of one that is left of an earlier run; returns what removes it. */
export async function startRegistry(place: RegistryPlace): Promise<() => Promise<void>> {
  const image = await ensureImage();
  const folder = mkdtempSync(join(tmpdir(), "sandlot-registry-"));
  const remove = async (): Promise<void> => {
    await attempt("docker", ["rm", "--force", "--volumes", place.name]);
    rmSync(folder, { recursive: true, force: true });
  };
  const { accounts } = place;
  const lines = Object.entries(accounts ?? {}).map(async ([user, word]) => `${user}:${await bcrypt(word)}\n`);
  writeFileSync(join(folder, "htpasswd"), (await Promise.all(lines)).join(""));
  const settings = { ...configuration, ...(accounts === undefined ? {} : authentication) };
  writeFileSync(join(folder, "config.yml"), stringify(settings));
  await attempt("docker", ["rm", "--force", "--volumes", place.name]);
  const published = ["--publish", `127.0.0.1:${place.port}:5000`];
  const where = ["--name", place.name, "--network", place.network, ...published];
  await output("docker", ["run", "--detach", ...where, "--volume", `${folder}:/etc/registry:ro`, image]);
  return remove;
}

/** The hash that htpasswd files have. The password goes by standard input: arguments can be seen by others. */
function bcrypt(password: string): Promise<string> {
  const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const salt = [...randomBytes(21)].map((byte) => letters[byte % 64]).join("");
  return output("perl", ["-e", "print crypt(<STDIN>, $ARGV[0])", `$2y$05$${salt}.`], { input: password });
}

/** Makes the image on the engine unless it is there: the program and the two files of the C library that it is linked with. */
async function ensureImage(): Promise<string> {
  const version = await output("sh", [
    "-c",
    "apt-cache show docker-registry | sed -n 's/^Version: //p' | head -n 1",
  ]);
  const image = `sandlot/test-registry:${createHash("sha256").update(version).digest("hex").slice(0, 12)}`;
  if ((await attempt("docker", ["image", "inspect", image])).code === 0) return image;
  const work = mkdtempSync(join(tmpdir(), "sandlot-registry-image-"));
  try {
    chmodSync(work, 0o777); // apt downloads as a user of its own
    await output("apt-get", ["download", "-q", "docker-registry"], { cwd: work });
    const debianPackage = readdirSync(work).find((name) => name.endsWith(".deb"));
    if (debianPackage === undefined) throw new Error("apt-get download left no package behind");
    await output("dpkg-deb", ["-x", join(work, debianPackage), join(work, "package")]);
    const root = join(work, "root");
    const program = join(work, "package/usr/bin/docker-registry");
    const libraries = (await output("ldd", [program])).match(/\/\S+(?= \()/g) ?? [];
    for (const [from, to] of [
      [program, "/bin/registry"] as const,
      ...libraries.map((path) => [path, path] as const),
    ]) {
      mkdirSync(join(root, dirname(to)), { recursive: true });
      await output("cp", ["--dereference", from, join(root, to)]);
    }
    for (const folder of ["tmp", "var/lib/registry"]) mkdirSync(join(root, folder), { recursive: true });
    const archive = join(work, "root.tar");
    await output("tar", ["-C", root, "--numeric-owner", "--owner=0", "--group=0", "-cf", archive, "."]);
    const change = 'ENTRYPOINT ["/bin/registry", "serve", "/etc/registry/config.yml"]';
    const changes = ["--change", change, "--change", "VOLUME /var/lib/registry"];
    await output("docker", ["import", ...changes, archive, image]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return image;
}
