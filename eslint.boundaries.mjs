// The lint rule `boundaries/imports`: a file of one folder imports from no other but those that it is allowed, in whatever way it
// names them: by a relative path, or as a workspace package (`@sandlot/<folder>`). It compares names and resolves nothing, which
// would take longer than all the rest of linting that knows no types.
import { dirname, relative, resolve, sep } from "node:path";

const root = import.meta.dirname;

/** The top folder of the repository that `path` is in, such as `infra`; undefined for its root and outside of it. */
function folderOf(path) {
  const [folder, ...rest] = relative(root, path).split(sep);
  return folder === "" || folder === ".." || (rest.length === 0 && folder.includes(".")) ? undefined : folder;
}

/** The folder that `specifier` leads to from `file`; undefined for packages of others. */
function imported(specifier, file) {
  const workspace = /^@sandlot\/([^/]+)/.exec(specifier);
  if (workspace !== null) return workspace[1];
  return /^\.{0,2}\/|^\.{1,2}$/.test(specifier) ? folderOf(resolve(dirname(file), specifier)) : undefined;
}

const imports = {
  meta: {
    type: "problem",
    schema: [{ type: "object", additionalProperties: { type: "array", items: { type: "string" } } }],
    messages: { forbidden: "{{own}} must not import from {{folder}} (see docs/design.md): {{specifier}}" },
  },
  create(context) {
    const own = folderOf(context.filename);
    const allowed = context.options[0][own];
    if (allowed === undefined) return {};
    const check = (node) => {
      const specifier = node?.type === "TSLiteralType" ? node.literal.value : node?.value;
      if (typeof specifier !== "string") return;
      const folder = imported(specifier, context.filename);
      if (folder === undefined || folder === own || allowed.includes(folder)) return;
      context.report({ node, messageId: "forbidden", data: { own, folder, specifier } });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.argument),
      TSExternalModuleReference: (node) => check(node.expression),
      CallExpression: (node) => {
        if (node.callee.type === "Identifier" && node.callee.name === "require") check(node.arguments[0]);
      },
    };
  },
};

export default { rules: { imports } };
