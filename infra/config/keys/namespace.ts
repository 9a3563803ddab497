// sandlot:namespace: where sandboxes live.
import { z } from "zod";

import { resources } from "./shared";
import { choice, count, dnsLabel, dnsName, field, flag, labels, object, quantity } from "../values";

export const namespace = object(
  {
    name: dnsLabel("The namespace of all sandboxes. Default: sandlot").optional(),
    podSecurityVersion: field(
      z.string().regex(/^(latest|v1\.[0-9]{1,2})$/),
      "The version of the restricted Pod Security profile. Default: v1.34",
      '"latest" or a minor version such as "v1.34"',
    ).optional(),
    labels: labels("More labels of the namespace; not those of Pod Security").optional(),
    protect: flag("Whether `pulumi destroy` refuses to delete it. Default: false").optional(),
    quota: object(
      {
        pods: count("The most pods. Default: 50", 1, 10_000).optional(),
        cpu: quantity("The most CPU that all pods together may use").optional(),
        memory: quantity("The most memory that all pods together may use").optional(),
        ephemeralStorage: quantity("The most local disk that all pods together may use").optional(),
        requests: resources("The most that all pods together may be promised").optional(),
        persistentVolumeClaims: count("The most volume claims", 0, 10_000).optional(),
        services: count(
          "The most Services. Default: 20, and as many more as pods where provisioner.sandboxUrls is ClusterIP or NodePort",
          0,
          10_000,
        ).optional(),
        nodePorts: count(
          "The most Services of type NodePort. Default: 1, and 11 more than pods where provisioner.sandboxUrls is NodePort",
          0,
          10_000,
        ).optional(),
      },
      "Limits of the whole namespace",
    ).optional(),
    limits: object(
      {
        defaultRequests: resources(
          "What a container that states nothing is promised. Default: 100m CPU, 128Mi memory, 256Mi local disk",
        ).optional(),
        defaultLimits: resources(
          "What a container that states nothing may use. Default: 1 CPU, 1Gi memory, 1Gi local disk",
        ).optional(),
        maximum: resources(
          "The highest limits that one container may state. Default: 4 CPU, 8Gi memory, 16Gi local disk",
        ).optional(),
      },
      "Limits of one container",
    ).optional(),
    priority: object(
      {
        className: dnsName("The PriorityClass of all pods of the namespace; pods of another are not let in"),
        value: field(
          z.int().min(-2_147_483_648).max(1_000_000_000),
          "Its value: the class is made then. Without it, the class is there already",
          "an integer from -2147483648 to 1000000000",
        ).optional(),
        preemptionPolicy: choice(
          ["Never", "PreemptLowerPriority"],
          "Whether sandboxes that find no room take that of pods with less priority; only with value. Default: Never",
        ).optional(),
      },
      "The priority of all pods of the namespace",
    ).optional(),
  },
  "The namespace that sandboxes live in",
);
