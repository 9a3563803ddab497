// What TypeScript's compiler would refuse, refused when a program in another language is run: fields that there are not, values of
// another type, outputs where the value itself is needed. What the values must be beyond that is the component's own business.
import type * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";

import { Checks, isDeferred, type Rule } from "../components/shared/checks";
import type { ObjectSpec, PackageSpec, PropertySpec, TypeSpec } from "./generate/spec";

const typePrefix = "#/types/";

/**
 * The inputs as the component's class takes them: nulls, which other languages send for what is not given, are left out.
 * @throws ArgumentError with every problem, each with the path of its field.
 */
export function checkedInputs(
  spec: PackageSpec,
  type: string,
  name: string,
  inputs: pulumi.Inputs,
): pulumi.Inputs {
  const resource = spec.resources[type];
  if (resource === undefined) throw new Error(`no component ${type}`);
  const checks = new Checks(type.slice(type.lastIndexOf(":") + 1), name);
  const given = withoutNulls(inputs) as pulumi.Inputs;
  const { inputProperties: properties, requiredInputs: required } = resource;
  new Inspection(spec, checks).fields("", given, { properties, required });
  checks.finish();
  return given;
}

class Inspection {
  constructor(
    private readonly spec: PackageSpec,
    private readonly checks: Checks,
  ) {}

  /** Holds an object's fields against their specifications; `path` is empty or ends with a full stop. */
  fields(
    path: string,
    given: Readonly<Record<string, unknown>>,
    { properties, required = [] }: Pick<ObjectSpec, "properties" | "required">,
  ): void {
    const known = Object.keys(properties);
    for (const field of required) {
      if (given[field] === undefined) this.checks.problem(`${path}${field} is missing; give it`);
    }
    for (const [field, value] of Object.entries(given)) {
      const property = properties[field];
      if (property === undefined) this.checks.problem(`${path}${field} is not known; ${hint(field, known)}`);
      else this.property(`${path}${field}`, value, property);
    }
  }

  private property(field: string, value: unknown, property: PropertySpec | TypeSpec): void {
    if (value === undefined) return;
    if (!isDeferred(value)) {
      this.plain(field, value, property);
      return;
    }
    if (property.plain === true)
      this.checks.problem(
        `${field} is an output, but which resources there are hangs on it, so that it must be known beforehand; give the value itself`,
      );
  }

  private plain(field: string, value: unknown, property: TypeSpec): void {
    if (property.$ref !== undefined) {
      this.named(field, value, property.$ref);
    } else if (property.items !== undefined) {
      if (!this.is(field, value, Array.isArray(value), "a list")) return;
      for (const [i, item] of (value as unknown[]).entries())
        this.property(`${field}[${i}]`, item, property.items);
    } else if (property.additionalProperties !== undefined) {
      if (!this.is(field, value, isObject(value), "a map")) return;
      for (const [key, each] of Object.entries(value as object))
        this.property(`${field}.${key}`, each, property.additionalProperties);
    } else {
      const words = { string: "text", number: "a number", boolean: "true or false" };
      const { type } = property;
      if (type === "string" || type === "number" || type === "boolean")
        this.is(field, value, typeof value === type, words[type]);
    }
  }

  private named(field: string, value: unknown, reference: string): void {
    const type = this.spec.types[reference.slice(typePrefix.length)];
    if (type === undefined) throw new Error(`the schema has no ${reference}`);
    if ("enum" in type) {
      const allowed = type.enum.map((each) => each.value);
      const fine = allowed.some((each) => each === value);
      this.is(field, value, fine, `one of ${allowed.join(", ")}`);
    } else if (this.is(field, value, isObject(value), "an object")) {
      this.fields(`${field}.`, value as Readonly<Record<string, unknown>>, type);
    }
  }

  private is(field: string, value: unknown, fine: boolean, allowed: string): boolean {
    const rule: Rule<unknown> = () => (fine ? undefined : allowed);
    this.checks.plain(field, value, rule);
    return fine;
  }
}

/** The most that a known field may differ from what was written to be thought of as meant. */
const maximumDistance = 3;

function hint(field: string, known: readonly string[]): string {
  const near = closest(field, known);
  return distance(field, near) <= maximumDistance
    ? `perhaps ${near} is meant`
    : `there are ${[...known].sort().join(", ")}`;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isDeferred(value);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value as object)
      .filter(([, each]) => each !== null && each !== undefined)
      .map(([key, each]: [string, unknown]) => [key, withoutNulls(each)]),
  );
}
