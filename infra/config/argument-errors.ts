// What the components say of bad arguments, in the words of who wrote a stack's file: by its key instead of the component.
import type { ArgumentError } from "@sandlot/components";

/** The key of configuration that each component's arguments come from. */
const keys: Readonly<Record<string, string>> = {
  K3sCluster: "cluster",
  SandboxNamespace: "namespace",
  SandboxNetworkPolicies: "network",
  GvisorRuntime: "runtime",
  SkillsStorage: "skills",
  UserDataStorage: "userData",
  UserDataRetention: "userData.retention",
  SandboxDeployment: "sandbox",
  Provisioner: "provisioner",
  Observability: "observability",
};

/** `SandboxDeployment "sandlot-sandbox": replicas is …` as `sandlot:sandbox: replicas is …`; others stay as they are. */
export function inStackFile(problem: string): string {
  const [, component = "", sentence = ""] = /^(\w+) "[^"]*": (.*)$/s.exec(problem) ?? [];
  // Traces are the provisioner's, but are told of where one looks for them.
  const key = sentence.startsWith("tracing.") ? "observability" : keys[component];
  if (key !== undefined) return `sandlot:${key}: ${sentence}`;
  // The platform speaks of its parts, of which only these are called otherwise in a stack's file.
  return component === "SandboxPlatform"
    ? `sandlot: ${sentence.replaceAll("deployment.", "sandbox.").replaceAll("userDataRetention", "userData.retention")}`
    : problem;
}

/** The whole message. */
export function describeArguments(error: ArgumentError): string {
  return error.problems.map(inStackFile).join("\n");
}
