// sandlot:imageScan: what images must be free of before anything runs them.
import { z } from "zod";

import { choice, field, flag, imageReference, listOf, object, text } from "../values";

const accepted = object(
  {
    id: field(
      z.string().regex(/^[A-Za-z]+-[A-Za-z0-9]+([.:-][A-Za-z0-9]+)*$/),
      "Its name",
      "the name of a vulnerability, such as CVE-2026-12345",
    ),
    reason: text("Why it does no harm here"),
    until: field(
      z.iso.date(),
      "The day from which it counts again. Default: never",
      "a day, such as 2027-01-31",
    ).optional(),
  },
  "A vulnerability that does not count",
);

export const imageScan = object(
  {
    severity: choice(
      ["low", "medium", "high", "critical"],
      "The least severity that counts. Default: high",
    ).optional(),
    unfixed: flag(
      "Whether vulnerabilities count as well that no version is free of yet. Default: false",
    ).optional(),
    endOfLife: flag(
      "Whether an image passes of a distribution's release that gets no fixes any more. Default: false",
    ).optional(),
    accepted: listOf(accepted, "What does not count").optional(),
    database: imageReference(
      "The image repository with Trivy's vulnerability database: a mirror of ghcr.io/aquasecurity/trivy-db:2. Default: those that Trivy knows",
    ).optional(),
  },
  "What images must be free of before anything runs them. Default: they are not scanned",
);
