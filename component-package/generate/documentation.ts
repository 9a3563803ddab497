// From TSDoc to the descriptions of a schema, which end up in the SDKs of all languages.
import * as ts from "typescript";

/** What a comment says, as Markdown, with the default as its last sentence; undefined where there is no comment. */
export function descriptionOf(node: ts.Node, enumValues: ReadonlyMap<string, string>): string | undefined {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = comments.map((comment) => textOf(comment.comment)).join("\n\n");
  const given = ts.getJSDocTags(node).find((tag) => tag.tagName.text === "default");
  const parts = [text, given === undefined ? "" : defaultSentence(textOf(given.comment), enumValues)];
  const whole = parts.filter((part) => part !== "").join(" ");
  return whole === "" ? undefined : whole;
}

/** A comment's text in lines of their own where it has paragraphs, links as code. */
function textOf(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  const text = ts.getTextOfJSDocComment(comment) ?? "";
  return text
    .replace(/\{@link\s+([^}\s]+)\s*\}/g, "`$1`")
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, " ").trim())
    .join("\n\n");
}

/** The default is told and not filled in by SDKs: some arguments may only be given together, or not together, with others. */
function defaultSentence(text: string, enumValues: ReadonlyMap<string, string>): string {
  const withValues = text.replace(/\b[A-Z]\w*\.[A-Z]\w*/g, (member) => {
    const value = enumValues.get(member);
    return value === undefined ? member : JSON.stringify(value);
  });
  const isCode = /^(?:-?[\d.]+|true|false|"[^"]*"|\[.*\]|\{.*\})$/.test(withValues);
  const words = isCode ? `\`${withValues}\`` : withValues.replace(/^- /, "");
  return `Default: ${words}.`;
}
