// How the kubelet asks a sandbox how it is.
import type { V1Container, V1Probe } from "@kubernetes/client-node";

import type { SandboxServer } from "./pod.js";

type Timing = Required<Pick<V1Probe, "periodSeconds" | "failureThreshold">> &
  Pick<V1Probe, "initialDelaySeconds">;
type Probes = Pick<V1Container, "startupProbe" | "readinessProbe" | "livenessProbe">;

/** What a server that is slow to start is given before liveness counts, in seconds. */
const patienceSeconds = 120;

/** The probes of a sandbox whose server is `server`. */
export function probesOf(server: SandboxServer): Probes {
  return server === "sandboxd" ? ownProbes : foreignProbes;
}

const probe = (path: string, timing: Timing): V1Probe => ({
  httpGet: { path, port: "http" },
  initialDelaySeconds: 0,
  timeoutSeconds: 3,
  ...timing,
});

/**
 * Our server listens as soon as it runs, and answers probes on routes of their own, because the API's are closed to those without a
 * token. It has no startup probe: the kubelet asks whether a container is ready in the moment in which it sees it run, but not whether
 * it has started, for which it waits a second, and then up to one more to look at the container again (v1.34: prober/worker.go,
 * prober_manager.go). Its patience with slow nodes is in the liveness probe instead.
 */
const ownProbes: Probes = {
  // Should the server not listen yet in that moment, the next one is not far.
  readinessProbe: probe("/readyz", { periodSeconds: 2, failureThreshold: 3 }),
  livenessProbe: probe("/livez", {
    initialDelaySeconds: patienceSeconds,
    periodSeconds: 10,
    failureThreshold: 3,
  }),
};

/** Any other server with the AIO sandbox API: one that may take long to start, asked by that API. */
const foreignProbes: Probes = {
  startupProbe: probe("/v1/sandbox", { periodSeconds: 1, failureThreshold: patienceSeconds }),
  readinessProbe: probe("/v1/sandbox", { periodSeconds: 5, failureThreshold: 3 }),
  livenessProbe: probe("/v1/sandbox", { periodSeconds: 10, failureThreshold: 3 }),
};
