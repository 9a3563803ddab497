// Serves a plugin to Pulumi's engine over gRPC (proto/pulumi/provider.proto of pulumi/pulumi). The server that comes
// with @pulumi/pulumi is not used: it passes on neither the provider's configuration nor previews nor detailed
// differences, and loading the whole SDK makes every start slower.
import * as grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import providerService from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

import * as provider from "./provider.js";
import type { Context, Plugin, Resource } from "./resource.js";
import type { Change } from "./schema.js";
import {
  decodeProperties,
  encodeProperties,
  redact,
  revealProperties,
  secretTexts,
  type Properties,
} from "./values.js";

/** The engine sends whole states: far more than gRPC's usual 4 MiB (sdk/nodejs/runtime/settings.ts). */
const maxMessageBytes = 400 * 1024 * 1024;

const severities = {
  debug: engine.LogSeverity.DEBUG,
  info: engine.LogSeverity.INFO,
  warning: engine.LogSeverity.WARNING,
} as const;

const changeKinds = {
  add: [messages.PropertyDiff.Kind.ADD, messages.PropertyDiff.Kind.ADD_REPLACE],
  delete: [messages.PropertyDiff.Kind.DELETE, messages.PropertyDiff.Kind.DELETE_REPLACE],
  update: [messages.PropertyDiff.Kind.UPDATE, messages.PropertyDiff.Kind.UPDATE_REPLACE],
} as const;

type Struct = InstanceType<typeof struct.Struct>;
type Handler<Request, Response> = (request: Request) => Response | Promise<Response>;

/** Serves `plugin` until the engine ends the process. Prints the port, as the engine expects. */
export async function serve(plugin: Plugin, engineAddress: string | undefined): Promise<{ cancel(): void }> {
  const session = new Session(plugin, engineAddress);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  server.addService(providerService.ResourceProviderService, implementation(session));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  process.stdout.write(`${port}\n`);
  return session;
}

/** What lasts as long as the process: the line to the engine and the operations under way. */
class Session {
  private readonly cancelled = new AbortController();
  private client: InstanceType<typeof engineService.EngineClient> | undefined;

  constructor(
    readonly plugin: Plugin,
    engineAddress: string | undefined,
  ) {
    if (engineAddress !== undefined) this.attach(engineAddress);
  }

  attach(address: string): void {
    this.client = new engineService.EngineClient(address, grpc.credentials.createInsecure());
  }

  cancel(): void {
    this.cancelled.abort(new Error("interrupted"));
  }

  log(severity: keyof typeof severities, message: string, urn: string): void {
    const request = new engine.LogRequest();
    request.setSeverity(severities[severity]);
    request.setMessage(message);
    request.setUrn(urn);
    this.client?.log(request, () => undefined);
  }

  resource(urn: string): Resource {
    const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
    const resource = this.plugin.resources[type];
    if (resource !== undefined) return resource;
    throw new Error(
      `Sandlot's stand-in for the ${this.plugin.name} plugin has no resource ${type}; it has ` +
        `${Object.keys(this.plugin.resources).join(", ")}. ` +
        `Install the official plugin: pulumi plugin install resource ${this.plugin.name} ${this.plugin.version}`,
    );
  }

  /** Runs `work` with a context for it; no secret in `properties` gets out by a message or an error. */
  async during<T>(
    urn: string,
    timeoutSeconds: number,
    properties: Properties,
    work: (context: Context) => Promise<T>,
  ): Promise<T> {
    const secrets = secretTexts(properties);
    const timeout = timeoutSeconds > 0 ? [AbortSignal.timeout(timeoutSeconds * 1000)] : [];
    const context: Context = {
      urn,
      name: urn.split("::").at(-1) ?? "",
      signal: AbortSignal.any([this.cancelled.signal, ...timeout]),
      log: (severity, message) => {
        this.log(severity, redact(message, secrets), urn);
      },
    };
    try {
      return await work(context);
    } catch (error) {
      throw new Error(redact(error instanceof Error ? error.message : String(error), secrets), {
        cause: error,
      });
    }
  }
}

/** A gRPC method from a function that returns or throws. */
function method<Request, Response>(
  handler: Handler<Request, Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handler(call.request))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          const details = error instanceof Error ? error.message : String(error);
          callback({ code: grpc.status.UNKNOWN, details });
        },
      );
  };
}

function toProperties(wire: Struct | undefined): Properties {
  return decodeProperties(wire?.toJavaScript());
}

function toStruct(properties: Properties): Struct {
  return struct.Struct.fromJavaScript(encodeProperties(properties) as Record<string, struct.JavaScriptValue>);
}

function implementation(session: Session): grpc.UntypedServiceImplementation {
  return {
    ...processMethods(session),
    ...configurationMethods(session),
    ...inputMethods(session),
    ...lifeMethods(session),
  };
}

/** Start, end and identity of the process. */
function processMethods(session: Session): grpc.UntypedServiceImplementation {
  const { plugin } = session;
  return {
    attach: method((request: InstanceType<typeof plugins.PluginAttach>) => {
      session.attach(request.getAddress());
      return new empty.Empty();
    }),
    cancel: method(() => {
      session.cancel();
      return new empty.Empty();
    }),
    getPluginInfo: method(() => {
      const response = new plugins.PluginInfo();
      response.setVersion(plugin.version);
      return response;
    }),
    getSchema: method(() => {
      const response = new messages.GetSchemaResponse();
      response.setSchema(JSON.stringify({ name: plugin.name, version: plugin.version }));
      return response;
    }),
  };
}

/** The provider's own configuration. */
function configurationMethods(session: Session): grpc.UntypedServiceImplementation {
  const { plugin } = session;
  return {
    checkConfig: method((request: InstanceType<typeof messages.CheckRequest>) => {
      const response = new messages.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: method((request: InstanceType<typeof messages.DiffRequest>) => {
      const response = new messages.DiffResponse();
      const same =
        JSON.stringify(request.getOldInputs()?.toJavaScript()) ===
        JSON.stringify(request.getNews()?.toJavaScript());
      response.setChanges(
        same ? messages.DiffResponse.DiffChanges.DIFF_NONE : messages.DiffResponse.DiffChanges.DIFF_SOME,
      );
      return response;
    }),
    configure: method((request: InstanceType<typeof messages.ConfigureRequest>) => {
      plugin.configure(revealProperties(toProperties(request.getArgs())));
      session.log("info", `${plugin.name} ${plugin.version}: Sandlot's stand-in for the official plugin`, "");
      const response = new messages.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    invoke: method(async (request: InstanceType<typeof messages.InvokeRequest>) => {
      const token = request.getTok();
      const run = plugin.functions[token];
      if (run === undefined) {
        throw new Error(`Sandlot's stand-in for the ${plugin.name} plugin has no function ${token}`);
      }
      const args = toProperties(request.getArgs());
      const response = new messages.InvokeResponse();
      const result = await session.during("", 0, args, (context) => run(revealProperties(args), context));
      response.setReturn(toStruct(result));
      return response;
    }),
  };
}

/** What is asked about inputs, before anything is done. */
function inputMethods(session: Session): grpc.UntypedServiceImplementation {
  return {
    check: method((request: InstanceType<typeof messages.CheckRequest>) => {
      const checked = provider.check(
        session.plugin,
        session.resource(request.getUrn()),
        request.getUrn().split("::").at(-1) ?? "",
        toProperties(request.getOlds()),
        toProperties(request.getNews()),
        request.getRandomseed_asU8(),
      );
      const response = new messages.CheckResponse();
      response.setInputs(toStruct(checked.inputs));
      for (const failure of checked.failures) {
        const message = response.addFailures();
        message.setProperty(failure.property);
        message.setReason(failure.reason);
      }
      return response;
    }),
    diff: method((request: InstanceType<typeof messages.DiffRequest>) => {
      const resource = session.resource(request.getUrn());
      const difference = provider.diff(
        resource,
        toProperties(request.getOldInputs()),
        toProperties(request.getNews()),
      );
      return diffResponse(difference);
    }),
  };
}

function diffResponse({
  changes,
  deleteBeforeReplace,
}: provider.Difference): InstanceType<typeof messages.DiffResponse> {
  const response = new messages.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  response.setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setDiffsList(topLevel(changes));
  response.setReplacesList(topLevel(changes.filter((change) => change.replaces)));
  response.setDeletebeforereplace(deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  for (const change of changes) {
    const detail = new messages.PropertyDiff();
    detail.setKind(changeKinds[change.kind][change.replaces ? 1 : 0]);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(change.path, detail);
  }
  return response;
}

function topLevel(changes: readonly Change[]): string[] {
  return [...new Set(changes.map((change) => change.path.split(/[.[]/, 1)[0] ?? change.path))];
}

/** Create, read, update, delete. */
function lifeMethods(session: Session): grpc.UntypedServiceImplementation {
  return {
    create: method(async (request: InstanceType<typeof messages.CreateRequest>) => {
      const urn = request.getUrn();
      const resource = session.resource(urn);
      const inputs = toProperties(request.getProperties());
      const response = new messages.CreateResponse();
      if (request.getPreview()) {
        response.setProperties(toStruct(provider.previewCreate(resource, inputs)));
        return response;
      }
      const made = await session.during(urn, request.getTimeout(), inputs, (context) =>
        provider.create(resource, inputs, context),
      );
      response.setId(made.id);
      response.setProperties(toStruct(made.outputs));
      return response;
    }),
    read: method(async (request: InstanceType<typeof messages.ReadRequest>) => {
      const urn = request.getUrn();
      const resource = session.resource(urn);
      const inputs = toProperties(request.getInputs());
      const outputs = toProperties(request.getProperties());
      const found = await session.during(urn, 0, { inputs, outputs }, (context) =>
        provider.read(resource, request.getId(), inputs, outputs, context),
      );
      const response = new messages.ReadResponse();
      if (found === undefined) return response;
      response.setId(found.id);
      response.setProperties(toStruct(found.outputs));
      response.setInputs(toStruct(found.inputs));
      return response;
    }),
    update: method(async (request: InstanceType<typeof messages.UpdateRequest>) => {
      const urn = request.getUrn();
      const resource = session.resource(urn);
      const inputs = toProperties(request.getNews());
      const olds = toProperties(request.getOlds());
      const response = new messages.UpdateResponse();
      const outputs = request.getPreview()
        ? provider.previewUpdate(resource, olds, inputs)
        : await session.during(urn, request.getTimeout(), { inputs, olds }, (context) =>
            provider.update(resource, request.getId(), olds, inputs, context),
          );
      response.setProperties(toStruct(outputs));
      return response;
    }),
    delete: method(async (request: InstanceType<typeof messages.DeleteRequest>) => {
      const urn = request.getUrn();
      const resource = session.resource(urn);
      const outputs = toProperties(request.getProperties());
      await session.during(urn, request.getTimeout(), outputs, (context) =>
        provider.remove(resource, request.getId(), outputs, context),
      );
      return new empty.Empty();
    }),
  };
}
