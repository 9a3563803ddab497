// A tiny image for tests: Debian's static busybox, with a page to serve. Made without a registry and without installing
// anything on the machine. Its wget crashes when it is given a time-out (-T, Debian 12): put `timeout` before it instead.
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { attempt, output } from "./shell.js";

/** Programs that pods of tests call; all are busybox. */
const applets =
  "sh cat dd dmesg df echo env grep head httpd id ls mkdir nc nslookup ps rm seq sleep tail timeout touch tr true uname wc wget".split(
    " ",
  );

/** What the image's page says. */
export const testboxPage = "hello";

/** Raised by hand when what is in the image changes, so that an older one is not taken for it. */
const contents = createHash("sha256")
  .update(`3 ${testboxPage} ${applets.join(" ")}`)
  .digest("hex")
  .slice(0, 12);

/** The image's name, as docker knows it. Pods call it {@link testboxReference}. */
export const testboxImage = `sandlot/testbox:${contents}`;

/** The image's full name, as containerd knows it. */
export const testboxReference = `docker.io/${testboxImage}`;

/**
 * Makes {@link testboxImage} on the engine unless it is there; its name. The image has busybox's applets in /bin, a
 * page at /www/index.html and a user 1000.
 */
export async function ensureTestbox(): Promise<string> {
  if ((await attempt("docker", ["image", "inspect", testboxImage])).code === 0) return testboxImage;
  const work = mkdtempSync(join(tmpdir(), "sandlot-testbox-"));
  try {
    chmodSync(work, 0o777); // apt downloads as a user of its own
    await output("apt-get", ["download", "-q", "busybox-static"], { cwd: work });
    const debianPackage = readdirSync(work).find((name) => name.endsWith(".deb"));
    if (debianPackage === undefined) throw new Error("apt-get download left no package behind");
    await output("dpkg-deb", ["-x", join(work, debianPackage), join(work, "package")]);
    const root = join(work, "root");
    for (const folder of ["bin", "etc", "tmp", "www"]) mkdirSync(join(root, folder), { recursive: true });
    const found = await output("find", [
      join(work, "package"),
      "-name",
      "busybox",
      "-type",
      "f",
      "-path",
      "*/bin/*",
    ]);
    await output("cp", [found, join(root, "bin/busybox")]);
    for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
    writeFileSync(join(root, "www/index.html"), `${testboxPage}\n`);
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n");
    chmodSync(join(root, "tmp"), 0o1777);
    const archive = join(work, "root.tar");
    await output("tar", ["-C", root, "--numeric-owner", "--owner=0", "--group=0", "-cf", archive, "."]);
    const changes = ["--change", "ENV PATH=/bin", "--change", 'CMD ["/bin/sh"]'];
    await output("docker", ["import", ...changes, archive, testboxImage]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return testboxImage;
}

/**
 * Loads an image of the engine into a node, under the name `docker.io/<ref>`, and pins it: the kubelet never collects
 * it, since there is no registry to get it back from. Works with k3s as well as with our node.
 */
export async function loadImage(node: string, ref: string): Promise<void> {
  const script =
    'set -e; docker save "$2" | docker exec -i "$1" ctr -n k8s.io images import -; ' +
    'docker exec "$1" ctr -n k8s.io images label "docker.io/$2" io.cri-containerd.pinned=pinned';
  await output("sh", ["-c", script, "sh", node, ref]);
}
