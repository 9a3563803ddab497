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

/** What of a pod leads to it. */
type ReachedPod = Pick<PodFacts, "podName" | "podUid" | "podIP" | "hostIP" | "port">;

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

/** Where a connection to a port of a sandbox goes. */
export interface Way {
  readonly address: string;
  readonly port: number;
}

/** Makes URLs, and tells ways. */
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
    if (type === "NodePort") return urlOf(this.#onNode(sandbox));
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
  direct(pod: ReachedPod): string | undefined {
    const { settings, inCluster, serviceOf } = this.#parts;
    if (this.#byNode) return urlOf(this.#onNode(pod));
    const served = settings.SANDBOX_SERVICE_TYPE !== "Router" && inCluster;
    const address = served ? serviceOf(pod)?.spec?.clusterIP : pod.podIP;
    return urlOf(address === undefined ? undefined : { address, port: pod.port });
  }

  /**
   * Where the router connects to for a port of the sandbox; undefined while that is not known yet. `none`: there is no way, as from
   * outside the cluster only the port of its node leads to it. What has the pod's address there is something else.
   */
  way(sandbox: ReachedPod, port: number): Way | "none" | undefined {
    if (this.#byNode) return port === sandbox.port ? this.#onNode(sandbox) : "none";
    return sandbox.podIP === undefined ? undefined : { address: sandbox.podIP, port };
  }

  /** Whether we stand where pods have no address. */
  get #byNode(): boolean {
    const { settings, inCluster } = this.#parts;
    return settings.SANDBOX_SERVICE_TYPE === "NodePort" && !inCluster;
  }

  #onNode(pod: ReachedPod): Way | undefined {
    const { settings, serviceOf, inCluster } = this.#parts;
    const port = serviceOf(pod)?.spec?.ports?.[0]?.nodePort;
    // Only the sandbox's own node answers.
    const host = settings.NODE_HOST ?? (inCluster ? pod.hostIP : hostOfDocker);
    if (port === undefined || host === undefined) return undefined;
    return { address: host.replace(/^\[(.*)\]$/, "$1"), port };
  }
}

function urlOf(way: Way | undefined): string | undefined {
  return way && `http://${urlHost(way.address)}:${way.port}`;
}
