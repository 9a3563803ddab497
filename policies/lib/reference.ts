// The reference of the rules in docs/policies.md, made from the rules themselves.
import type { Policies } from "@pulumi/policy";

import { groups } from "./rule";

type Rule = Policies[number];

const begin = "<!-- What follows is made by `npm run reference`. -->";

/** The text of docs/policies.md with its reference made anew. @throws Error if the line that it follows is not there. */
export function withReference(text: string, rules: Policies): string {
  const [written = "", rest] = text.split(begin);
  if (rest === undefined) throw new Error(`docs/policies.md lacks the line ${begin}`);
  return `${written}${begin}\n\n${groups.map((group) => chapter(group, rules)).join("\n")}`;
}

function chapter(group: string, rules: Policies): string {
  const own = rules.filter(({ tags }) => tags?.includes(group));
  const rows = own.map((rule) => `| ${[nameOf(rule), levelOf(rule), textOf(rule)].join(" | ")} |`);
  return [
    `### ${group}`,
    "",
    "| Rule | Severity | What must hold |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function nameOf({ name }: Rule): string {
  return `[${name}](../policies/rules/${name}.ts)`;
}

function levelOf({ severity = "low", enforcementLevel }: Rule): string {
  return enforcementLevel === "advisory" ? `${severity}, advisory` : severity;
}

function textOf({ description, remediationSteps = "", url = "", configSchema }: Rule): string {
  const settings = Object.entries(configSchema?.properties ?? {})
    .filter(([name]) => name !== "exclude")
    .map(
      ([name, { description: text = "", default: value }]) =>
        `<br>\`${name}\` (default \`${JSON.stringify(value)}\`): ${text}`,
    );
  const words = `${description} ${remediationSteps}`.replaceAll("<", "&lt;");
  return `${words}. [More](${url})${settings.join("")}`;
}
