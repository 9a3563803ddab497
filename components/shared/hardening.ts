// What holds for every pod of ours that is not privileged by purpose: Pod Security `restricted`, or stricter
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted).

/** The user and group that sandboxes, and what is tried in their place, run as. */
export const sandboxUser = 1000;

/** The security context of a pod. */
export const hardenedPod = {
  runAsNonRoot: true,
  runAsUser: sandboxUser,
  runAsGroup: sandboxUser,
  seccompProfile: { type: "RuntimeDefault" },
};

/** The security context of each of its containers. */
export const hardenedContainer = {
  privileged: false,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
