// Which pull request a command is about, and with what it reaches GitHub: GitHub Actions says so in the environment.
import { readFileSync } from "node:fs";

import type { GitHubAccess, PullRequest } from "@sandlot/previews/github.js";
import { UserError } from "@sandlot/toolchain/errors.js";

/** The part of a `pull_request` event that is read here. */
interface PullRequestEvent {
  readonly pull_request?: { readonly number?: number; readonly head?: { readonly sha?: string } };
}

/** The event that started this workflow; an empty one outside of GitHub Actions. */
function readEvent(env: NodeJS.ProcessEnv): PullRequestEvent {
  const path = env["GITHUB_EVENT_PATH"] ?? "";
  if (path === "") return {};
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PullRequestEvent;
  } catch {
    throw new UserError(
      `GITHUB_EVENT_PATH is ${path}, but no event of a workflow can be read there.`,
      "GitHub Actions sets it; elsewhere leave it out and give the pull request's number: PR=…",
    );
  }
}

/** The commit that is previewed: the pull request's own, not the merge that GitHub checks out; undefined elsewhere. */
export function previewedCommit(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return readEvent(env).pull_request?.head?.sha ?? env["GITHUB_SHA"];
}

/**
 * The pull request and the way to it.
 * @param number the pull request's number, where the workflow's event does not tell it
 * @throws UserError that names everything that is missing.
 */
export function pullRequestOf(
  number: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): { pullRequest: PullRequest; access: GitHubAccess } {
  const token = env["GITHUB_TOKEN"] ?? "";
  const repository = env["GITHUB_REPOSITORY"] ?? "";
  const given = number === undefined ? readEvent(env).pull_request?.number : Number(number);
  const missing = [
    ...(token === "" ? ["GITHUB_TOKEN (a token that may write to pull requests)"] : []),
    ...(/^[\w.-]+\/[\w.-]+$/.test(repository) ? [] : ["GITHUB_REPOSITORY (owner/name)"]),
    ...(given === undefined ? ["PR (the pull request's number)"] : []),
  ];
  if (given === undefined || missing.length > 0) {
    throw new UserError(
      `The pull request to comment on is not known; missing: ${missing.join(", ")}.`,
      "GitHub Actions sets them, but for the token, which the workflow hands over. To see the comment here: OUT=-",
    );
  }
  const addresses = { apiUrl: env["GITHUB_API_URL"], graphqlUrl: env["GITHUB_GRAPHQL_URL"] };
  return { pullRequest: { repository, number: given }, access: { token, ...addresses } };
}
