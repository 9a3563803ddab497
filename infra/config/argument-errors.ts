// What the components say of bad arguments, in the words of who wrote a stack's file: by its keys instead of the components'.
import type { ArgumentError } from "@sandlot/components";

import { ConfigError } from "./load";

/** Arguments that are called otherwise in a stack's file, and what they are called there. */
type Renamed = readonly (readonly [argument: RegExp, setting: string])[];

const variables: Renamed = [[/\benv\[\d+\]\.name is\b/g, "a name in environment is"]];
const nodePort: Renamed = [[/\bservice\.nodePort\b/g, "nodePort"]];
const folder: Renamed = [[/\bhostPath\b/g, "nodePath"]];
const sandbox: Renamed = [
  ...variables,
  ...nodePort,
  [/\bwritable\.tmp\b/g, "storage.temporary"],
  [/\bwritable\.(home|userData)\b/g, "storage.$1"],
  [/\bprobes\.(startup|readiness|liveness)\b/g, "$1Probe"],
  [/\bdisruption\.minAvailable\b/g, "minAvailable"],
];

const quota = ["cpu", "memory", "ephemeralStorage"].flatMap((amount): Renamed => {
  const name = `${amount[0]?.toUpperCase() ?? ""}${amount.slice(1)}`;
  return [
    [new RegExp(`\\bquota\\.limits${name}\\b`, "g"), `quota.${amount}`],
    [new RegExp(`\\bquota\\.requests${name}\\b`, "g"), `quota.requests.${amount}`],
  ];
});

/** The key of configuration that each component's arguments come from. */
const keys: Readonly<Record<string, { readonly key: string; readonly renamed?: Renamed }>> = {
  K3sCluster: { key: "cluster" },
  SandboxNamespace: { key: "namespace", renamed: quota },
  SandboxNetworkPolicies: { key: "network" },
  GvisorRuntime: { key: "runtime", renamed: [[/\bruntimeClassName\b/g, "className"]] },
  SkillsStorage: { key: "skills", renamed: folder },
  UserDataStorage: { key: "userData", renamed: folder },
  UserDataRetention: { key: "userData.retention" },
  SandboxDeployment: { key: "sandbox", renamed: sandbox },
  SandboxEnvironment: {
    key: "environments",
    renamed: [
      ...variables,
      [/\bruntimeClassName\b/g, "runtimeClass"],
      [/\bregistry\.repository\b/g, "repository"],
    ],
  },
  Provisioner: {
    key: "provisioner",
    renamed: [
      ...nodePort,
      [/\bapiServer\.cidrs\b/g, "apiServerCidrs"],
      [/\bapiServer\.ports\b/g, "apiServerPorts"],
      [/\btimeouts\.(\w+)Seconds\b/g, "timeouts.$1"],
    ],
  },
  EgressProxy: { key: "provisioner.egressProxy" },
  Observability: { key: "observability" },
  ImageScan: { key: "imageScan" },
};

/** The platform speaks of its parts, of which only these are called otherwise in a stack's file. */
const platform: Renamed = [
  [/\bdeployment\./g, "sandbox."],
  [/\buserDataRetention\b/g, "userData.retention"],
  [/\bdefaultPoolSize\b/g, "provisioner.poolSize"],
  [/\begressProxy\b/g, "provisioner.egressProxy"],
  ...quota,
  ...sandbox,
];

/**
 * `SandboxDeployment "sandlot-sandbox": replicas is …` as `sandlot:sandbox: replicas is …`, and what is said of the environment
 * `tools` as `sandlot:environments "tools": …`; others stay as they are.
 */
export function inStackFile(problem: string): string {
  const [, component = "", name = "", sentence = ""] = /^(\w+) "([^"]*)": (.*)$/s.exec(problem) ?? [];
  if (component === "SandboxPlatform") return `sandlot: ${inWords(sentence, platform)}`;
  // Traces are the provisioner's, but are told of where one looks for them.
  const found = keys[sentence.startsWith("tracing.") ? "Observability" : component];
  if (found === undefined) return problem;
  const which = component === "SandboxEnvironment" ? ` "${name.replace(/^.*?-environment-/, "")}"` : "";
  return `sandlot:${found.key}${which}: ${inWords(sentence, found.renamed ?? [])}`;
}

function inWords(sentence: string, renamed: Renamed): string {
  return renamed.reduce((text, [argument, setting]) => text.replace(argument, setting), sentence);
}

/** The whole message, which is like that of a mistake that the schema finds. */
export function describeArguments({ problems }: ArgumentError): string {
  // An environment's default base is the shared sandboxes' image, whose own component says what is wrong with it.
  const said = problems.filter((problem) => !/^SandboxEnvironment "[^"]*": sandboxImage is /.test(problem));
  return new ConfigError((said.length === 0 ? problems : said).map(inStackFile)).message;
}
