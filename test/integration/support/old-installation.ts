// An installation as DeerFlow's old manifests make it: a namespace without walls, one sandbox behind a headless Service, skills in
// a volume of the node.
import type { Manifest } from "./manifests.js";

/** Where it is and what it is made of. */
export interface OldInstallation {
  readonly namespace: string;
  readonly image: string;
  /** The skills folder on the node. */
  readonly skillsPath: string;
}

/** The names that it gives its objects. */
export const oldNames = {
  deployment: "deer-flow-sandbox",
  service: "deer-flow-sandbox",
  claim: "deer-flow-skills-pvc",
  volume: (namespace: string): string => `${namespace}-skills-pv`,
  storageClass: "deer-flow-skills",
} as const;

const labels = (component: string) => ({
  "app.kubernetes.io/name": "deer-flow",
  "app.kubernetes.io/component": component,
});

/** Its objects, in the order in which they are applied. */
export function oldManifests({ namespace, image, skillsPath }: OldInstallation): Manifest[] {
  const selector = { app: "deer-flow-sandbox" };
  const volume = {
    accessModes: ["ReadOnlyMany"],
    storageClassName: oldNames.storageClass,
  };
  const probe = (seconds: number) => ({
    httpGet: { path: "/v1/sandbox", port: 8080 },
    initialDelaySeconds: seconds,
    periodSeconds: seconds,
    timeoutSeconds: 3,
    failureThreshold: 3,
  });
  const container = {
    name: "sandbox",
    image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
    readinessProbe: probe(5),
    livenessProbe: probe(10),
    resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "1000m", memory: "1Gi" } },
    securityContext: { privileged: false, allowPrivilegeEscalation: true },
    volumeMounts: [{ name: "skills", mountPath: "/mnt/skills", readOnly: true }],
  };
  const skills = { name: "skills", persistentVolumeClaim: { claimName: oldNames.claim, readOnly: true } };
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: labels("sandbox") } },
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: oldNames.volume(namespace), labels: labels("skills") },
      spec: {
        ...volume,
        capacity: { storage: "1Gi" },
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path: skillsPath, type: "Directory" },
      },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: oldNames.claim, namespace, labels: labels("skills") },
      spec: {
        ...volume,
        resources: { requests: { storage: "1Gi" } },
        volumeName: oldNames.volume(namespace),
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: oldNames.service, namespace, labels: labels("sandbox") },
      spec: {
        type: "ClusterIP",
        clusterIP: "None",
        publishNotReadyAddresses: false,
        selector,
        ports: [{ name: "http", port: 8080, targetPort: 8080, protocol: "TCP" }],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: oldNames.deployment, namespace, labels: labels("sandbox") },
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: { ...selector, ...labels("sandbox") } },
          spec: { containers: [container], volumes: [skills] },
        },
      },
    },
  ];
  return objects;
}
