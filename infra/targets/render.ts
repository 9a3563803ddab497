// A folder of YAML files, for GitOps and for reading; no cluster.
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { RenderPlace } from "../arguments";
import type { Target } from "./target";

/** The files hold what they hold in clear, so that nothing secret may go into them. */
export function renderTarget({ directory }: RenderPlace): Target {
  return {
    make: () => ({
      outputs: { rendered: directory },
      connect: () => ({
        provider: new kubernetes.Provider("cluster", {
          renderYamlToDirectory: directory,
          // A KUBECONFIG of this machine's would be taken for a cluster to render from.
          kubeconfig: "",
        }),
        before: [],
        ingressPeers: [],
        transformations: [refuseSecrets],
      }),
    }),
  };
}

/** @throws RunError, by the resource's properties, as soon as one of them turns out to be secret. */
export const refuseSecrets: pulumi.ResourceTransformation = ({ type, name, props, opts }) => {
  if (!type.startsWith("kubernetes:")) return undefined;
  const gate = ([key, value]: [string, unknown]): [string, unknown] => {
    const whole = pulumi.output(value);
    const checked = pulumi.isSecret(whole).then((secret) => {
      if (!secret) return whole;
      throw new pulumi.RunError(
        `${name}: ${key} holds a secret, which YAML files would show in clear. Nothing of it was written. Take the ` +
          "secret out of the stack's configuration, or let the object refer to a Secret that is in the cluster already.",
      );
    });
    return [key, pulumi.output(checked)];
  };
  return { props: Object.fromEntries(Object.entries(props as object).map(gate)), opts };
};
