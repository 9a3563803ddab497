// The repository's documents, read as the tests need them.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** A file of the repository, as text. */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

const documentsIn = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);

/** Every document that a reader is led to. */
export const documents: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  "provisioner/README.md",
  "provisioner/src/router/README.md",
  "sandboxd/README.md",
  "toolchain/node-image/README.md",
  ...documentsIn("docs"),
  ...documentsIn("docs/runbooks"),
];

/** A document without its code, where brackets mean something else. */
export function prose(text: string): string {
  return text.replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, " "));
}

/** The blocks of code of a document that are in one of `languages`, with what they are indented by taken off. */
export function codeBlocks(text: string, ...languages: string[]): string[] {
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)]
    .filter(([, , language = ""]) => languages.includes(language))
    .map(([, indent = "", , body = ""]) => body.replace(new RegExp(`^${indent}`, "gm"), ""));
}

/** What stands in code in a document's sentences. */
export function inCode(text: string): string[] {
  return [...text.replace(/^ *```.*?^ *```$/gms, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
}

/** The anchors that GitHub makes of a document's headings. */
export function anchors(text: string): Set<string> {
  const headings = [...text.replace(/^```.*?^```$/gms, "").matchAll(/^#{1,6} (.+)$/gm)];
  return new Set(headings.map(([, title = ""]) => slug(title)));
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/** The part of a document under the heading `title`, up to the next heading of the same or a higher level. */
export function section(text: string, title: string): string | undefined {
  const start = new RegExp(`^(#+) ${title}$`, "m").exec(text);
  if (start === null) return undefined;
  const rest = text.slice(start.index + start[0].length);
  const end = new RegExp(`^#{1,${start[1]?.length ?? 1}} `, "m").exec(rest);
  return end === null ? rest : rest.slice(0, end.index);
}
