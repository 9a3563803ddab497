// The part of Pulumi's package schema (https://www.pulumi.com/docs/iac/extending-pulumi/schema/) that components need.

/** What a value is. */
export interface TypeSpec {
  readonly type?: "string" | "number" | "boolean" | "array" | "object";
  readonly $ref?: string;
  readonly items?: TypeSpec;
  readonly additionalProperties?: TypeSpec;
  /** Whether it must be the value itself and never an output. */
  readonly plain?: boolean;
}

/** A field of an object, an input or an output. */
export interface PropertySpec extends TypeSpec {
  readonly description?: string;
  readonly secret?: boolean;
}

/** Fields by name. */
export type PropertySpecs = Readonly<Record<string, PropertySpec>>;

/** An object with fields of its own. */
export interface ObjectSpec {
  readonly type: "object";
  readonly description?: string;
  readonly properties: PropertySpecs;
  readonly required?: readonly string[];
}

/** Text that is one of several. */
export interface EnumSpec {
  readonly type: "string";
  readonly description?: string;
  readonly enum: readonly {
    readonly name: string;
    readonly description?: string;
    readonly value: string;
  }[];
}

/** A component: its outputs are `properties`. */
export interface ResourceSpec {
  readonly isComponent: true;
  readonly description?: string;
  readonly properties: PropertySpecs;
  readonly required: readonly string[];
  readonly inputProperties: PropertySpecs;
  readonly requiredInputs: readonly string[];
}

/** The package. */
export interface PackageSpec {
  readonly name: string;
  readonly version: string;
  readonly displayName: string;
  readonly description: string;
  readonly license: string;
  readonly language: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, ObjectSpec | EnumSpec>>;
  readonly resources: Readonly<Record<string, ResourceSpec>>;
}
