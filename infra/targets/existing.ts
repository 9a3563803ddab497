// A cluster that is there already: it is only ever talked to.
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { ExistingPlace } from "../arguments";
import type { Target } from "./target";

/** The cluster's objects outlive any change of the kubeconfig: only another clusterIdentifier means another cluster. */
export function existingTarget({ kubeconfig, context, server, clusterIdentifier }: ExistingPlace): Target {
  const secret = pulumi.secret(kubeconfig);
  return {
    make: () => ({
      outputs: { apiServer: server, context, kubeconfig: secret },
      connect: () => ({
        // Settings that Pulumi would else take from this machine's environment are all given.
        provider: new kubernetes.Provider("cluster", {
          kubeconfig: secret,
          context,
          clusterIdentifier,
          enableServerSideApply: true,
          // Who reads a ConfigMap or Secret of ours must not take a change for its end, nor be left without one if an update is cut off.
          enableConfigMapMutable: true,
          enableSecretMutable: true,
          deleteUnreachable: false,
          skipUpdateUnreachable: false,
        }),
        before: [],
        ingressPeers: [],
        transformations: [],
      }),
    }),
  };
}
