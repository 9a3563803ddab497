// gVisor's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks } from "../shared/checks";
import { over } from "../shared/defaults";
import {
  dnsLabel,
  dnsSubdomain,
  integerBetween,
  labels,
  matching,
  oneOf,
  pinnedImage,
  quantity,
} from "../shared/rules";
import { checkTolerations, type SandboxToleration } from "../shared/tolerations";
import { GvisorMode, type GvisorCheck, type GvisorRuntimeArgs, type PodOverhead } from "./args";
import { checkInstall, installDefaults, type InstallSettings } from "./resolve-install";

/** {@link GvisorCheck} with every default filled in. */
export interface CheckSettings {
  namespace: pulumi.Input<string>;
  image: pulumi.Input<string>;
  serviceAccountName: pulumi.Input<string>;
  imagePullPolicy: string;
  imagePullSecrets: string[];
  nodeSelector: { [name: string]: string };
  tolerations: SandboxToleration[];
  priorityClassName?: pulumi.Input<string> | undefined;
  timeoutSeconds: number;
}

/** {@link GvisorRuntimeArgs} with every default filled in. */
export interface GvisorRuntimeSettings {
  mode: GvisorMode;
  runtimeClassName: string;
  existing: boolean;
  handler: string;
  overhead: PodOverhead;
  nodeSelector: { [name: string]: string };
  tolerations: SandboxToleration[];
  install?: InstallSettings | undefined;
  check?: CheckSettings | undefined;
}

/** The label by which nodes are chosen for installation where nothing else is said. */
export const installLabel: Readonly<Record<string, string>> = { "sandlot.dev/gvisor": "install" };

/** Fills in the defaults. */
export function withDefaults(args: GvisorRuntimeArgs): GvisorRuntimeSettings {
  const mode = args.mode ?? GvisorMode.Preinstalled;
  return {
    mode,
    runtimeClassName: args.runtimeClassName ?? "gvisor",
    existing: args.existing ?? false,
    handler: args.handler ?? "runsc",
    overhead: args.overhead ?? {},
    nodeSelector: args.nodeSelector ?? (mode === GvisorMode.Install ? { ...installLabel } : {}),
    tolerations: args.tolerations ?? [],
    install: args.install && installDefaults(args.install),
    check: args.check && checkDefaults(args.check),
  };
}

function checkDefaults(check: GvisorCheck): CheckSettings {
  return over<CheckSettings>(
    {
      namespace: check.namespace,
      image: check.image,
      serviceAccountName: check.serviceAccountName,
      imagePullPolicy: "IfNotPresent",
      imagePullSecrets: [],
      nodeSelector: {},
      tolerations: [],
      timeoutSeconds: 300,
    },
    check,
  );
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: GvisorRuntimeArgs): GvisorRuntimeSettings {
  const settings = withDefaults(args);
  const checks = new Checks("GvisorRuntime", name);
  checks.plain("mode", settings.mode, oneOf(GvisorMode));
  checks.plain("runtimeClassName", settings.runtimeClassName, dnsSubdomain);
  checks.plain("handler", settings.handler, dnsLabel);
  checks.plain("overhead.cpu", settings.overhead.cpu, quantity);
  checks.plain("overhead.memory", settings.overhead.memory, quantity);
  checks.plain("nodeSelector", settings.nodeSelector, labels);
  checkTolerations(checks, "tolerations", settings.tolerations);
  checkMode(checks, settings);
  checkExisting(checks, args);
  const install = settings.install && checkInstall(checks, settings.install);
  const check = settings.check && checkTrial(checks, settings.check);
  checks.finish();
  return { ...settings, install, check };
}

function checkMode(checks: Checks, { mode, install, nodeSelector, handler }: GvisorRuntimeSettings): void {
  if (mode === GvisorMode.Install && install === undefined)
    checks.problem("install is missing, but mode Install needs it; give it, its image at least");
  if (mode === GvisorMode.Preinstalled && install !== undefined)
    checks.problem("install is given, but mode is Preinstalled; remove it or set mode to Install");
  if (mode !== GvisorMode.Install) return;
  if (Object.keys(nodeSelector).length === 0) {
    checks.problem(
      "nodeSelector is {}, but mode Install changes the nodes that it chooses; name a label that only those nodes have",
    );
  }
  // containerd's own.
  if (handler === "runc")
    checks.problem(
      'handler is "runc", which is containerd\'s own; give another name to what mode Install installs',
    );
}

/** What belongs to a RuntimeClass that somebody else made. */
const setByOwner = ["handler", "overhead", "nodeSelector", "tolerations"] as const;

function checkExisting(checks: Checks, args: GvisorRuntimeArgs): void {
  if (args.existing !== true) return;
  if (args.mode === GvisorMode.Install) {
    checks.problem(
      "existing is true, but mode Install makes a RuntimeClass of its own; remove one of the two",
    );
    return;
  }
  for (const field of setByOwner.filter((each) => args[each] !== undefined)) {
    checks.problem(
      `${field} is given, but existing is true: the RuntimeClass that is there already says it; remove one of the two`,
    );
  }
}

function checkTrial(checks: Checks, check: CheckSettings): CheckSettings {
  checks.plain(
    "check.imagePullPolicy",
    check.imagePullPolicy,
    matching(/^(?:Always|IfNotPresent|Never)$/, "one of Always, IfNotPresent, Never"),
  );
  for (const [i, secret] of check.imagePullSecrets.entries())
    checks.plain(`check.imagePullSecrets[${i}]`, secret, dnsSubdomain);
  checks.plain("check.nodeSelector", check.nodeSelector, labels);
  checkTolerations(checks, "check.tolerations", check.tolerations);
  checks.plain("check.timeoutSeconds", check.timeoutSeconds, integerBetween(10, 3600, "a number of seconds"));
  return {
    ...check,
    namespace: checks.input("check.namespace", check.namespace, dnsLabel),
    image: checks.input("check.image", check.image, pinnedImage),
    serviceAccountName: checks.input("check.serviceAccountName", check.serviceAccountName, dnsSubdomain),
    priorityClassName: checks.optional("check.priorityClassName", check.priorityClassName, dnsSubdomain),
  };
}
