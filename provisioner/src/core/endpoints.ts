// Where a sandbox is reached: by its clients, and by us.
import type { V1Service } from "@kubernetes/client-node";

import type { Settings } from "../config/settings.js";
import { serviceName } from "../model/names.js";
import type { PodFacts, Sandbox } from "../model/sandbox.js";
import type { ServedPod } from "../model/service.js";
import { urlHost } from "../model/url-host.js";
import type { Tokens } from "./tokens.js";

type EndpointSettings = Pick<
  Settings,
  "SANDBOX_SERVICE_TYPE" | "NODE_HOST" | "ROUTER_URL" | "ROUTER_HOST_SUFFIX" | "K8S_NAMESPACE"
>;

/** The pod's own Service, where there is one. */
type ServiceOf = (pod: Pick<ServedPod, "podName" | "podUid">) => V1Service | undefined;

/** The machine that containers of Docker's run on, where it has a name for them. */
const hostOfDocker = "host.docker.internal";

/** What endpoints need. */
export interface EndpointsParts {
  readonly settings: EndpointSettings;
  readonly tokens: Tokens;
  readonly serviceOf: ServiceOf;
  /** Whether we are a pod of the sandboxes' cluster. */
  readonly inCluster: boolean;
}

/** Makes URLs. */
export class Endpoints {
  readonly #parts: EndpointsParts;

  constructor(parts: EndpointsParts) {
    this.#parts = parts;
  }

  /**
   * The URL for clients, without a slash at its end; undefined while it has no Service that it would lead to. `inPath` puts the token into a
   * router URL, for clients that can send no header.
   */
  url(sandbox: Sandbox, inPath: boolean): string | undefined {
    const { settings, tokens, serviceOf } = this.#parts;
    const { SANDBOX_SERVICE_TYPE: type, ROUTER_URL: router, K8S_NAMESPACE: namespace } = settings;
    if (type === "NodePort") return this.#onNode(sandbox);
    if (type === "ClusterIP" && serviceOf(sandbox) === undefined) return undefined;
    if (type === "ClusterIP")
      return `http://${serviceName(sandbox.podName)}.${namespace}.svc.cluster.local:${sandbox.port}`;
    const token = inPath ? `/t/${tokens.access(sandbox)}` : "";
    return `${router ?? ""}/sandboxes/${sandbox.id}${token}`;
  }

  /** Where a server on a port of the sandbox has an origin of its own; `{port}` stands for the port. Undefined: nowhere. */
  hostUrl({ id }: Pick<Sandbox, "id">): string | undefined {
    const { ROUTER_URL: router, ROUTER_HOST_SUFFIX: suffix } = this.#parts.settings;
    if (router === undefined || suffix === undefined) return undefined;
    const { protocol, port } = new URL(router);
    return `${protocol}//{port}-${id}.${suffix}${port === "" ? "" : `:${port}`}`;
  }

  /**
   * Where we reach the sandbox's server. Where clients go by its Service, so do we: it takes a moment until nodes know of one, and what we
   * have reached, they can.
   */
  direct(pod: PodFacts): string | undefined {
    const { settings, inCluster, serviceOf } = this.#parts;
    const type = settings.SANDBOX_SERVICE_TYPE;
    if (type === "NodePort" && !inCluster) return this.#onNode(pod);
    const address = type !== "Router" && inCluster ? serviceOf(pod)?.spec?.clusterIP : pod.podIP;
    if (address === undefined) return undefined;
    return `http://${urlHost(address)}:${pod.port}`;
  }

  #onNode(pod: PodFacts): string | undefined {
    const { settings, serviceOf, inCluster } = this.#parts;
    const nodePort = serviceOf(pod)?.spec?.ports?.[0]?.nodePort;
    // Only the sandbox's own node answers.
    const host = settings.NODE_HOST ?? (inCluster ? pod.hostIP && urlHost(pod.hostIP) : hostOfDocker);
    return nodePort === undefined || host === undefined ? undefined : `http://${host}:${nodePort}`;
  }
}
