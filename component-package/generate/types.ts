// From the type of an argument or output, as it is written, to its specification. What no other language could give, such as a
// function or a union, is an error that names the field.
import * as ts from "typescript";

import { descriptionOf } from "./documentation";
import { secretFields } from "./secrets";
import { declarationOf, enumMembers, type Sources } from "./sources";
import type { EnumSpec, ObjectSpec, PropertySpec, PropertySpecs, TypeSpec } from "./spec";

/** Fields, and which of them must be given. */
export interface Fields {
  readonly properties: PropertySpecs;
  readonly required: readonly string[];
}

const primitives: ReadonlyMap<ts.SyntaxKind, TypeSpec> = new Map([
  [ts.SyntaxKind.StringKeyword, { type: "string" as const }],
  [ts.SyntaxKind.NumberKeyword, { type: "number" as const }],
  [ts.SyntaxKind.BooleanKeyword, { type: "boolean" as const }],
]);

/** Specifies fields, and collects the types with a name that they lead to. */
export class TypeReader {
  readonly types: Record<string, ObjectSpec | EnumSpec> = {};
  readonly secretsSeen = new Set<string>();
  readonly #declarations = new Map<string, ts.Declaration>();

  constructor(
    private readonly sources: Sources,
    private readonly packageName: string,
  ) {}

  /** The inputs: every field of the interface, those that it inherits too. */
  inputs(args: ts.InterfaceDeclaration): Fields {
    return this.#fields(this.#members(args), false);
  }

  /** The outputs of a class: its public fields, but for resources, which only the program that made them can hold. */
  outputs(declaration: ts.ClassDeclaration): Fields {
    const members = declaration.members
      .filter(ts.isPropertyDeclaration)
      .filter((member) => member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PublicKeyword) === true)
      .filter(({ type }) => type?.getText().startsWith("pulumi.Resource") !== true);
    const { properties } = this.#fields(members, false);
    const required = members.filter(({ type }) => !mayBeUndefined(type)).map(({ name }) => name.getText());
    const outputs = Object.entries(properties).map(([name, property]) => [name, deeplyDeferred(property)]);
    return { properties: Object.fromEntries(outputs) as PropertySpecs, required };
  }

  /** An interface's own fields after those that it inherits. */
  #members(declaration: ts.InterfaceDeclaration): ts.PropertySignature[] {
    const parents = (declaration.heritageClauses ?? []).flatMap(({ types }) => types);
    const inherited = parents.flatMap(({ expression }) => {
      const parent = this.#declaration(expression);
      if (parent === undefined || !ts.isInterfaceDeclaration(parent))
        throw new Error(`${declaration.name.text}: ${expression.getText()} is no interface of ours`);
      return this.#members(parent);
    });
    const own = declaration.members.map((member) => {
      if (ts.isPropertySignature(member)) return member;
      throw new Error(`${declaration.name.text}.${member.getText()}: has no place in a schema`);
    });
    const names = new Set(own.map(({ name }) => name.getText()));
    return [...inherited.filter(({ name }) => !names.has(name.getText())), ...own];
  }

  #fields(members: readonly (ts.PropertySignature | ts.PropertyDeclaration)[], allRequired: boolean): Fields {
    const properties = members.map((member): [string, PropertySpec] => {
      const field = `${(member.parent as ts.InterfaceDeclaration).name.text}.${member.name.getText()}`;
      const description = descriptionOf(member, this.sources.enumValues);
      const secret = secretFields.includes(field);
      if (secret) this.secretsSeen.add(field);
      return [
        member.name.getText(),
        {
          ...this.#type(member.type, field),
          ...(description === undefined ? {} : { description }),
          ...(secret ? { secret } : {}),
        },
      ];
    });
    const required = members
      .filter(({ questionToken }) => allRequired || questionToken === undefined)
      .map(({ name }) => name.getText());
    return { properties: Object.fromEntries(properties), required };
  }

  /** `field` is for messages. Everything but an Input or Output is plain. */
  #type(node: ts.TypeNode | undefined, field: string): TypeSpec {
    if (node === undefined) throw new Error(`${field}: has no type`);
    const deferred = deferredType(node);
    if (deferred !== undefined) {
      return this.#plainType(deferred, field);
    }
    return { ...this.#plainType(node, field), plain: true };
  }

  #plainType(node: ts.TypeNode, field: string): TypeSpec {
    const primitive = primitives.get(node.kind);
    if (primitive !== undefined) return primitive;
    if (ts.isArrayTypeNode(node)) return { type: "array", items: this.#type(node.elementType, field) };
    if (ts.isUnionTypeNode(node)) {
      const [only, ...others] = node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
      if (only !== undefined && others.length === 0) return this.#plainType(only, field);
    }
    if (ts.isTypeLiteralNode(node)) {
      const [only, ...others] = node.members;
      if (only !== undefined && others.length === 0 && ts.isIndexSignatureDeclaration(only))
        return { type: "object", additionalProperties: this.#type(only.type, field) };
    }
    if (ts.isTypeReferenceNode(node)) {
      const [of] = node.typeArguments ?? [];
      const allRequired = node.typeName.getText() === "Required" && of !== undefined;
      const declaration = this.#declaration(
        allRequired && ts.isTypeReferenceNode(of) ? of.typeName : node.typeName,
      );
      if (declaration !== undefined && ts.isEnumDeclaration(declaration)) return this.#enum(declaration);
      if (declaration !== undefined && ts.isInterfaceDeclaration(declaration))
        return this.#object(declaration, allRequired);
    }
    throw new Error(
      `${field}: the type ${node.getText()} has no place in a schema; use text, numbers, booleans, enums, interfaces, and lists and maps of them`,
    );
  }

  #enum(declaration: ts.EnumDeclaration): TypeSpec {
    const { enumValues } = this.sources;
    return this.#named(declaration.name.text, declaration, () => ({
      type: "string",
      ...described(declaration, enumValues),
      enum: enumMembers(declaration).map(({ name, value, member }) => ({
        name,
        ...described(member, enumValues),
        value,
      })),
    }));
  }

  #object(declaration: ts.InterfaceDeclaration, allRequired: boolean): TypeSpec {
    const name = `${allRequired ? "Required" : ""}${declaration.name.text}`;
    return this.#named(name, declaration, () => {
      const { properties, required } = this.#fields(this.#members(declaration), allRequired);
      return {
        type: "object",
        ...described(declaration, this.sources.enumValues),
        properties,
        ...(required.length === 0 ? {} : { required }),
      };
    });
  }

  #named(name: string, declaration: ts.Declaration, specify: () => ObjectSpec | EnumSpec): TypeSpec {
    const token = `${this.packageName}:index:${name}`;
    const known = this.#declarations.get(name);
    if (known !== undefined && known !== declaration)
      throw new Error(
        `${name} is declared in ${known.getSourceFile().fileName} and ${declaration.getSourceFile().fileName}; rename one of them`,
      );
    if (known === undefined) {
      this.#declarations.set(name, declaration);
      this.types[token] = specify();
    }
    return { $ref: `#/types/${token}` };
  }

  #declaration(name: ts.Node): ts.Declaration | undefined {
    const symbol = this.sources.checker.getSymbolAtLocation(name);
    return symbol === undefined ? undefined : declarationOf(this.sources.checker, symbol);
  }
}

const described = (node: ts.Node, enumValues: ReadonlyMap<string, string>): { description?: string } => {
  const description = descriptionOf(node, enumValues);
  return description === undefined ? {} : { description };
};

/** `T` of `pulumi.Input<T>` and `pulumi.Output<T>`. */
function deferredType(node: ts.TypeNode): ts.TypeNode | undefined {
  if (!ts.isTypeReferenceNode(node)) return undefined;
  const name = node.typeName.getText();
  return name === "pulumi.Input" || name === "pulumi.Output" ? node.typeArguments?.[0] : undefined;
}

/** What is said of inputs alone is left out. */
function deeplyDeferred(spec: TypeSpec): TypeSpec {
  const entries = Object.entries(spec).filter(([key]) => key !== "plain");
  const { items, additionalProperties } = spec;
  return {
    ...(Object.fromEntries(entries) as TypeSpec),
    ...(items === undefined ? {} : { items: deeplyDeferred(items) }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: deeplyDeferred(additionalProperties) }),
  };
}

function mayBeUndefined(node: ts.TypeNode | undefined): boolean {
  const inner = node === undefined ? undefined : (deferredType(node) ?? node);
  return (
    inner !== undefined &&
    ts.isUnionTypeNode(inner) &&
    inner.types.some(({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword)
  );
}
