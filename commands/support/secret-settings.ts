// The settings that take a secret, and what can be told of a wrong one before it is encrypted. The rules are the program's
// (infra/config); a test holds the words against its own.
import { UserError } from "@sandlot/toolchain/errors.js";
import { parse } from "yaml";

/** A setting that takes a secret. */
interface SecretSetting {
  /** What it allows, in words. */
  readonly allowed: string;
  readonly accepts: (secret: string) => boolean;
}

/** Every setting that takes a secret, by its path in configuration. */
export const secretSettings: Readonly<Record<string, SecretSetting>> = {
  "target.kubeconfig": {
    allowed: "the text of a kubeconfig",
    accepts: (secret) => {
      try {
        const config: unknown = parse(secret);
        return typeof config === "object" && config !== null && "contexts" in config;
      } catch {
        return false;
      }
    },
  },
  "provisioner.apiKey": {
    allowed: "at least 32 characters without spaces",
    accepts: (secret) => /^[\x21-\x7e]{32,512}$/.test(secret.trim()),
  },
  "provisioner.signingKey": {
    allowed: "at least 64 hexadecimal digits, or two lines of them while it is rotated",
    accepts: (secret) => /^[0-9a-f]{64,1024}(?:\n[0-9a-f]{64,1024})?$/i.test(secret.trim()),
  },
};

/** @throws UserError that says what is allowed, and repeats nothing of the secret. */
export function checkSecret(setting: string, secret: string): void {
  const rule = secretSettings[setting];
  if (secret.trim() === "") {
    throw new UserError("Nothing came from standard input.", "Pass the secret: make -s secret … <file");
  }
  if (rule === undefined || rule.accepts(secret)) return;
  throw new UserError(
    `What came from standard input is no value of ${setting}; allowed: ${rule.allowed}. Nothing was written.`,
    setting === "target.kubeconfig"
      ? "Pass the file itself, not its path: make -s secret SETTING=target.kubeconfig <kubeconfig.yaml"
      : `Make one: openssl rand -hex 32 | make -s secret SETTING=${setting}`,
  );
}
