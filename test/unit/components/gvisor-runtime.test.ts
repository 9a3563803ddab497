// Bad arguments of the gVisor runtime, its installer and its check; and what the installer is told.
import assert from "node:assert/strict";

import {
  ContainerdLayout,
  GvisorMode,
  GvisorPlatform,
  NodeArchitecture,
  type GvisorInstall,
  type GvisorRuntimeArgs,
} from "@sandlot/components";

import { environment } from "../../../components/gvisor-runtime/installer";
import { defaultChecksums, defaultRelease } from "../../../components/gvisor-runtime/releases";
import { resolve } from "../../../components/gvisor-runtime/resolve";
import { refuses } from "../../support/refuses";

const install: GvisorInstall = { image: "registry.example.com/tools:1.0.0" };
const sum = "0".repeat(128);
const installing = (change: Partial<GvisorInstall>): Partial<GvisorRuntimeArgs> => ({
  install: { ...install, ...change },
});

refuses<GvisorRuntimeArgs>("GvisorRuntime", resolve, { mode: GvisorMode.Install, install }, [
  [{ mode: "install" as GvisorMode }, /mode is "install", but must be one of Preinstalled, Install/],
  [{ install: undefined }, /install is missing, but mode Install needs it; give it, its image at least/],
  [{ mode: GvisorMode.Preinstalled }, /install is given, but mode is Preinstalled/],
  [{ nodeSelector: {} }, /nodeSelector is \{\}, but mode Install changes the nodes that it chooses/],
  [{ handler: "runc" }, /handler is "runc", which is containerd's own/],
  [{ existing: true }, /existing is true, but mode Install makes a RuntimeClass of its own/],
  [installing({ image: "tools" }), /install\.image is "tools"/],
  [installing({ imagePullSecrets: ["A"] }), /install\.imagePullSecrets\[0\] is "A"/],
  [
    installing({ release: "latest", checksums: [...defaultChecksums] }),
    /install\.release is "latest", but must be a release such as .* not latest/,
  ],
  [
    installing({ release: "20260323.0" }),
    /install\.checksums is missing, but only those of release 20260209\.1 are known, not of 20260323\.0; take them from the \.sha512/,
  ],
  [installing({ baseUrl: "ftp://mirror" }), /install\.baseUrl is "ftp:\/\/mirror"/],
  [installing({ baseUrl: "https://mirror/gvisor/" }), /install\.baseUrl is .* at its end/],
  [installing({ baseUrl: "https://me:secret@mirror" }), /install\.baseUrl is .* without credentials/],
  [installing({ baseUrl: 'https://mirror/"; reboot' }), /install\.baseUrl is/],
  [
    installing({ checksums: [{ architecture: NodeArchitecture.X86_64, runsc: "abc", shim: sum }] }),
    /install\.checksums\[0\]\.runsc is "abc", but must be a SHA-512 as 128/,
  ],
  [
    installing({ checksums: [{ architecture: "riscv64" as NodeArchitecture, runsc: sum, shim: sum }] }),
    /install\.checksums\[0\]\.architecture is "riscv64", but must be one of x86_64, aarch64/,
  ],
  [
    installing({
      checksums: [
        { architecture: NodeArchitecture.X86_64, runsc: sum, shim: sum },
        { architecture: NodeArchitecture.X86_64, runsc: sum, shim: sum },
      ],
    }),
    /install\.checksums\[1\]\.architecture is x86_64, which an earlier entry is for/,
  ],
  [
    installing({ folder: "/usr/bin" }),
    /install\.folder is "\/usr\/bin", but must be a folder of its own, outside the system's/,
  ],
  [
    installing({ folder: "/opt" }),
    /install\.folder is "\/opt", but must be an absolute path at least two folders deep/,
  ],
  [installing({ folder: "/opt/../etc/x" }), /install\.folder/],
  [installing({ folder: "/opt/a b" }), /install\.folder/],
  [
    installing({ platform: "xen" as GvisorPlatform }),
    /install\.platform is "xen", but must be one of systrap, kvm, ptrace/,
  ],
  [
    installing({ namespace: "kube-system" }),
    /install\.namespace is "kube-system", but must be a namespace of its own/,
  ],
  [
    installing({ containerd: { layout: "k0s" as ContainerdLayout } }),
    /install\.containerd\.layout is "k0s", but must be one of Standard, K3s/,
  ],
  [
    installing({ containerd: { configFile: "config.toml" } }),
    /install\.containerd\.configFile is "config\.toml"/,
  ],
  [
    installing({ containerd: { restartCommand: "a\nb" } }),
    /install\.containerd\.restartCommand is "a\\nb", but must be a shell command in one line/,
  ],
]);

const existing: GvisorRuntimeArgs = { existing: true, runtimeClassName: "gvisor" };
refuses<GvisorRuntimeArgs>("GvisorRuntime", resolve, existing, [
  [{ handler: "runsc" }, /handler is given, but existing is true/],
  [{ overhead: { cpu: "1" } }, /overhead is given, but existing is true/],
  [{ nodeSelector: { a: "b" } }, /nodeSelector is given, but existing is true/],
  [{ tolerations: [] }, /tolerations is given, but existing is true/],
]);

const check = { namespace: "sandlot", image: "sandbox:1", serviceAccountName: "sandbox" };
refuses<GvisorRuntimeArgs>("GvisorRuntime", resolve, { check }, [
  [{ check: { ...check, image: "sandbox:latest" } }, /check\.image is "sandbox:latest"/],
  [{ check: { ...check, namespace: "A" } }, /check\.namespace is "A"/],
  [{ check: { ...check, serviceAccountName: "" } }, /check\.serviceAccountName is ""/],
  [{ check: { ...check, imagePullPolicy: "never" } }, /check\.imagePullPolicy is "never"/],
  [{ check: { ...check, imagePullSecrets: [""] } }, /check\.imagePullSecrets\[0\] is ""/],
  [{ check: { ...check, nodeSelector: { a: "b c" } } }, /check\.nodeSelector/],
  [{ check: { ...check, tolerations: [{ key: "" }] } }, /check\.tolerations\[0\]\.key is ""/],
  [{ check: { ...check, priorityClassName: "A" } }, /check\.priorityClassName is "A"/],
  [
    { check: { ...check, timeoutSeconds: 5 } },
    /check\.timeoutSeconds is 5, but must be a number of seconds from 10/,
  ],
]);

describe("what the installer of gVisor is told", () => {
  const told = (change: Partial<GvisorInstall> = {}): Record<string, string> => {
    const settings = resolve("it", { mode: GvisorMode.Install, install: { ...install, ...change } });
    assert.ok(settings.install);
    return environment({ ...settings, install: settings.install });
  };

  it("is the default release with its known checksums, from Google, for a standard containerd", () => {
    const env = told();
    assert.equal(
      env["DOWNLOADS"],
      `https://storage.googleapis.com/gvisor/releases/release/${defaultRelease}`,
    );
    assert.match(
      env["CHECKSUMS"] ?? "",
      /^x86_64 runsc 1e0e42f7[0-9a-f]{120}\nx86_64 containerd-shim-runsc-v1 bd21b805[0-9a-f]{120}\naarch64 runsc e95170b4[0-9a-f]{120}\naarch64 containerd-shim-runsc-v1 714ad3a5[0-9a-f]{120}$/,
    );
    assert.equal(env["PLATFORM"], "systrap");
    assert.equal(env["CONFIG"], "/etc/containerd/config.toml");
    assert.equal(env["RESTART"], "systemctl restart containerd");
  });

  it("is where k3s keeps its things", () => {
    const env = told({ containerd: { layout: ContainerdLayout.K3s } });
    assert.equal(env["CONFIG"], "/var/lib/rancher/k3s/agent/etc/containerd/config.toml");
    assert.match(env["RESTART"] ?? "", /systemctl restart k3s; else systemctl restart k3s-agent/);
  });

  it("is a mirror, another folder, another platform and a command of one's own", () => {
    const env = told({
      baseUrl: "http://mirror.example.com:8080/gvisor",
      folder: "/home/kubernetes/gvisor",
      platform: GvisorPlatform.Kvm,
      containerd: { configFile: "/etc/containerd/other.toml", restartCommand: "service containerd restart" },
    });
    assert.equal(env["DOWNLOADS"], `http://mirror.example.com:8080/gvisor/${defaultRelease}`);
    assert.equal(env["FOLDER"], "/home/kubernetes/gvisor");
    assert.equal(env["PLATFORM"], "kvm");
    assert.equal(env["CONFIG"], "/etc/containerd/other.toml");
    assert.equal(env["RESTART"], "service containerd restart");
  });
});
