// The provisioner in a container of the image that the stack deploys, in the networks of several clusters' nodes and with ways to
// the addresses of their pods: what "networks must be flat" comes to where nodes are containers.
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

import { cluster } from "../support/cluster.js";
import { attempt, output } from "../support/shell.js";
import { until } from "../support/test-node.js";
import { systemNamespace } from "./deployed.js";
import { apiKey, Asked } from "./stage.js";

/** A cluster, as it is reached from the container. */
export interface Way {
  /** The container of its node, whose network is joined. */
  readonly node: string;
  /** The range of its pods. */
  readonly pods: string;
}

/** By this a later run finds what one that was cut off has left: see commands/support/test-remains.ts. */
const label = ["--label", "sandlot.dev/stack=test-node"];

export class ProvisionerContainer extends Asked {
  readonly #name = `sandlot-test-provisioner-${process.pid}`;

  private constructor(readonly port: number) {
    super(`http://127.0.0.1:${port}`);
  }

  /** Starts one that answers. `folder` is there as /clusters, and must be readable by everybody. */
  static async start(
    ways: readonly Way[],
    folder: string,
    variables: Record<string, string>,
  ): Promise<ProvisionerContainer> {
    const made = new ProvisionerContainer(await freePort());
    try {
      await made.#start(ways, folder, variables);
      return made;
    } catch (error) {
      const { stderr, stdout } = await attempt("docker", ["logs", "--tail", "50", made.#name]);
      console.error(stdout, stderr);
      await made.remove();
      throw error;
    }
  }

  async remove(): Promise<void> {
    await attempt("docker", ["stop", this.#name]);
    await attempt("docker", ["rm", "-f", "-v", this.#name]);
  }

  async #start(ways: readonly Way[], folder: string, variables: Record<string, string>): Promise<void> {
    const deployment = await cluster().apps.readNamespacedDeployment({
      ...{ name: "provisioner", namespace: systemNamespace },
    });
    const image = deployment.spec?.template.spec?.containers[0]?.image ?? "";
    const places = await Promise.all(ways.map(placeOf));
    const env = { ...variables, PROVISIONER_API_KEY: apiKey, ROUTER_URL: this.url };
    await output("docker", [
      ...["create", "--name", this.#name, ...label, "--network", places[0]?.network ?? ""],
      ...["--publish", `127.0.0.1:${this.port}:8002`, "--volume", `${folder}:/clusters:ro`],
      ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      image,
    ]);
    for (const { network } of places.slice(1))
      await output("docker", ["network", "connect", network, this.#name]);
    await output("docker", ["start", this.#name]);
    // There is no program in the image that could do it.
    for (const { image: nodeImage, address, pods } of places)
      await output("docker", [
        ...["run", "--rm", "--network", `container:${this.#name}`, "--cap-add", "NET_ADMIN"],
        ...["--entrypoint", "ip", nodeImage, "route", "add", pods, "via", address],
      ]);
    const answers = async (): Promise<number> => (await fetch(`${this.url}/readyz`)).status;
    await until("the provisioner is ready", answers, (status) => status === 200, 30);
  }
}

interface Place extends Way {
  readonly image: string;
  readonly network: string;
  readonly address: string;
}

async function placeOf(way: Way): Promise<Place> {
  const format =
    "{{.Config.Image}} {{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{.IPAddress}}{{end}}";
  const [image = "", network = "", address = ""] = (
    await output("docker", ["inspect", "-f", format, way.node])
  ).split(" ");
  return { ...way, image, network, address };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
