// The comment of a pull request, by GitHub's REST API: made the first time, edited in place afterwards.
import { UserError } from "@sandlot/toolchain/errors.js";
import { httpFailure } from "@sandlot/toolchain/http.js";
import { EnvHttpProxyAgent, fetch, type Headers } from "undici";
import { z } from "zod";

/** A pull request. */
export interface PullRequest {
  /** `owner/name`. */
  readonly repository: string;
  readonly number: number;
}

/** Where GitHub is, and as whom it is asked. The defaults of the addresses are github.com's. */
export interface GitHubAccess {
  readonly token: string;
  /** @default "https://api.github.com" */
  readonly apiUrl?: string;
  /** @default "https://api.github.com/graphql" */
  readonly graphqlUrl?: string;
  /** How long one answer may take, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
}

/** What became of the comment. */
export interface Placed {
  readonly done: "created" | "edited" | "found up to date";
  /** Its address for a browser. */
  readonly url: string;
}

/** What GitHub answered. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly content: unknown;
}

const commentSchema = z.object({
  id: z.number().int(),
  body: z.string().nullish(),
  html_url: z.string().default(""),
  user: z.object({ login: z.string() }).nullish(),
});
type Comment = z.output<typeof commentSchema>;

const viewerSchema = z.object({ data: z.object({ viewer: z.object({ login: z.string() }) }) });

/** The most that GitHub gives at once. */
const pageSize = 100;

/** Comments beyond this page are not looked at: 10,000 before ours is no discussion any more. */
const lastPage = 100;

/** Talks to GitHub about comments. */
export class GitHub {
  private readonly apiUrl: string;
  private readonly graphqlUrl: string;

  /** @throws UserError for an address to which the token must not be sent. */
  constructor(private readonly access: GitHubAccess) {
    this.apiUrl = secureUrl(access.apiUrl ?? "https://api.github.com");
    this.graphqlUrl = secureUrl(access.graphqlUrl ?? "https://api.github.com/graphql");
  }

  /**
   * Puts `body` into the one comment that begins with `marker` and is this token's own, or into a new one. Anybody can
   * write the marker, so a comment of somebody else's is never taken for ours.
   * @throws UserError when GitHub refuses, with its reason.
   */
  async placeComment(pullRequest: PullRequest, marker: string, body: string): Promise<Placed> {
    const own = await this.findComment(pullRequest, marker);
    if (own === undefined) return this.create(pullRequest, body);
    // GitHub keeps line breaks as they were sent by whoever edited last.
    if (own.body?.replace(/\r\n/g, "\n") === body) return { done: "found up to date", url: own.html_url };
    const path = `/repos/${pullRequest.repository}/issues/comments/${own.id}`;
    const answer = await this.send("PATCH", `${this.apiUrl}${path}`, { body });
    if (answer.status === 404) return this.create(pullRequest, body); // deleted in the meantime
    return { done: "edited", url: commentSchema.parse(accepted(answer, pullRequest)).html_url };
  }

  private async create(pullRequest: PullRequest, body: string): Promise<Placed> {
    const answer = await this.send("POST", this.commentsUrl(pullRequest), { body });
    return { done: "created", url: commentSchema.parse(accepted(answer, pullRequest)).html_url };
  }

  private async findComment(pullRequest: PullRequest, marker: string): Promise<Comment | undefined> {
    const login = await this.login(pullRequest);
    for (let page = 1; page <= lastPage; page++) {
      const url = `${this.commentsUrl(pullRequest)}?per_page=${pageSize}&page=${page}`;
      const comments = z.array(commentSchema).parse(accepted(await this.send("GET", url), pullRequest));
      const own = comments.find(
        ({ body, user }) => user?.login === login && body?.startsWith(marker) === true,
      );
      if (own !== undefined || comments.length < pageSize) return own;
    }
    return undefined;
  }

  /** Who the token is. REST knows only users; GraphQL also knows apps, of which a workflow's token is one. */
  private async login(pullRequest: PullRequest): Promise<string> {
    const answer = await this.send("POST", this.graphqlUrl, { query: "query { viewer { login } }" });
    const found = viewerSchema.safeParse(accepted(answer, pullRequest));
    if (found.success) return found.data.data.viewer.login;
    throw new UserError(
      "GitHub does not tell whose GITHUB_TOKEN is, so the comment to edit cannot be told from others.",
      "Give a token of a workflow, of an app's installation or of a user.",
    );
  }

  private commentsUrl({ repository, number }: PullRequest): string {
    return `${this.apiUrl}/repos/${repository}/issues/${number}/comments`;
  }

  /** GitHub's answer, whatever it is. @throws UserError when there is none. */
  private async send(method: string, url: string, body?: unknown): Promise<Answer> {
    const dispatcher = new EnvHttpProxyAgent();
    try {
      const response = await fetch(url, {
        method,
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${this.access.token}`,
          "content-type": "application/json",
          "user-agent": "sandlot",
          "x-github-api-version": "2022-11-28",
        },
        body: body === undefined ? null : JSON.stringify(body),
        // Where a redirect leads, the token is not sent.
        redirect: "error",
        signal: AbortSignal.timeout(this.access.timeoutMs ?? 30_000),
        dispatcher,
      });
      const { status, headers } = response;
      return { status, headers, content: parseJson(await response.text()) };
    } catch (error) {
      throw new UserError(
        `GitHub cannot be reached at ${new URL(url).origin}: ${httpFailure(error)}`,
        "Run the command again, or write the comment to a file with OUT=….",
        { cause: error },
      );
    } finally {
      await dispatcher.destroy();
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page of a server in between
  }
}

/** The content of an answer. @throws UserError when it is a refusal. */
function accepted(answer: Answer, pullRequest: PullRequest): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.content;
  throw refusal(answer, pullRequest);
}

/** The address without a slash at its end. @throws UserError where a token would be readable on the way. */
function secureUrl(address: string): string {
  const url = URL.parse(address);
  const isLocal = ["127.0.0.1", "[::1]", "localhost"].includes(url?.hostname ?? "");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLocal))
    return address.replace(/\/+$/, "");
  throw new UserError(
    `GitHub's address is ${JSON.stringify(address)}; allowed: an address that begins with https://.`,
    "Set GITHUB_API_URL and GITHUB_GRAPHQL_URL as GitHub Actions does, or leave them out.",
  );
}

/** A refusal in words: what GitHub said and what to do. */
function refusal(answer: Answer, { repository, number }: PullRequest): UserError {
  const said = z.object({ message: z.string() }).safeParse(answer.content).data?.message ?? "no reason given";
  const told = `GitHub answers ${answer.status} for pull request ${number} of ${repository}: ${said}`;
  const wait = retryTime(answer);
  if (wait !== undefined) return new UserError(told, `The token's limit of requests is used up: ${wait}.`);
  const remedies: Record<number, string> = {
    401: "GITHUB_TOKEN is not valid, or no longer. Give one that is.",
    403: "The token may not write comments. In a workflow: `permissions: pull-requests: write`; pull requests from forks never may.",
    404: "Check repository and number; a token that may not see a repository gets this answer too.",
    422: "GitHub does not take the comment as it is. Look at it with OUT=-.",
  };
  const remedy =
    remedies[answer.status] ?? "Run the command again later, or write the comment to a file with OUT=….";
  return new UserError(told, remedy);
}

/** When to try again, if the refusal is about the number of requests. */
function retryTime({ status, headers }: Answer): string | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers.get("retry-after") ?? Number.NaN);
  if (Number.isFinite(after)) return `try again in ${after} s`;
  const reset = Number(headers.get("x-ratelimit-reset") ?? Number.NaN);
  if (headers.get("x-ratelimit-remaining") === "0" && Number.isFinite(reset))
    return `try again after ${new Date(reset * 1000).toISOString()}`;
  return status === 429 ? "try again in some minutes" : undefined;
}
