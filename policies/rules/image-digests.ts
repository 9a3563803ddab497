// A tag can be moved; a digest cannot.
import { podRule } from "../lib/rule";
import { textAt } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const imageDigests = podRule(
  {
    name: "image-digests",
    group: "Images",
    description: "Images are named by their digest.",
    severity: "high",
    remediationSteps: "Name the image by its digest: <name>@sha256:<64 hexadecimal digits>",
    url: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
    enforcementLevel: "advisory",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) => {
      const image = textAt(container, "image");
      return image === undefined || /@sha256:[0-9a-f]{64}$/.test(image)
        ? []
        : [`The ${label} has the image ${image}`];
    }),
);
