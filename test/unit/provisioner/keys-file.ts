// The file of API keys (API_KEYS_FILE) of tenants who have one key each, and no bounds.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes it into `folder`. @param keys by tenant @returns its path */
export function writeKeysFile(folder: string, keys: Readonly<Record<string, string>>): string {
  const tenants = Object.fromEntries(
    Object.entries(keys).map(([name, key]) => [
      name,
      { keys: [{ name, sha256: createHash("sha256").update(key).digest("hex") }] },
    ]),
  );
  const path = join(folder, "keys.json");
  writeFileSync(path, JSON.stringify({ version: 1, tenants }));
  return path;
}
