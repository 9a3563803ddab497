// Puts the k3s-compatible node image together: root file system, programs, and the images that every node needs.
import { copyFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { cacheRoot } from "../paths.js";
import { writeProgramImage } from "./image-archive.js";

/** What goes into the image: the archive of the root file system, and the folders with each module's programs. */
export interface NodeParts {
  rootfs: string;
  node: string;
  coredns: string;
  gvisor: string;
}

/** How the image runs: what k3s' own image has, and what our node's process needs. */
const settings = [
  // tini reaps what containerd's shims leave; the new cgroup namespace makes a container's view that of a machine.
  'ENTRYPOINT ["/usr/bin/tini", "--", "unshare", "--cgroup", "k3s"]',
  'CMD ["server"]',
  "VOLUME /var/lib/rancher/k3s /var/lib/kubelet /var/lib/cni /var/log",
  "ENV PATH=/usr/sbin:/usr/bin KUBECONFIG=/etc/rancher/k3s/k3s.yaml" +
    " CONTAINERD_ADDRESS=/run/k3s/containerd/containerd.sock CONTAINERD_NAMESPACE=k8s.io",
  "LABEL sandlot.dev/gvisor=true",
];

/**
 * Makes the image `ref` on the engine. The engine names it only when it is complete, so an interruption leaves no half
 * image; the temporary folder is removed here, or by the next run.
 * @param identity 16 hex digits that become, twice over, the node's machine id
 */
export async function assembleNodeImage(
  dockerCli: string,
  parts: NodeParts,
  ref: string,
  identity: string,
): Promise<void> {
  const root = mkdtempSync(join(cacheRoot(), ".node-image-"));
  try {
    await execa("tar", ["-C", root, "--numeric-owner", "-xf", parts.rootfs]);
    await addPrograms(root, parts);
    writeFileSync(join(root, "etc/machine-id"), identity.repeat(2));
    const changes = settings.flatMap((change) => ["--change", change]);
    await execa("tar", ["-C", root, "--numeric-owner", "-c", "."], { buffer: false }).pipe(dockerCli, [
      "import",
      ...changes,
      "-",
      ref,
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function addPrograms(root: string, parts: NodeParts): Promise<void> {
  const install = (from: string, to: string): void => {
    copyFileSync(from, join(root, to));
    chmodSync(join(root, to), 0o755);
  };
  install(join(parts.node, "k3s"), "usr/bin/k3s");
  symlinkSync("k3s", join(root, "usr/bin/kubectl"));
  install(join(parts.node, "gate"), "usr/lib/cni/gate");
  install(join(parts.gvisor, "runsc"), "usr/bin/runsc");
  install(join(parts.gvisor, "containerd-shim-runsc-v1"), "usr/bin/containerd-shim-runsc-v1");
  const images = join(root, "usr/share/k3s/images");
  mkdirSync(images, { recursive: true });
  for (const [name, folder] of Object.entries({ pause: parts.node, coredns: parts.coredns })) {
    const image = { program: join(folder, name), name, reference: `localhost/${name}:1` };
    await writeProgramImage(image, join(images, `${name}.tar`));
  }
}
