// sandlot:target: where the platform goes, and what each kind of place needs to be told.
import { choice, object, path, secretText, text } from "../values";

import type { z } from "zod";

export const target = object(
  {
    kind: choice(
      ["container", "existing", "render"],
      "Where the platform goes: a cluster of its own in one container of this machine, a cluster that is there already, " +
        "or YAML files. Default: container",
    ).optional(),
    kubeconfig: secretText(
      "The kubeconfig of an existing cluster. Only the context's part of it is kept in the stack's state",
      "the text of a kubeconfig, as a secret (`make secret`)",
    ).optional(),
    kubeconfigPath: path(
      "A kubeconfig on this machine, absolute, relative to the project or beginning with ~/, instead of kubeconfig",
    ).optional(),
    context: text("The context of that kubeconfig").optional(),
    clusterIdentifier: text(
      "What an existing cluster is known by. As long as it stays, no change of the kubeconfig replaces objects; another one " +
        "replaces all",
    ).optional(),
    directory: path(
      "The folder that YAML is rendered into, absolute or relative to the project; rendering replaces what is in it",
    ).optional(),
  },
  "Where the platform goes: which cluster, or which folder",
);

type Target = z.infer<typeof target>;
type Setting = Exclude<keyof Target, "kind">;

/** What a kind of place must be told, and what besides. Of the settings in one list, exactly one is needed. */
const settings: Readonly<Record<NonNullable<Target["kind"]>, readonly (readonly Setting[])[]>> = {
  container: [],
  existing: [["kubeconfig", "kubeconfigPath"], ["context"], ["clusterIdentifier"]],
  render: [["directory"]],
};

/** Whatever else of configuration is about a cluster in a container of this machine. */
export interface ContainerSettings {
  readonly cluster?: object | undefined;
  readonly platform?: boolean | undefined;
  readonly provisioner?: { readonly hostPort?: number | undefined } | undefined;
  readonly sandbox?: { readonly hostPort?: number | undefined } | undefined;
  readonly skills?: { readonly hostPath?: string | undefined } | undefined;
}

/** Tells `refuse` of every setting that the kind of place lacks or has no use for. */
export function checkTarget(
  given: Target,
  rest: ContainerSettings,
  refuse: (path: string[], message: string) => void,
): void {
  const kind = given.kind ?? "container";
  for (const group of settings[kind]) {
    const [first = "", ...others] = group.filter((name) => given[name] !== undefined);
    if (first === "") refuse(["target", group[0] ?? ""], `kind ${kind} needs ${group.join(" or ")}: give it`);
    if (others.length > 0) refuse(["target", ...others], `${first} is given as well: remove one of the two`);
  }
  const useful = settings[kind].flat();
  for (const name of Object.keys(given) as (keyof Target)[]) {
    if (name === "kind" || useful.includes(name)) continue;
    const kinds = Object.entries(settings).flatMap(([each, groups]) =>
      groups.flat().includes(name) ? [each] : [],
    );
    refuse(
      ["target", name],
      `kind ${kind} has no use for it: remove it, or set kind to ${kinds.join(" or ")}`,
    );
  }
  if (kind !== "container") refuseContainerSettings(kind, rest, refuse);
}

function refuseContainerSettings(
  kind: string,
  { cluster, platform, provisioner, sandbox, skills }: ContainerSettings,
  refuse: (path: string[], message: string) => void,
): void {
  const only = `only a cluster in a container of this machine has it, and target.kind is ${kind}: remove it`;
  if (cluster !== undefined) refuse(["cluster"], only);
  if (sandbox?.hostPort !== undefined) refuse(["sandbox", "hostPort"], only);
  if (provisioner?.hostPort !== undefined) refuse(["provisioner", "hostPort"], only);
  if (platform === false)
    refuse(["platform"], `it leaves nothing to do, as target.kind is ${kind}: remove it`);
  if (skills?.hostPath !== undefined) {
    refuse(["skills", "hostPath"], `${only}, or use another source of skills`);
  }
}
