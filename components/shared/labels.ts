// The labels by which Sandlot's objects are found again, in Docker and in Kubernetes.

/** Docker label: the stack that an object belongs to. */
export const STACK_LABEL = "sandlot.dev/stack";

/** Docker label: the checkout that an object belongs to, so that two checkouts never touch each other's objects. */
export const OWNER_LABEL = "sandlot.dev/owner";

/** Pod label that chooses the egress profile; its values are those of `EgressProfile`. */
export const EGRESS_LABEL = "sandlot.dev/egress";

/** Pod label of those who may call a sandbox; its value is `true`. */
export const CLIENT_LABEL = "sandlot.dev/sandbox-client";

/** Labels on every Kubernetes object of ours (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/). */
export function commonLabels(component: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": "sandlot",
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/managed-by": "pulumi",
  };
}

/** Selects the sandboxes that the provisioner makes, and nothing else of their namespace (provisioner/src/model/labels.ts). */
export const provisionedSelector: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "sandbox",
  "app.kubernetes.io/managed-by": "sandlot-provisioner",
};

/** Selects the sandboxes of shared Deployments, and none that the provisioner makes. */
export const sharedSelector: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "sandbox",
  "app.kubernetes.io/managed-by": "pulumi",
};

/** The labels of sandbox pods that never change: what Deployments, Services, PDBs and policies select by. */
export const sandboxSelector: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "sandbox",
};
