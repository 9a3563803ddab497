// Where a sandbox is reached: by its clients, and by us.
import type { V1Service } from "@kubernetes/client-node";

import type { Settings } from "../config/settings.js";
import { serviceName } from "../model/names.js";
import type { PodFacts, Sandbox } from "../model/sandbox.js";
import type { Tokens } from "./tokens.js";

type EndpointSettings = Pick<
  Settings,
  "SANDBOX_SERVICE_TYPE" | "NODE_HOST" | "ROUTER_URL" | "ROUTER_HOST_SUFFIX" | "K8S_NAMESPACE"
>;

/** Makes URLs. */
export class Endpoints {
  readonly #settings: EndpointSettings;
  readonly #tokens: Tokens;
  readonly #serviceOf: (podName: string) => V1Service | undefined;

  constructor(
    settings: EndpointSettings,
    tokens: Tokens,
    serviceOf: (podName: string) => V1Service | undefined,
  ) {
    this.#settings = settings;
    this.#tokens = tokens;
    this.#serviceOf = serviceOf;
  }

  /** Whether sandboxes need a Service each. */
  get serviceType(): "NodePort" | "ClusterIP" | undefined {
    const { SANDBOX_SERVICE_TYPE: type } = this.#settings;
    return type === "Router" ? undefined : type;
  }

  /**
   * The URL for clients, without a slash at its end; undefined while its port is not known. `inPath` puts the token into a
   * router URL, for clients that can send no header.
   */
  url(sandbox: Sandbox, inPath: boolean): string | undefined {
    const { SANDBOX_SERVICE_TYPE: type, ROUTER_URL: router, K8S_NAMESPACE: namespace } = this.#settings;
    if (type === "NodePort") return this.#onNode(sandbox);
    if (type === "ClusterIP")
      return `http://${serviceName(sandbox.podName)}.${namespace}.svc.cluster.local:${sandbox.port}`;
    const token = inPath ? `/t/${this.#tokens.access(sandbox)}` : "";
    return `${router ?? ""}/sandboxes/${sandbox.id}${token}`;
  }

  /** Where a server on a port of the sandbox has an origin of its own; `{port}` stands for the port. Undefined: nowhere. */
  hostUrl({ id }: Pick<Sandbox, "id">): string | undefined {
    const { ROUTER_URL: router, ROUTER_HOST_SUFFIX: suffix } = this.#settings;
    if (router === undefined || suffix === undefined) return undefined;
    const { protocol, port } = new URL(router);
    return `${protocol}//{port}-${id}.${suffix}${port === "" ? "" : `:${port}`}`;
  }

  /** Where we reach the sandbox's server: outside the cluster by a port of the nodes, inside by the pod's address. */
  direct(pod: PodFacts): string | undefined {
    if (this.#settings.SANDBOX_SERVICE_TYPE === "NodePort") return this.#onNode(pod);
    if (pod.podIP === undefined) return undefined;
    return `http://${pod.podIP.includes(":") ? `[${pod.podIP}]` : pod.podIP}:${pod.port}`;
  }

  #onNode(pod: PodFacts): string | undefined {
    const nodePort = this.#serviceOf(pod.podName)?.spec?.ports?.[0]?.nodePort;
    return nodePort === undefined ? undefined : `http://${this.#settings.NODE_HOST}:${nodePort}`;
  }
}
