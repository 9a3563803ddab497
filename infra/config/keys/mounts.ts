// What is brought into sandboxes from Secrets, ConfigMaps and claims: variables and volumes.
import { z } from "zod";

import { absolutePath, choice, dnsName, field, flag, listOf, object, quantity, text } from "../values";

const keyOf = (what: string) =>
  object(
    {
      name: dnsName(`The ${what}'s name`),
      key: text("The key in it"),
      optional: flag("Whether a sandbox starts without it. Default: false").optional(),
    },
    `A key of a ${what} of the namespace`,
  );

export const variableFrom = object(
  {
    name: field(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
      "The variable's name",
      "letters, digits and '_', not beginning with a digit",
    ),
    secret: keyOf("Secret").optional(),
    configMap: keyOf("ConfigMap").optional(),
  },
  "A variable; give either secret or configMap",
);

const filesOf = (what: string) =>
  object(
    {
      name: dnsName(`The ${what}'s name`),
      optional: flag("Whether a sandbox starts without it. Default: false").optional(),
    },
    `A ${what} of the namespace, as files`,
  );

export const volume = object(
  {
    name: text("Its name; home, tmp, user-data and skills are taken"),
    mountPath: absolutePath("Where sandboxes see it"),
    subPath: text("The part of it that is seen, a relative path. Default: all of it").optional(),
    readOnly: flag(
      "Whether sandboxes can only read it. Default: true, but false for emptyDir; the rest but claims is read-only whatever is said",
    ).optional(),
    emptyDir: object(
      {
        sizeLimit: quantity("The most it can hold"),
        medium: choice(["disk", "memory"], "Where it is. Default: disk").optional(),
      },
      "An empty folder that goes with its sandbox",
    ).optional(),
    configMap: filesOf("ConfigMap").optional(),
    secret: filesOf("Secret").optional(),
    claim: object(
      { name: dnsName("The claim's name") },
      "A PersistentVolumeClaim of the namespace",
    ).optional(),
    projected: object(
      {
        configMaps: listOf(filesOf("ConfigMap"), "ConfigMaps").optional(),
        secrets: listOf(filesOf("Secret"), "Secrets").optional(),
      },
      "Several in one folder",
    ).optional(),
  },
  "A volume; give exactly one of emptyDir, configMap, secret, claim and projected",
);
