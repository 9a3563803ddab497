// What scorers find wrong with our stacks and is meant so. docs/scorers.md holds the same.

/** A check that is not passed, and why. */
export interface Exception {
  readonly scorer: string;
  readonly check: string;
  readonly reason: string;
  /** The name of the objects that it is meant of; of any other the check is still a finding. Default: of all. */
  readonly only?: string;
}

const user =
  "sandboxes run as user and group 1000, to whom the files in the image belong; their processes are gVisor's, not the node's";
const pull = "images are pinned by digest in production; always asking the registry adds a way to fail";
const annotations =
  "it looks for an annotation that Kubernetes has replaced by fields, and those are set or default";

const token =
  "the provisioner calls the API server, as an account that may do nothing but look after sandboxes";

const of = (scorer: string, reasons: Readonly<Record<string, string>>): Exception[] =>
  Object.entries(reasons).map(([check, reason]) => ({ scorer, check, reason }));

/** The same of the provisioner alone. */
const ofProvisioner = (scorer: string, reasons: Readonly<Record<string, string>>): Exception[] =>
  of(scorer, reasons).map((exception) => ({ ...exception, only: "provisioner" }));

export const exceptions: readonly Exception[] = [
  ...of("kube-score", {
    "container-image-pull-policy": pull,
    "container-security-context-user-group-id": user,
    "networkpolicy-targets-pod":
      "clients and open sandboxes are chosen by labels of pods that come and go later",
    "pod-probes-identical": "both ask whether the server answers; liveness is the more patient of the two",
    "service-type": "development only: the sandboxes' API is published on the developer's machine",
  }),
  ...ofProvisioner("kube-score", {
    "deployment-replicas": "development has one; the other stacks have three",
  }),
  ...of("kubesec", {
    ApparmorAny: annotations,
    RunAsGroup: user,
    RunAsUser: user,
    SeccompAny: annotations,
  }),
  ...ofProvisioner("kubesec", { AutomountServiceAccountToken: token }),
  ...of("trivy", {
    KSV0125:
      "which registry is trusted is for whoever names the image to say; the rendered one is an example",
    KSV020: user,
    KSV021: user,
    KSV039: "it wants a least amount as well, which protects nothing",
  }),
  ...ofProvisioner("trivy", {
    KSV048: "making and deleting pods is what it is for, in the sandboxes' namespace alone",
  }),
  ...of("checkov", {
    CKV_K8S_15: pull,
    CKV_K8S_40: user,
    CKV_K8S_43: "the stack render names an example; production's policies refuse an image without digest",
  }),
  ...ofProvisioner("checkov", { CKV_K8S_38: token }),
];
