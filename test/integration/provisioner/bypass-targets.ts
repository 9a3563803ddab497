// Who a sandbox could be sent on to, once it was let out: a server that redirects, and names whose addresses change. They are made
// beside the targets of ../support/targets.ts.
import { apply, standInPort, targetNamespace, testPod } from "../support/targets.js";

/** The port at which the node answers everybody with a redirect to what its query is. */
export const redirectPort = 8097;

const redirecting = `
import http.server
class Redirect(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", self.path.split("?", 1)[1])
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("0.0.0.0", ${redirectPort}), Redirect).serve_forever()
`;

/** Makes the server that redirects. @param image one with Python that the node has */
export async function makeRedirector(image: string): Promise<void> {
  const pod = testPod("redirector", targetNamespace, { app: "redirector" }, redirectPort, true);
  const containers = pod.spec.containers.map((container) => ({
    ...container,
    image,
    command: ["python3", "-c", redirecting],
  }));
  const made = { ...pod, spec: { ...pod.spec, containers } };
  await apply([made]);
}

/** A name of the cluster's, for {@link setAddresses}. */
export const nameOfTarget = (name: string): string => `${name}.${targetNamespace}.svc.cluster.local`;

/** Has the cluster's DNS answer for a name with these addresses, of one family, and no others. */
export async function setAddresses(name: string, addresses: readonly string[]): Promise<void> {
  const metadata = { name, namespace: targetNamespace };
  const ports = [{ name: "web", port: standInPort, protocol: "TCP" }];
  await apply([
    { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: "None", ports } } as never,
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType: addresses.some((address) => address.includes(":")) ? "IPv6" : "IPv4",
      ports,
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    } as never,
  ]);
}
