// ESLint and the type check over one TypeScript program: made one by one, each would parse and check all files for itself.
// Exits with 1 where one of the two has found something. Plain JavaScript, so that nothing has to be compiled to start it.
import { resolve } from "node:path";

import { ESLint } from "eslint";
import ts from "typescript";

const root = resolve(import.meta.dirname, "../..");

/** The program of tsconfig.json, as `tsc` makes it. */
function makeProgram() {
  const file = resolve(root, "tsconfig.json");
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile);
  const { fileNames, options, errors } = ts.parseJsonConfigFileContent(config, ts.sys, root, undefined, file);
  const configFileParsingDiagnostics = error === undefined ? errors : [error, ...errors];
  return ts.createProgram({ rootNames: fileNames, options, configFileParsingDiagnostics });
}

/** What the rules say of every file; nothing where they are content. */
async function lint(program) {
  const eslint = new ESLint({
    cwd: root,
    overrideConfig: {
      files: ["**/*.ts"],
      languageOptions: { parserOptions: { projectService: false, programs: [program] } },
    },
  });
  return (await eslint.loadFormatter("stylish")).format(await eslint.lintFiles(["."]));
}

/** What `tsc --noEmit` says; nothing where the types are right. */
function checkTypes(program) {
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => root,
    getNewLine: () => "\n",
  });
}

const program = makeProgram();
const found = [await lint(program), checkTypes(program)].filter((text) => text !== "");
for (const text of found) console.log(text);
if (found.length > 0) process.exitCode = 1;
