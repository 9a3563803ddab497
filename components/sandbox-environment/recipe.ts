// The recipe of an environment's image: a Dockerfile and a list of Python packages, made from plain values that have passed
// their rules. The same values give the same text and so the same tag.
import { createHash } from "node:crypto";

import { buildFolder, fetchPip, pipWheel } from "./pip";

/** What an image is made from, all of it known. */
export interface Ingredients {
  /** The image that the sandbox server is taken from. */
  readonly sandboxImage: string;
  readonly base: string;
  readonly pythonVersion?: string | undefined;
  readonly pip: readonly string[];
  readonly apt: readonly string[];
  readonly commands: readonly string[];
}

/** A recipe. */
export interface Recipe {
  readonly dockerfile: string;
  /** What pip is to install, one a line. */
  readonly requirements: string;
  /** A hash over everything above: 16 hexadecimal digits. */
  readonly tag: string;
}

/** Where Python packages live: beside those of the base, behind the standard library on Python's path. */
const packagesFolder = "/opt/python-packages";

/** The base that has a Python of this version. */
export const pythonBase = (version: string): string => `python:${version}-slim-bookworm`;

/** Writes the recipe. */
export function recipe(ingredients: Ingredients): Recipe {
  const sections = [
    [`FROM ${ingredients.sandboxImage} AS sandbox-server`],
    ...(ingredients.pip.length === 0 ? [] : [pythonStage(ingredients)]),
    [`FROM ${ingredients.base}`, "USER 0:0"],
    ...(ingredients.pythonVersion === undefined ? [] : [pythonCheck(ingredients.pythonVersion)]),
    ...(ingredients.apt.length === 0 ? [] : [aptInstall(ingredients.apt)]),
    ...(ingredients.pip.length === 0 ? [] : [pythonInstall()]),
    ingredients.commands.map(userCommand),
    server(),
  ];
  const dockerfile = `${sections
    .filter((section) => section.length > 0)
    .map((section) => section.join("\n"))
    .join("\n\n")}\n`;
  const requirements = ingredients.pip.map((line) => `${line}\n`).join("");
  const tag = createHash("sha256")
    .update(JSON.stringify([dockerfile, requirements]))
    .digest("hex")
    .slice(0, 16);
  return { dockerfile, requirements, tag };
}

/** One RUN whose shell stops at the first failure. */
function run(...lines: string[]): string {
  return `RUN set -eu; \\\n    ${lines.join("; \\\n    ")}`;
}

/**
 * Packages are fetched in a stage of its own: pip, the address of the index (which may hold a password) and the machine's
 * certificates are in no layer of what is pushed.
 */
function pythonStage({ base }: Ingredients): string[] {
  return [
    `FROM ${base} AS python-packages`,
    "USER 0:0",
    "ARG PIP_INDEX_URL",
    "ARG PIP_EXTRA_INDEX_URL",
    `COPY requirements.txt certificates.pem ${buildFolder}/`,
    `RUN ${JSON.stringify(["python3", "-c", fetchPip])}`,
    run(
      `if [ -s ${buildFolder}/certificates.pem ]; then export PIP_CERT=${buildFolder}/certificates.pem; fi`,
      `python3 ${pipWheel}/pip install --quiet --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore --only-binary=:all: --target ${packagesFolder} --requirement ${buildFolder}/requirements.txt`,
    ),
  ];
}

function pythonCheck(version: string): string[] {
  return [
    run(
      'have=$(python3 -c "import platform; print(platform.python_version())" 2>/dev/null || echo none)',
      `case "$have." in ${version}.*) ;; *) echo "The base has Python $have, but the environment asks for ${version}: name another base" >&2; exit 1;; esac`,
    ),
  ];
}

function aptInstall(packages: readonly string[]): string[] {
  return [
    run(
      'command -v apt-get >/dev/null || { echo "The base has no apt-get, which apt packages need: name a base that has it" >&2; exit 1; }',
      "apt-get update -qq",
      `DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages.join(" ")} >/dev/null`,
      "rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
    ),
  ];
}

function pythonInstall(): string[] {
  const link = `import os, site; folder = site.getsitepackages()[0]; os.makedirs(folder, exist_ok=True); open(folder + '/sandlot.pth', 'w').write('${packagesFolder}\\n')`;
  return [
    `COPY --from=python-packages ${packagesFolder} ${packagesFolder}`,
    run(`python3 -c "${link}"`),
    `ENV PATH=${packagesFolder}/bin:\${PATH}`,
  ];
}

/** JSON keeps whatever a command holds (quotes, line ends, Dockerfile syntax) from being anything but the command. */
function userCommand(command: string): string {
  return `RUN ${JSON.stringify(["/bin/bash", "-euo", "pipefail", "-c", command])}`;
}

/** What makes a sandbox of an image: see images/sandbox/Dockerfile, which this repeats where the base is another. */
function server(): string[] {
  return [
    "COPY --from=sandbox-server /usr/local/bin/sandboxd /usr/local/bin/sandboxd",
    run(
      'command -v bash >/dev/null || { echo "The base has no bash, which the sandbox server needs" >&2; exit 1; }',
      "other=$(getent passwd 1000 | cut -d: -f1)",
      'if [ -n "$other" ] && [ "$other" != sandbox ]; then userdel -r "$other" 2>/dev/null || userdel "$other"; fi',
      "getent group 1000 >/dev/null || groupadd --gid 1000 sandbox",
      "id sandbox >/dev/null 2>&1 || useradd --uid 1000 --gid 1000 --home-dir /home/sandbox --create-home --shell /bin/bash sandbox",
      "mkdir -p /mnt/user-data /mnt/skills /usr/local/share/sandboxd",
      "chown 1000:1000 /mnt/user-data",
      "find / -xdev -type f -perm /6000 -exec chmod a-s {} +",
      "sandboxd describe > /usr/local/share/sandboxd/detail.json",
    ),
    "ENV HOME=/home/sandbox LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
    "WORKDIR /home/sandbox",
    "USER 1000:1000",
    "EXPOSE 8080",
    "STOPSIGNAL SIGTERM",
    'ENTRYPOINT ["/usr/local/bin/sandboxd"]',
    "CMD []",
  ];
}
