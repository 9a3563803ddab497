// GitHub's REST and GraphQL interfaces on loopback, as far as comments need them: it keeps comments, gives them by pages, and
// can be told to refuse.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A comment as GitHub gives it. */
export interface ServedComment {
  readonly id: number;
  body: string;
  readonly html_url: string;
  readonly user: { readonly login: string };
}

/** What a request was answered with instead, once. */
interface Refusal {
  readonly method: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
}

/** The server and what it saw. */
export interface GitHubServer {
  readonly url: string;
  readonly comments: ServedComment[];
  /** Each request as `METHOD path`, without host. */
  readonly requests: string[];
  readonly tokens: Set<string>;
  /** The login that the token belongs to; undefined: GraphQL answers with an error. */
  viewer: string | undefined;
  add(login: string, body: string): ServedComment;
  refuse(refusal: Refusal): void;
  close(): Promise<void>;
}

const repository = "/repos/owner/name/issues";

/** Starts it on a free port. */
export async function startGitHub(): Promise<GitHubServer> {
  const refusals: Refusal[] = [];
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const github: GitHubServer = {
    url: `http://127.0.0.1:${port}`,
    comments: [],
    requests: [],
    tokens: new Set(),
    viewer: "github-actions[bot]",
    add: (login, body) => {
      const id = github.comments.length + 1;
      const comment = { id, body, html_url: `https://github.example/comment-${id}`, user: { login } };
      github.comments.push(comment);
      return comment;
    },
    refuse: (refusal) => refusals.push(refusal),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = text === "" ? {} : (JSON.parse(text) as { body?: string });
    github.requests.push(`${method} ${url}`);
    github.tokens.add(request.headers.authorization ?? "");
    const give = (status: number, content: unknown, headers: Readonly<Record<string, string>> = {}): void => {
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(content));
    };
    const at = refusals.findIndex((each) => each.method === method && url !== "/graphql");
    const [refusal] = at === -1 ? [] : refusals.splice(at, 1);
    if (refusal !== undefined) {
      give(refusal.status, { message: refusal.message ?? "refused" }, refusal.headers);
    } else if (url === "/graphql") {
      const { viewer } = github;
      if (viewer === undefined) give(200, { errors: [{ message: "no viewer" }] });
      else give(200, { data: { viewer: { login: viewer } } });
    } else {
      serve(method, new URL(url, github.url), body.body ?? "", give);
    }
  }

  function serve(
    method: string,
    url: URL,
    body: string,
    give: (status: number, content: unknown) => void,
  ): void {
    const page = Number(url.searchParams.get("page") ?? 1);
    const size = Number(url.searchParams.get("per_page") ?? 30);
    const edited = github.comments.find(({ id }) => url.pathname === `${repository}/comments/${id}`);
    if (method === "GET" && url.pathname === `${repository}/7/comments`) {
      give(200, github.comments.slice((page - 1) * size, page * size));
    } else if (method === "POST" && url.pathname === `${repository}/7/comments`) {
      give(201, github.add(github.viewer ?? "", body));
    } else if (method === "PATCH" && edited !== undefined) {
      edited.body = body;
      give(200, edited);
    } else {
      give(404, { message: "Not Found" });
    }
  }
  return github;
}
