// docker:index/remoteImage:RemoteImage: an image that is present, or pulled.
import type { Context, Resource, State } from "../provider/resource.js";
import type { Properties } from "../provider/values.js";
import { registryAuthHeader, type RegistryAuth } from "./auth.js";
import { removeWhenFree, type Engine } from "./engine.js";
import { imageSchema } from "./schemas.js";

/** What images need of the provider. */
export interface ImageSource {
  engine: Engine;
  registryAuth: readonly RegistryAuth[];
}

interface ImageInspect {
  Id: string;
  Os?: string;
  Architecture?: string;
  RepoDigests?: string[] | null;
}

/** The id of an image with its name behind it, as the official provider makes it. */
const idPattern = /^(sha256:[0-9a-f]{64})(.*)$/;
const freeWaitMs = 10_000;

/**
 * The image, pulled when it is not present (for the platform, where one is asked for).
 * @throws Error when it can be neither found nor pulled.
 */
export async function ensureImage(
  { engine, registryAuth }: ImageSource,
  name: string,
  platform: string | undefined,
  context: Context,
): Promise<ImageInspect> {
  const present = await inspect(engine, name);
  if (present !== undefined && fits(present, platform)) return present;
  context.log("info", `pulling the image ${name}`);
  try {
    await pull(engine, registryAuth, name, platform, context.signal);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The image ${name} is not present and cannot be pulled: ${reason}. Check its name and the way to its registry, ` +
        "or bring it in with `docker load`",
      { cause: error },
    );
  }
  const pulled = await inspect(engine, name);
  if (pulled === undefined) throw new Error(`The image ${name} was pulled but is not there`);
  return pulled;
}

function inspect(engine: Engine, name: string): Promise<ImageInspect | undefined> {
  return engine.find<ImageInspect>(`/images/${encodeURI(name)}/json`);
}

function fits({ Os, Architecture }: ImageInspect, platform: string | undefined): boolean {
  const [os, architecture] = platform?.split("/") ?? [];
  return (os === undefined || os === Os) && (architecture === undefined || architecture === Architecture);
}

async function pull(
  engine: Engine,
  registryAuth: readonly RegistryAuth[],
  name: string,
  platform: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const login = await registryAuthHeader(name, registryAuth, process.env);
  // Without a tag, Docker would pull every tag there is.
  const tagged = name.includes("@") || (name.split("/").at(-1) ?? "").includes(":");
  const events = engine.lines("POST", "/images/create", {
    query: { fromImage: name, tag: tagged ? undefined : "latest", platform },
    ...(login === undefined ? {} : { headers: { "x-registry-auth": login } }),
    signal,
  });
  for await (const event of events) {
    if (typeof event["error"] === "string") throw new Error(event["error"]);
  }
}

function toState(inputs: Properties, image: ImageInspect): State {
  const name = inputs["name"] as string;
  const repoDigest = image.RepoDigests?.[0] ?? "";
  return { id: image.Id + name, outputs: { ...inputs, imageId: image.Id, repoDigest } };
}

/** The resource, over what `source` gives once the provider is configured. */
export function imageResource(source: () => ImageSource): Resource {
  return {
    title: "RemoteImage",
    schema: imageSchema,
    computed: ["imageId", "repoDigest"],

    async create(inputs, context) {
      const image = await ensureImage(
        source(),
        inputs["name"] as string,
        inputs["platform"] as string,
        context,
      );
      return toState(inputs, image);
    },

    async read(id, outputs) {
      const name = outputs["name"] ?? (idPattern.exec(id)?.[2] || id);
      const image = await inspect(source().engine, name as string);
      return image === undefined ? undefined : toState({ ...outputs, name }, image);
    },

    async update(_id, _outputs, inputs, context) {
      const image = await ensureImage(
        source(),
        inputs["name"] as string,
        inputs["platform"] as string,
        context,
      );
      return toState(inputs, image).outputs;
    },

    async delete(_id, outputs, context) {
      if (outputs["keepLocally"] === true) return;
      const name = outputs["name"] as string;
      const force = outputs["forceRemove"] === true;
      const remove = (): Promise<unknown> =>
        source().engine.json("DELETE", `/images/${encodeURI(name)}`, { query: { force } });
      try {
        await removeWhenFree(remove, context.signal, freeWaitMs);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(
          `The image ${name} cannot be removed: ${reason}. Remove what uses it, or set keepLocally or forceRemove`,
          { cause: error },
        );
      }
    },
  };
}
