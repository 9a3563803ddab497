// Folders inside a volume, such as one for each user.
import type { Rule } from "./checks";

const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/**
 * A folder inside a volume. Every part of it begins with a letter, a digit or `_`, so that none is `..`, hidden or an option, and
 * none is empty: whatever the parts are made of, it stays inside.
 */
export const subPath: Rule<string> = (value) =>
  typeof value === "string" && value.length <= 1024 && value.split("/").every((part) => segment.test(part))
    ? undefined
    : "a folder inside the volume such as users/alice: parts of letters, digits, -, _ and ., each beginning with a letter, a digit or _";
