// Runs a Pulumi program without an engine and returns what it registered, options included. The SDK's mocks show inputs
// only, so the monitor's calls are listened to.
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";

/** A value as it travels to the engine, secrets unwrapped. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/** One registered resource. */
export interface RecordedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** The parent's URN; empty for the stack itself. */
  readonly parent: string;
  /** `<provider's URN>::<id>`; empty for the default provider and for components. */
  readonly provider: string;
  /** For components: the providers that children inherit, by package. */
  readonly providers: Readonly<Record<string, string>>;
  /** URNs, from `dependsOn` and from inputs. */
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly string[];
  /** Inputs with secrets unwrapped. */
  readonly inputs: Record<string, Plain>;
  /** Paths of inputs that are secret, such as `envs[0]`. */
  readonly secretInputs: readonly string[];
  /** Each call of `registerOutputs`, secrets unwrapped. */
  readonly registered: Record<string, Plain>[];
  /** Names of registered outputs that are secret. */
  readonly secretOutputs: string[];
}

/** All that a program registered. */
export class Graph {
  constructor(readonly resources: readonly RecordedResource[]) {}

  /** The resource of this logical name, of this type if names are not enough. @throws if there is not exactly one. */
  get(name: string, type?: string): RecordedResource {
    const found = this.resources.filter(
      (each) => each.name === name && (type === undefined || each.type === type),
    );
    if (found[0] !== undefined && found.length === 1) return found[0];
    throw new Error(`${found.length} resources are named ${name}; there are: ${this.names().join(", ")}`);
  }

  /** Whether a resource of this logical name was registered. */
  has(name: string): boolean {
    return this.resources.some((each) => each.name === name);
  }

  /** All logical names, sorted. */
  names(): string[] {
    return this.resources.map(({ name }) => name).sort();
  }

  /** All resources of a type. */
  ofType(type: string): RecordedResource[] {
    return this.resources.filter((each) => each.type === type);
  }

  /** The direct children. */
  childrenOf(parent: RecordedResource): RecordedResource[] {
    return this.resources.filter((each) => each.parent === parent.urn);
  }

  /** The components among the resources. */
  components(): RecordedResource[] {
    return this.resources.filter(({ custom, type }) => !custom && type !== "pulumi:pulumi:Stack");
  }

  /** Whether `later` is only made when `earlier` and all in it are there, by its own or its parents' dependencies. */
  comesAfter(later: RecordedResource, earlier: RecordedResource): boolean {
    const chain = [later, ...this.ancestors(later)];
    const dependencies = new Set(chain.flatMap((each) => each.dependencies));
    return this.within(earlier).every(({ urn }) => dependencies.has(urn));
  }

  /** The custom resources in a component, or the resource itself. */
  private within(resource: RecordedResource): RecordedResource[] {
    return resource.custom ? [resource] : this.childrenOf(resource).flatMap((child) => this.within(child));
  }

  private ancestors(resource: RecordedResource): RecordedResource[] {
    const parent = this.resources.find(({ urn }) => urn === resource.parent);
    return parent === undefined ? [] : [parent, ...this.ancestors(parent)];
  }
}

/** How to run a program. */
export interface RecordOptions {
  /** @default "sandlot" */
  readonly project?: string;
  /** @default "test" */
  readonly stack?: string;
  /** Outputs that a provider would add to the inputs; on top of {@link providerOutputs}. */
  readonly outputs?: (args: MockResourceArgs) => Record<string, unknown>;
  /** Stack configuration, with the project's name in its keys. */
  readonly config?: Record<string, string>;
  /** The keys of `config` that hold a secret. */
  readonly secretKeys?: readonly string[];
}

/** Runs `program` and waits until everything is registered. @throws what the program throws. */
export async function record(program: () => unknown, options: RecordOptions = {}): Promise<Graph> {
  await pulumi.runtime.setMocks(
    {
      newResource: (args) => ({
        id: `${args.name}-id`,
        state: {
          ...(args.inputs as Record<string, unknown>),
          ...providerOutputs(args),
          ...options.outputs?.(args),
        },
      }),
      call: ({ token }) => {
        throw new Error(`no function is expected to be called, but ${token} was`);
      },
    },
    options.project ?? "sandlot",
    options.stack ?? "test",
    false,
  );
  pulumi.runtime.setAllConfig(options.config ?? {}, [...(options.secretKeys ?? [])]);
  const resources = listen();
  // The SDK writes down a stack with each promise; looking up source maps for it takes longer than all the rest.
  process.setSourceMapsEnabled(false);
  try {
    await program();
    await pulumi.runtime.disconnect();
  } finally {
    process.setSourceMapsEnabled(true);
  }
  return new Graph([...resources.values()]);
}

/** What is registered by a program that fails: its error, and the resources until then. */
export async function recordFailure(
  program: () => unknown,
  options: RecordOptions = {},
): Promise<{ error: Error; graph: Graph }> {
  let error: unknown;
  const graph = await record(async () => {
    try {
      await program();
    } catch (thrown) {
      error = thrown;
    }
  }, options);
  if (error instanceof Error) return { error, graph };
  throw new Error(`the program was expected to fail, but registered ${graph.names().join(", ")}`);
}

/** What a command that makes a key prints. */
export const randomKey = "0123456789abcdef".repeat(4);

/** What the providers that Sandlot uses add to inputs, as far as components read it. */
function providerOutputs({ type, inputs }: MockResourceArgs): Record<string, unknown> {
  const given = inputs as Record<string, unknown>;
  switch (type) {
    case "docker:index/remoteImage:RemoteImage":
      return { imageId: "sha256:0123456789abcdef" };
    case "docker:index/container:Container": {
      const networks = (given["networksAdvanced"] ?? []) as { name: string }[];
      return {
        networkDatas: networks.map(({ name }) => ({
          networkName: name,
          gateway: "172.18.0.1",
          ipAddress: "172.18.0.2",
          ipPrefixLength: 16,
        })),
      };
    }
    case "command:local:Command":
      return {
        stdout: String(given["create"]).includes("/dev/urandom") ? randomKey : "standard output\n",
        stderr: "",
      };
    default:
      return {};
  }
}

interface Struct {
  toJavaScript(): Record<string, unknown>;
}

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getCustom(): boolean;
  getParent(): string;
  getProvider(): string;
  getProvidersMap(): { forEach(visit: (value: string, key: string) => void): void };
  getDependenciesList(): string[];
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getAliasesList(): { getUrn(): string; getSpec?(): { getName(): string; getType(): string } | undefined }[];
  getObject(): Struct;
}

type Callback<T> = (error: unknown, response: T | undefined) => void;

interface Monitor {
  registerResource(request: RegisterRequest, callback: Callback<{ getUrn(): string }>): void;
  registerResourceOutputs(
    request: { getUrn(): string; getOutputs(): Struct | undefined },
    callback: Callback<unknown>,
  ): void;
}

/** Listens to the live monitor. */
function listen(): Map<string, RecordedResource> {
  const resources = new Map<string, RecordedResource>();
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    register(request, (error, response) => {
      if (response !== undefined) {
        const urn = response.getUrn();
        if (resources.has(urn)) {
          callback(new Error(`Duplicate resource URN '${urn}'`), undefined);
          return;
        }
        resources.set(urn, describe(urn, request));
      }
      callback(error, response);
    });
  };
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResourceOutputs = (request, callback) => {
    const resource = resources.get(request.getUrn());
    const outputs = request.getOutputs()?.toJavaScript() ?? {};
    resource?.registered.push(plain(outputs) as Record<string, Plain>);
    resource?.secretOutputs.push(
      ...Object.keys(outputs).filter((key) => secretValue(outputs[key]) !== undefined),
    );
    registerOutputs(request, callback);
  };
  return resources;
}

function describe(urn: string, request: RegisterRequest): RecordedResource {
  const inputs = request.getObject().toJavaScript();
  const providers: Record<string, string> = {};
  request.getProvidersMap().forEach((value, key) => (providers[key] = value));
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    parent: request.getParent(),
    provider: request.getProvider(),
    providers,
    dependencies: request.getDependenciesList(),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: request.getAliasesList().map((alias) => alias.getUrn() || (alias.getSpec?.()?.getName() ?? "")),
    inputs: plain(inputs) as Record<string, Plain>,
    secretInputs: secretPaths(inputs),
    registered: [],
    secretOutputs: [],
  };
}

// Secrets travel as objects with a signature (sdk/go/common/resource/sig of pulumi/pulumi).
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** What is in a secret's wrapper; undefined if `value` is none. */
function secretValue(value: unknown): { value: unknown } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const wrapper = value as Record<string, unknown>;
  return wrapper[signatureKey] === secretSignature ? { value: wrapper["value"] } : undefined;
}

function plain(value: unknown): Plain {
  const secret = secretValue(value);
  if (secret !== undefined) return plain(secret.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  }
  return value as Plain;
}

function secretPaths(value: unknown, path = ""): string[] {
  if (secretValue(value) !== undefined) return [path];
  if (Array.isArray(value)) return value.flatMap((each, i) => secretPaths(each, `${path}[${i}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    secretPaths(each, path === "" ? key : `${path}.${key}`),
  );
}
