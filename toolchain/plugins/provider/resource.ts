// What a resource type of a stand-in has to say for itself. Values are plain here: provider.ts takes care of secrets
// and unknowns before and after.
import type { Schema } from "./schema.js";
import type { Properties } from "./values.js";

/** What an operation on one resource may use. */
export interface Context {
  urn: string;
  /** The resource's logical name. */
  name: string;
  /** Ends when the user interrupts or the operation's time is up. */
  signal: AbortSignal;
  /** Says something to the user, beside the resource. */
  log(severity: "debug" | "info" | "warning", message: string): void;
}

/** A resource as it is: its id and all its outputs. */
export interface State {
  id: string;
  outputs: Properties;
}

/** A resource type. */
export interface Resource {
  /** The class name of the SDK, for messages. */
  title: string;
  schema: Schema;
  /** Outputs that are not arguments: unknown while a preview creates the resource. */
  computed: readonly string[];
  /** Outputs of a creation to come that are partly known. Unknown values may be in the inputs. */
  preview?(inputs: Properties): Properties;
  /** Outputs that an update makes anew. */
  computedByUpdate?: readonly string[];
  /** Outputs that tell of every argument: secret when one of those is. */
  derived?: readonly string[];
  /** The argument `name` is made from the logical name when absent. */
  autonamed?: boolean;
  /** Two of them cannot be at the same time. */
  deleteBeforeReplace?: boolean;
  /** The argument changes that replace the resource, when the schema's own word on it is not enough. */
  replacesOn?(argument: string, news: Properties): boolean;
  /** Reasons to refuse inputs that only show when several are seen together. Unknown values may be in them. */
  refuse?(inputs: Properties): { property: string; reason: string }[];
  create(inputs: Properties, context: Context): Promise<State>;
  /** The resource as it is now; undefined when it is gone. `outputs` is empty when it is being imported. */
  read(id: string, outputs: Properties, context: Context): Promise<State | undefined>;
  update(id: string, outputs: Properties, inputs: Properties, context: Context): Promise<Properties>;
  delete(id: string, outputs: Properties, context: Context): Promise<void>;
}

/** Everything a stand-in plugin offers. */
export interface Plugin {
  name: string;
  version: string;
  resources: Record<string, Resource>;
  /** Functions by token. */
  functions: Record<string, (args: Properties, context: Context) => Promise<Properties>>;
  /** Takes the provider's configuration (plain). Throws when it cannot be used. */
  configure(config: Properties): void;
}
