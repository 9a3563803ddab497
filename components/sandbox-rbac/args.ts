// Who there is in the namespace and what they may do: the sandboxes' account, which may nothing, and others by rules.
import type * as pulumi from "@pulumi/pulumi";

/** What an account may do, as one rule of a Role. Nothing in it can be `*`. */
export interface AccessRule {
  /**
   * The API groups; `""` is the core group.
   * @default [""]
   */
  apiGroups?: string[];
  /** Resources in the plural, such as `pods` or `pods/log`. */
  resources: string[];
  /**
   * The objects by name.
   * @default - all of the namespace
   */
  resourceNames?: string[];
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`. */
  verbs: string[];
}

/** A service account that may do what its rules say, in the namespace and nowhere else. */
export interface NamespaceAccount {
  /** The account's name, and that of its Role and RoleBinding. */
  name: string;
  /** What it may do; at least one rule. */
  rules: AccessRule[];
}

/** Options of {@link SandboxRbac} beside where to put it. */
export interface SandboxRbacOptions {
  /**
   * The name of the service account that sandbox pods run as. It has no role and no token.
   * @default "sandbox"
   */
  serviceAccountName?: string;
  /**
   * Further accounts of the namespace. Pods that run as one get its token only if they ask for it.
   * @default []
   */
  accounts?: NamespaceAccount[];
}

/** Arguments of {@link SandboxRbac}. */
export interface SandboxRbacArgs extends SandboxRbacOptions {
  /** The namespace of the service accounts. */
  namespace: pulumi.Input<string>;
}
