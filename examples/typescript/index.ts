// Sandboxes on a cluster that is there. In TypeScript the components are classes of the program itself: no plugin is needed.
import * as pulumi from "@pulumi/pulumi";
import {
  EgressProfile,
  SandboxDeployment,
  SandboxNamespace,
  SandboxNetworkPolicies,
  SandboxRbac,
} from "@sandlot/components";

const config = new pulumi.Config();

const home = new SandboxNamespace("home", { name: config.require("namespace"), quota: { pods: 10 } });
const walls = new SandboxNetworkPolicies("walls", {
  namespace: home.namespace,
  ingressPeers: [{ podLabels: { app: "agent" } }],
});
const access = new SandboxRbac("access", {
  namespace: home.namespace,
  accounts: [
    { name: "reader", rules: [{ resources: ["pods", "pods/log"], verbs: ["get", "list", "watch"] }] },
  ],
});
const sandboxes = new SandboxDeployment(
  "sandboxes",
  {
    namespace: home.namespace,
    image: config.require("image"),
    serviceAccountName: access.serviceAccountName,
    runtimeClassName: config.require("runtimeClass"),
    replicas: 1,
    egress: EgressProfile.Blocked,
    resources: { requests: { cpu: "20m", memory: "64Mi" } },
  },
  // Walls stand before pods do.
  { dependsOn: walls },
);

export const namespace = home.namespace;
export const egressProfiles = walls.egressProfiles;
export const serviceUrl = sandboxes.serviceUrl;
