// docker:index/container:Container
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import type { Context, Resource } from "../provider/resource.js";
import { isObject, Unknown, type Properties, type Value } from "../provider/values.js";
import { createBody, endpointBody, updateBody, type ContainerInputs, type Upload } from "./containerSpec.js";
import {
  asInputs,
  containerOutputs,
  describeState,
  importedOutputs,
  isUp,
  type ContainerInspect,
} from "./containerState.js";
import { EngineError, removeWhenFree, type Engine } from "./engine.js";
import { ensureImage, type ImageSource } from "./image.js";
import { containerLogs } from "./logs.js";
import { explainStartFailure } from "./portConflict.js";
import { containerSchema } from "./schemas.js";
import { tar } from "./tar.js";

const pollMs = 100;
const removalWaitMs = 60_000;
const logTailLines = 20;
const defaultRunTimeoutMs = 15_000;
const defaultHealthTimeoutSeconds = 60;

/** The arguments whose change is handed to `docker update`. */
const updatable = [
  "restart",
  "maxRetryCount",
  "memory",
  "memoryReservation",
  "memorySwap",
  "cpuShares",
  "cpuSet",
  "cpuPeriod",
  "cpuQuota",
];

/** The resource, over what `source` gives once the provider is configured. */
export function containerResource(source: () => ImageSource): Resource {
  return {
    title: "Container",
    schema: containerSchema,
    autonamed: true,
    deleteBeforeReplace: true,
    computed: [
      ...[
        "bridge",
        "containerLogs",
        "exitCode",
        "networkDatas",
        "command",
        "entrypoints",
        "envs",
        "healthcheck",
      ],
      ...[
        "hostname",
        "init",
        "ipcMode",
        "labels",
        "logDriver",
        "platform",
        "ports",
        "runtime",
        "securityOpts",
      ],
      ...["shmSize", "stopSignal", "stopTimeout"],
    ],
    preview: ({ ports }) => (Array.isArray(ports) ? { ports: ports.map(withExternal) } : {}),
    refuse: (inputs) => [...refuseUploads(inputs["uploads"]), ...refuseVolumes(inputs["volumes"])],

    async create(properties, context) {
      const inputs = asInputs(properties);
      const { engine } = source();
      await ensureImage(source(), inputs.image, inputs.platform, context);
      const id = await createContainer(engine, inputs);
      try {
        const outputs = await bringUp(engine, id, properties, context);
        return { id, outputs };
      } catch (error) {
        // A container that is not what was asked for must not stay in the way of the next try.
        await removeContainer(engine, id, true);
        throw error;
      }
    },

    async read(id, outputs) {
      const found = await inspect(source().engine, id);
      if (found === undefined) return undefined;
      if (outputs["name"] === undefined) return { id: found.Id, outputs: importedOutputs(found) };
      const now = containerOutputs(found, outputs);
      // Told as the official provider does: a stopped container is one that need not run; wanting it starts it again.
      const stopped = outputs["mustRun"] !== false && outputs["start"] !== false && !isUp(found);
      return { id: found.Id, outputs: { ...now, ...(stopped ? { mustRun: false } : {}) } };
    },

    async update(id, outputs, properties, context) {
      const { engine } = source();
      const inputs = asInputs(properties);
      if (updatable.some((key) => outputs[key] !== properties[key])) {
        await engine.json("POST", `/containers/${id}/update`, {
          body: updateBody(inputs),
          signal: context.signal,
        });
      }
      if (inputs.mustRun !== false && inputs.start !== false)
        await ensureStarted(engine, id, inputs, context);
      const found = await inspect(engine, id);
      if (found === undefined)
        throw new Error(`The container ${inputs.name} is gone; run with --refresh to make it again`);
      return containerOutputs(found, properties);
    },

    async delete(id, outputs, { signal }) {
      const { engine } = source();
      const { destroyGraceSeconds = 0, attach, removeVolumes } = asInputs(outputs);
      if (destroyGraceSeconds > 0 && attach !== true) {
        await ignoreMissing(
          engine.json("POST", `/containers/${id}/stop`, { query: { t: destroyGraceSeconds }, signal }),
        );
      }
      await removeContainer(engine, id, removeVolumes !== false);
    },
  };
}

/** A port that Docker is to choose is not known before. */
function withExternal(port: Value): Value {
  return isObject(port) && port["external"] === undefined ? { ...port, external: Unknown.value } : port;
}

async function createContainer(engine: Engine, inputs: ContainerInputs): Promise<string> {
  const { name, platform } = inputs;
  try {
    // Not interrupted: a container whose id is not known could not be removed again.
    const made = await engine.json<{ Id: string }>("POST", "/containers/create", {
      query: { name, platform },
      body: createBody(inputs),
    });
    return made.Id;
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 409) throw error;
    throw new Error(
      `A container named ${name} exists already. Remove it (docker rm -f ${name}), choose another name, or import it`,
      { cause: error },
    );
  }
}

/** Connects, fills and starts a new container, and waits for what the arguments ask to wait for. */
async function bringUp(
  engine: Engine,
  id: string,
  properties: Properties,
  context: Context,
): Promise<Properties> {
  const inputs = asInputs(properties);
  for (const network of inputs.networksAdvanced?.slice(1) ?? []) {
    const body = { Container: id, EndpointConfig: endpointBody(network) };
    await engine.json("POST", `/networks/${encodeURIComponent(network.name)}/connect`, { body });
  }
  if (inputs.uploads !== undefined && inputs.uploads.length > 0) await upload(engine, id, inputs.uploads);
  let logs: string | undefined;
  if (inputs.start !== false) {
    await startContainer(engine, id, inputs);
    if (inputs.attach === true) logs = await attach(engine, id, inputs, context);
    if (inputs.mustRun !== false) await waitRunning(engine, id, inputs, context);
    if (inputs.wait === true) await waitHealthy(engine, id, inputs, context);
  }
  const found = await inspect(engine, id);
  if (found === undefined) throw new Error(`The container ${inputs.name} vanished right after it was made`);
  return { ...containerOutputs(found, properties), ...(logs === undefined ? {} : { containerLogs: logs }) };
}

async function startContainer(engine: Engine, id: string, inputs: ContainerInputs): Promise<void> {
  try {
    await engine.json("POST", `/containers/${id}/start`);
  } catch (error) {
    throw await explainStartFailure(engine, inputs.name, error);
  }
}

/** Starts a container that is not running. */
async function ensureStarted(
  engine: Engine,
  id: string,
  inputs: ContainerInputs,
  context: Context,
): Promise<void> {
  const found = await inspect(engine, id);
  if (found === undefined || isUp(found)) return;
  await startContainer(engine, id, inputs);
  await waitRunning(engine, id, inputs, context);
}

async function attach(
  engine: Engine,
  id: string,
  inputs: ContainerInputs,
  { signal }: Context,
): Promise<string | undefined> {
  const follow =
    inputs.logs === true
      ? containerLogs(engine, id, inputs.tty === true, { follow: true, signal })
      : undefined;
  await engine.json("POST", `/containers/${id}/wait`, { signal });
  return follow;
}

/** Waits until the container runs, and looks again a moment later: one that fails does so at once. */
async function waitRunning(
  engine: Engine,
  id: string,
  inputs: ContainerInputs,
  { signal }: Context,
): Promise<void> {
  const limit = inputs.containerReadRefreshTimeoutMilliseconds ?? defaultRunTimeoutMs;
  const end = performance.now() + limit;
  for (let looks = 0; ; looks += 1) {
    await sleep(pollMs, undefined, { signal });
    const found = await inspect(engine, id);
    if (found?.State.Running === true && !found.State.Restarting) {
      if (looks > 0) return;
      continue;
    }
    if (found !== undefined && found.State.Restarting && performance.now() < end) continue;
    const state = found === undefined ? "gone" : describeState(found);
    throw new Error(
      `The container ${inputs.name} must run, but is ${state}. Set mustRun to false if it is meant to end.` +
        (await lastWords(engine, id, inputs)),
    );
  }
}

async function waitHealthy(
  engine: Engine,
  id: string,
  inputs: ContainerInputs,
  { signal }: Context,
): Promise<void> {
  const seconds = inputs.waitTimeout ?? defaultHealthTimeoutSeconds;
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const health = (await inspect(engine, id))?.State.Health;
    if (health === undefined) {
      throw new Error(
        `The container ${inputs.name} has no health check to wait for: give it a healthcheck, or leave out wait`,
      );
    }
    if (health.Status === "healthy") return;
    if (performance.now() >= end) {
      const said = health.Log?.at(-1)?.Output.trim() ?? "";
      throw new Error(
        `The container ${inputs.name} is ${health.Status} after ${seconds} s (waitTimeout)` +
          (said === "" ? "." : `; its check says: ${said}.`) +
          (await lastWords(engine, id, inputs)),
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** The end of the container's log, for an error. */
async function lastWords(engine: Engine, id: string, inputs: ContainerInputs): Promise<string> {
  try {
    const text = (await containerLogs(engine, id, inputs.tty === true, { tail: logTailLines })).trim();
    return text === "" ? "" : ` Its last words:\n${text}`;
  } catch {
    return ""; // not every log driver can be read
  }
}

function inspect(engine: Engine, id: string): Promise<ContainerInspect | undefined> {
  return engine.find<ContainerInspect>(`/containers/${encodeURIComponent(id)}/json`);
}

async function removeContainer(engine: Engine, id: string, volumes: boolean): Promise<void> {
  const remove = (): Promise<unknown> =>
    engine.json("DELETE", `/containers/${id}`, { query: { force: true, v: volumes } });
  const gone = async (): Promise<void> => {
    await remove();
    // Docker may still be at it when it answers; the next look finds out.
    if ((await inspect(engine, id)) !== undefined)
      throw new EngineError(409, `The container ${id} is still being removed`);
  };
  await removeWhenFree(gone, new AbortController().signal, removalWaitMs);
}

async function ignoreMissing(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 404) throw error;
  }
}

async function upload(engine: Engine, id: string, uploads: readonly Upload[]): Promise<void> {
  const files = uploads.map((file) => ({
    name: file.file.replace(/^\/+/, ""),
    mode:
      file.permissions !== undefined
        ? Number.parseInt(file.permissions, 8)
        : file.executable === true
          ? 0o744
          : 0o644,
    content: uploadContent(file),
  }));
  await engine.bytes("PUT", `/containers/${id}/archive`, { query: { path: "/" }, body: tar(files) });
}

function uploadContent({ file, content, contentBase64, source }: Upload): Buffer {
  if (content !== undefined) return Buffer.from(content);
  if (contentBase64 !== undefined) return Buffer.from(contentBase64, "base64");
  try {
    return readFileSync(source ?? "");
  } catch (error) {
    throw new Error(`The source ${source ?? ""} of the upload to ${file} cannot be read`, { cause: error });
  }
}

function refuseUploads(uploads: unknown): { property: string; reason: string }[] {
  if (!Array.isArray(uploads)) return [];
  return uploads.flatMap((upload: Properties | Unknown, index) => {
    if (upload instanceof Unknown) return [];
    const given = ["content", "contentBase64", "source"].filter((key) => upload[key] !== undefined);
    const property = `uploads[${index}]`;
    const found = given.length === 0 ? "none" : given.join(" and ");
    return given.length === 1
      ? []
      : [
          {
            property,
            reason: `${property} has ${found}; it needs exactly one of content, contentBase64, source`,
          },
        ];
  });
}

function refuseVolumes(volumes: unknown): { property: string; reason: string }[] {
  if (!Array.isArray(volumes)) return [];
  return volumes.flatMap((volume: Properties | Unknown, index) => {
    if (volume instanceof Unknown) return [];
    const property = `volumes[${index}]`;
    if (volume["fromContainer"] === undefined && volume["containerPath"] === undefined) {
      return [
        { property, reason: `${property} has neither containerPath nor fromContainer; it needs one of them` },
      ];
    }
    return volume["hostPath"] !== undefined && volume["volumeName"] !== undefined
      ? [{ property, reason: `${property} has both hostPath and volumeName; it takes one of them` }]
      : [];
  });
}
