// Every rule of the pack, one file each.
import type { Policies } from "@pulumi/policy";

import { defaultDenyRequired } from "./rules/default-deny-required";
import { hardenedContainers } from "./rules/hardened-containers";
import { noHostAccess } from "./rules/no-host-access";
import { noPrivateEgress } from "./rules/no-private-egress";
import { noRolesForSandboxes } from "./rules/no-roles-for-sandboxes";
import { noSecretsInEnvironment } from "./rules/no-secrets-in-environment";
import { noServiceAccountToken } from "./rules/no-service-account-token";
import { pinnedImages } from "./rules/pinned-images";
import { resourceLimitsRequired } from "./rules/resource-limits-required";
import { restrictedNamespaces } from "./rules/restricted-namespaces";
import { runtimeClassRequired } from "./rules/runtime-class-required";

export const rules: Policies = [
  defaultDenyRequired,
  hardenedContainers,
  noHostAccess,
  noPrivateEgress,
  noRolesForSandboxes,
  noSecretsInEnvironment,
  noServiceAccountToken,
  pinnedImages,
  resourceLimitsRequired,
  restrictedNamespaces,
  runtimeClassRequired,
];
