// Certificates for servers of tests.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

/** A key and a certificate that vouches for itself, for a day; `name` is a subject alternative name, such as `IP:127.0.0.1`. */
export async function selfSigned(name: string): Promise<{ readonly key: string; readonly cert: string }> {
  const folder = mkdtempSync(join(tmpdir(), "sandlot-certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const subject = ["-subj", "/CN=test", "-addext", `subjectAltName=${name}`];
  try {
    await execa("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", cert]);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
