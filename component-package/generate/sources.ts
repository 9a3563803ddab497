// The components' sources as the compiler sees them. Packages of others are left out: of them, arguments have nothing but
// Pulumi's Input and Output, which are known by name, and reading their types would take most of the time.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import * as ts from "typescript";

/** A class that is offered. */
export interface ComponentClass {
  readonly name: string;
  readonly declaration: ts.ClassDeclaration;
  /** The interface of its constructor's `args`. */
  readonly args: ts.InterfaceDeclaration;
}

/** What the sources hold. */
export interface Sources {
  readonly checker: ts.TypeChecker;
  readonly components: readonly ComponentClass[];
  /** The values of enum members, by `<Enum>.<Member>`. */
  readonly enumValues: ReadonlyMap<string, string>;
}

/** Reads what `entry`, an absolute path, exports and all that it stands on. */
export function readSources(entry: string): Sources {
  const options: ts.CompilerOptions = { noLib: true, types: [], target: ts.ScriptTarget.ES2023 };
  const host = ts.createCompilerHost(options, true);
  host.resolveModuleNameLiterals = (literals, file) =>
    literals.map(({ text }) => ({ resolvedModule: resolvedModule(text, file) }));
  const program = ts.createProgram([entry], options, host);
  const checker = program.getTypeChecker();
  return { checker, components: componentClasses(program, checker, entry), enumValues: enumValues(program) };
}

function resolvedModule(specifier: string, file: string): ts.ResolvedModuleFull | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const path = join(dirname(file), specifier);
  const found = [`${path}.ts`, join(path, "index.ts")].find((each) => existsSync(each));
  return found === undefined ? undefined : { resolvedFileName: found, extension: ts.Extension.Ts };
}

function componentClasses(program: ts.Program, checker: ts.TypeChecker, entry: string): ComponentClass[] {
  const source = program.getSourceFile(entry);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} is no module`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => declarationOf(checker, symbol))
    .filter((declaration) => declaration !== undefined)
    .filter(isComponent)
    .map((declaration) => componentClass(checker, declaration))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isComponent(declaration: ts.Declaration): declaration is ts.ClassDeclaration {
  if (!ts.isClassDeclaration(declaration)) return false;
  const parents = (declaration.heritageClauses ?? []).flatMap(({ types }) => types);
  return parents.some(({ expression }) => expression.getText() === "pulumi.ComponentResource");
}

function componentClass(checker: ts.TypeChecker, declaration: ts.ClassDeclaration): ComponentClass {
  const name = declaration.name?.text ?? "";
  const parameters = declaration.members.find(ts.isConstructorDeclaration)?.parameters ?? [];
  const type = parameters.find((parameter) => parameter.name.getText() === "args")?.type;
  const named = type !== undefined && ts.isTypeReferenceNode(type) ? type.typeName : undefined;
  const symbol = named === undefined ? undefined : checker.getSymbolAtLocation(named);
  const args = symbol === undefined ? undefined : declarationOf(checker, symbol);
  if (args === undefined || !ts.isInterfaceDeclaration(args))
    throw new Error(`${name}: its constructor has no parameter args whose type is an interface`);
  return { name, declaration, args };
}

/** What a name stands for, wherever it is declared. */
export function declarationOf(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Declaration | undefined {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return target.declarations?.[0];
}

function enumValues(program: ts.Program): Map<string, string> {
  const values = new Map<string, string>();
  for (const statement of program.getSourceFiles().flatMap((file) => [...file.statements])) {
    if (!ts.isEnumDeclaration(statement)) continue;
    for (const { name, value } of enumMembers(statement)) values.set(`${statement.name.text}.${name}`, value);
  }
  return values;
}

/** An enum's members. @throws Error for members whose value is not written beside them as text. */
export function enumMembers(
  declaration: ts.EnumDeclaration,
): { name: string; value: string; member: ts.EnumMember }[] {
  return declaration.members.map((member) => {
    const name = member.name.getText();
    if (member.initializer === undefined || !ts.isStringLiteral(member.initializer))
      throw new Error(`${declaration.name.text}.${name}: the values of enums must be text`);
    return { name, value: member.initializer.text, member };
  });
}
