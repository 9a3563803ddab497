// The rules of what goes into an image. What passes is a name and a version and nothing else: it cannot be an option of pip
// or apt, a URL, a path, or a piece of shell.
import type { Rule } from "../shared/checks";
import { matching } from "../shared/rules";

/** PEP 508 without markers and URLs, PEP 440 without wildcards: `name[extra]==version`. */
export const pipPackage: Rule<string> = matching(
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*\])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*$/,
  "a package with its exact version, such as numpy==2.3.4",
);

/** Debian Policy 5.6.1 and 5.6.12: `name=version`. */
export const aptPackage: Rule<string> = matching(
  /^[a-z0-9][a-z0-9+.-]+=[0-9][A-Za-z0-9.+~:-]*$/,
  "a package with its exact version, such as git=1:2.39.5-0+deb12u2 (apt-cache madison git lists them)",
);

/** A version of Python 3. */
export const pythonVersion: Rule<string> = matching(
  /^3\.\d{1,2}(?:\.\d{1,3})?$/,
  "a version of Python such as 3.12 or 3.12.4",
);

/** A command of a build. */
export const buildCommand: Rule<string> = (value) =>
  typeof value === "string" && value.trim() !== "" && !value.includes("\0")
    ? undefined
    : "a command for bash, without NUL characters";

/** A repository of a registry, without tag and digest. */
export const repository: Rule<string> = matching(
  /^(?:localhost|(?=[^/]*[.:])[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+$/,
  "a registry and a repository without tag, such as registry.example.com/team/sandboxes",
);

/** A key of a Secret. */
export const secretKey: Rule<string> = matching(
  /^[-._a-zA-Z0-9]{1,253}$/,
  "a key of a Secret: at most 253 letters, digits, -, _ and .",
);
