// What runs does not change by itself.
import { podRule } from "../lib/rule";
import { textAt } from "../lib/values";
import { containersOf } from "../lib/workloads";

/** Whether a reference names a tag other than `latest`, or a digest. */
function isPinned(image: string): boolean {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return true;
  const tag = /:([^/:@]+)$/.exec(image)?.[1];
  return tag !== undefined && tag !== "latest";
}

export const pinnedImages = podRule(
  {
    name: "pinned-images",
    group: "Images",
    description: "Images are named by a digest, or by a tag other than latest.",
    severity: "medium",
    remediationSteps: "Name the image by a version's tag or by its digest",
    url: "https://kubernetes.io/docs/concepts/containers/images/#image-names",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) => {
      const image = textAt(container, "image");
      return image === undefined || isPinned(image) ? [] : [`The ${label} has the image ${image}`];
    }),
);
