// sandlot:environments: the named environments that sessions start from, and what must hold between their settings.
import { z } from "zod";

import { environmentPlacement } from "./placement";
import { pullPolicy, resources } from "./shared";
import {
  choice,
  count,
  dnsLabel,
  environment as variables,
  field,
  imageReference,
  listOf,
  object,
  text,
} from "../values";

const build = object(
  {
    base: imageReference(
      "The image to build on: Debian or a relative, with bash. Default: the sandbox image, or python:<pythonVersion>-slim-bookworm",
    ).optional(),
    pythonVersion: field(
      z.string().regex(/^3\.\d{1,2}(\.\d{1,3})?$/),
      "The Python that the base must have",
      'a version in quotes, such as "3.12" or "3.12.4"',
    ).optional(),
    pip: listOf(
      field(z.string().includes("=="), "A package", "a package with its exact version, such as numpy==2.3.4"),
      "Python packages, installed from wheels",
    ).optional(),
    apt: listOf(
      field(
        z.string().includes("="),
        "A package",
        "a package with its exact version, such as git=1:2.39.5-0+deb12u2",
      ),
      "Debian packages",
    ).optional(),
    commands: listOf(
      text("A command"),
      "Commands that run last, each in a bash of its own, as root",
    ).optional(),
  },
  "What the environment's image is built from",
);

const secretVariable = object(
  {
    variable: text("The variable's name"),
    secret: text("The Secret, in the sandboxes' namespace"),
    key: text("The entry of the Secret"),
  },
  "A variable whose value is in a Secret",
);

const environment = object(
  {
    name: dnsLabel("The name by which sessions ask for it, of at most 40 characters"),
    image: imageReference(
      "An image that is there already; not together with build. Default: the built one, or the sandbox image",
    ).optional(),
    build: build.optional(),
    repository: text(
      "Where the built image is pushed to, such as registry.example.com/team/sandboxes, as the user whom this machine's docker client is logged in as. Default: it is loaded into the development node",
    ).optional(),
    imagePullPolicy: pullPolicy("the environment's image").optional(),
    imagePullSecrets: listOf(
      dnsLabel("A Secret of the namespace with registry credentials"),
      "Credentials for the environment's image, where the node pulls it",
    ).optional(),
    runtimeClass: dnsLabel("The RuntimeClass of its sandboxes. Default: that of sandlot:runtime").optional(),
    runtimes: listOf(
      dnsLabel("A RuntimeClass"),
      "Further RuntimeClasses that a sandbox may ask for. One that isolates less than its own is a wall that whoever calls may take down. Default: none",
    ).optional(),
    egress: choice(
      ["blocked", "allowlist", "open"],
      "What its sandboxes may reach at most. Default: blocked",
    ).optional(),
    resources: object(
      {
        requests: resources("What a sandbox is promised").optional(),
        limits: resources("What a sandbox may use at most").optional(),
      },
      "A sandbox's resources",
    ).optional(),
    maxResources: resources(
      "The most that a sandbox may ask for, no less than resources.limits. Default: no more than resources says",
    ).optional(),
    placement: environmentPlacement.optional(),
    environment: variables(
      "Environment variables. Never secrets: anybody who may run code sees them",
    ).optional(),
    secrets: listOf(
      secretVariable,
      "Environment variables from Secrets that are in the namespace; code in the sandbox can read them",
    ).optional(),
    poolSize: count("How many idle sandboxes are kept ready. Default: 0", 0, 500).optional(),
    poolAutoscaling: object(
      {
        min: count("The fewest idle sandboxes. Default: 1", 0, 500).optional(),
        max: count("The most idle sandboxes", 1, 500),
        targetUtilization: count(
          "How many of the environment's sandboxes are to be in use, in percent. Default: 80",
          1,
          99,
        ).optional(),
        scaleDownSeconds: count(
          "For how many seconds fewer idle sandboxes must have been enough before there are fewer. Default: 300",
          0,
          3600,
        ).optional(),
      },
      "As many idle sandboxes as use asks for, instead of poolSize",
    ).optional(),
  },
  "A named environment",
);

export const environments = listOf(environment, "The named environments that sessions start from");

/** Tells `refuse` of what does not go together. */
export function checkEnvironments(
  list: z.infer<typeof environments>,
  targetKind: string,
  refuse: (path: (string | number)[], message: string) => void,
): void {
  for (const [i, { name, image, build: recipe, repository, poolSize, poolAutoscaling }] of list.entries()) {
    if (poolSize !== undefined && poolAutoscaling !== undefined)
      refuse(["environments", i, "poolSize"], "poolAutoscaling says how many: remove one of the two");
    if (list.findIndex((other) => other.name === name) < i)
      refuse(["environments", i, "name"], "an earlier environment has that name: rename one of the two");
    if (image !== undefined && recipe !== undefined)
      refuse(["environments", i, "image"], "build makes the image: remove one of the two");
    if (repository !== undefined && recipe === undefined)
      refuse(
        ["environments", i, "repository"],
        "nothing is built that could be pushed: give build, or leave it out",
      );
    if (recipe !== undefined && repository === undefined && targetKind !== "container") {
      refuse(
        ["environments", i, "repository"],
        `nodes of other clusters do not have what is built here (target.kind is ${targetKind}): name a repository to push to`,
      );
    }
  }
}
