// The installer's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import type { Checks, Rule } from "../shared/checks";
import { dnsLabel, dnsSubdomain, matching, oneOf, pinnedImage } from "../shared/rules";
import {
  ContainerdLayout,
  GvisorPlatform,
  NodeArchitecture,
  type GvisorChecksums,
  type GvisorInstall,
  type NodeContainerd,
} from "./args";
import { defaultChecksums, defaultRelease, releasesUrl } from "./releases";

/** {@link GvisorInstall} with every default filled in. */
export interface InstallSettings {
  image: pulumi.Input<string>;
  imagePullSecrets: string[];
  release: string;
  baseUrl: string;
  checksums: GvisorChecksums[];
  folder: string;
  platform: GvisorPlatform;
  containerd: Required<NodeContainerd>;
  namespace: string;
}

const containerdDefaults: Readonly<Record<ContainerdLayout, Required<NodeContainerd>>> = {
  [ContainerdLayout.Standard]: {
    layout: ContainerdLayout.Standard,
    configFile: "/etc/containerd/config.toml",
    restartCommand: "systemctl restart containerd",
  },
  [ContainerdLayout.K3s]: {
    layout: ContainerdLayout.K3s,
    configFile: "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    restartCommand:
      "if systemctl is-active --quiet k3s; then systemctl restart k3s; else systemctl restart k3s-agent; fi",
  },
};

/** Fills in the defaults. */
export function installDefaults(install: GvisorInstall): InstallSettings {
  const release = install.release ?? defaultRelease;
  const layout = install.containerd?.layout ?? ContainerdLayout.Standard;
  // A layout that does not exist is refused later, by its name.
  const containerd = (containerdDefaults as Partial<typeof containerdDefaults>)[layout];
  return {
    image: install.image,
    imagePullSecrets: install.imagePullSecrets ?? [],
    release,
    baseUrl: install.baseUrl ?? releasesUrl,
    checksums: install.checksums ?? (release === defaultRelease ? [...defaultChecksums] : []),
    folder: install.folder ?? "/opt/sandlot/gvisor",
    platform: install.platform ?? GvisorPlatform.Systrap,
    containerd: {
      layout,
      configFile: install.containerd?.configFile ?? containerd?.configFile ?? "",
      restartCommand: install.containerd?.restartCommand ?? containerd?.restartCommand ?? "",
    },
    namespace: install.namespace ?? "sandlot-gvisor",
  };
}

const sha512: Rule<string> = matching(
  /^[0-9a-f]{128}$/,
  "a SHA-512 as 128 lower-case hexadecimal digits, as in the .sha512 file beside the program",
);

/** A path that stands as it is in shell and TOML. */
const nodePath = (what: string): Rule<string> => {
  const pattern = matching(
    /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,}$/,
    `${what} at least two folders deep, of letters, digits, -, _ and .`,
  );
  return (value) => pattern(value);
};

/** Folders of the node's own system; ours goes with all that is in it. */
const systemFolders =
  /^\/(?:bin|boot|dev|etc|lib\w*|proc|root|run|sbin|sys|tmp|usr\/(?:s?bin|lib\w*|share)|var\/lib\/(?:kubelet|containerd))(?:\/|$)/;

/** Holds the installer's settings against their rules; those that are known later are checked when they are. */
export function checkInstall(checks: Checks, install: InstallSettings): InstallSettings {
  const { containerd } = install;
  for (const [i, secret] of install.imagePullSecrets.entries())
    checks.plain(`install.imagePullSecrets[${i}]`, secret, dnsSubdomain);
  checks.plain(
    "install.release",
    install.release,
    matching(/^\d{8}(?:\.\d+)?$/, "a release such as 20260209.1: one that stays what it is, not latest"),
  );
  checks.plain(
    "install.baseUrl",
    install.baseUrl,
    matching(
      /^https?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9._~%-]+)*$/,
      "a URL without credentials, query and / at its end, such as https://mirror.example.com/gvisor",
    ),
  );
  checks.plain("install.folder", install.folder, (value) =>
    systemFolders.test(value)
      ? "a folder of its own, outside the system's"
      : nodePath("an absolute path")(value),
  );
  checks.plain("install.platform", install.platform, oneOf(GvisorPlatform));
  checks.plain("install.namespace", install.namespace, (value) =>
    value === "default" || value.startsWith("kube-")
      ? "a namespace of its own: it admits privileged pods"
      : dnsLabel(value),
  );
  checks.plain("install.containerd.layout", containerd.layout, oneOf(ContainerdLayout));
  if (Object.values(ContainerdLayout).includes(containerd.layout)) {
    checks.plain(
      "install.containerd.configFile",
      containerd.configFile,
      nodePath("the absolute path of a file"),
    );
    checks.plain(
      "install.containerd.restartCommand",
      containerd.restartCommand,
      matching(/^[^\0\n]*\S[^\0\n]*$/, "a shell command in one line"),
    );
  }
  checkChecksums(checks, install);
  return { ...install, image: checks.input("install.image", install.image, pinnedImage) };
}

function checkChecksums(checks: Checks, { checksums, release }: InstallSettings): void {
  if (checksums.length === 0) {
    checks.problem(
      `install.checksums is missing, but only those of release ${defaultRelease} are known, not of ${release}; ` +
        "take them from the .sha512 files beside the release's programs",
    );
  }
  const seen = new Set<NodeArchitecture>();
  for (const [i, { architecture, runsc, shim }] of checksums.entries()) {
    checks.plain(`install.checksums[${i}].architecture`, architecture, oneOf(NodeArchitecture));
    checks.plain(`install.checksums[${i}].runsc`, runsc, sha512);
    checks.plain(`install.checksums[${i}].shim`, shim, sha512);
    if (seen.has(architecture)) {
      checks.problem(
        `install.checksums[${i}].architecture is ${architecture}, which an earlier entry is for; remove one of the two`,
      );
    }
    seen.add(architecture);
  }
}
