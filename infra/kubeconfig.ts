// One context of a kubeconfig, taken out of it: what a stack needs of it, and nothing else that its owner may reach.
import { dirname, resolve } from "node:path";

import { parseDocument, stringify } from "yaml";

/** A context by itself: the kubeconfig with it alone, and its API server. */
export interface SelectedContext {
  readonly kubeconfig: string;
  readonly server: string;
}

/** Why a kubeconfig cannot be used; a sentence without its full stop. It repeats nothing of what may be secret. */
export class KubeconfigProblem extends Error {}

interface Named<T> {
  readonly name?: string;
  readonly value: T;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that name files, which may be relative to the kubeconfig (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#file-references). */
const fileFields = {
  cluster: ["certificate-authority"],
  user: ["client-certificate", "client-key", "tokenFile"],
} as const;

/**
 * The kubeconfig `text` with the context `name` alone: its cluster, its user, and it as the current context.
 * @param path where the kubeconfig is from, if it is from a file: names of files in it are made absolute
 * @throws KubeconfigProblem
 */
export function selectContext(text: string, name: string, path?: string): SelectedContext {
  const config = parse(text);
  const contexts = entries(config, "contexts", "context");
  const context = contexts.find((each) => each.name === name)?.value;
  if (context === undefined) {
    const names = contexts.map((each) => each.name).join(", ");
    throw new KubeconfigProblem(`it has no context "${name}"; it has: ${names === "" ? "none" : names}`);
  }
  const part = (list: "clusters" | "users", key: "cluster" | "user"): Fields => {
    const found = entries(config, list, key).find((each) => each.name === context[key])?.value;
    if (found === undefined)
      throw new KubeconfigProblem(`its context "${name}" names a ${key} that is not in it`);
    return path === undefined ? found : absolute(found, fileFields[key], dirname(path));
  };
  const cluster = part("clusters", "cluster");
  const user = part("users", "user");
  const { server } = cluster;
  if (typeof server !== "string")
    throw new KubeconfigProblem(`the cluster of its context "${name}" has no server`);
  const kubeconfig = stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name: context["cluster"], cluster }],
    users: [{ name: context["user"], user }],
    contexts: [{ name, context }],
  });
  return { kubeconfig, server };
}

function parse(text: string): Fields {
  const document = parseDocument(text);
  const config: unknown = document.errors.length === 0 ? document.toJS() : undefined;
  if (isFields(config) && Array.isArray(config["contexts"])) return config;
  throw new KubeconfigProblem("it is not a kubeconfig");
}

/** The entries of one of the three lists, such as `clusters`, each with what it has under `key`. */
function entries(config: Fields, list: string, key: string): Named<Fields>[] {
  const items = config[list];
  if (!Array.isArray(items)) return [];
  return items.filter(isFields).flatMap((item): Named<Fields>[] => {
    const value = item[key];
    return typeof item["name"] === "string" && isFields(value) ? [{ name: item["name"], value }] : [];
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function absolute(values: Fields, fields: readonly string[], folder: string): Fields {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      fields.includes(key) && typeof value === "string" ? resolve(folder, value) : value,
    ]),
  );
}
