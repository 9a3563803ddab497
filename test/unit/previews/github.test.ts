// The comment on GitHub: one for a project, edited in place, nobody else's touched; refusals say what to do.
import assert from "node:assert/strict";

import { marker } from "../../../previews/comment.js";
import { GitHub } from "../../../previews/github.js";
import { UserError } from "../../../toolchain/errors.js";
import { startGitHub, type GitHubServer } from "./github-server.js";

const pullRequest = { repository: "owner/name", number: 7 };
const mark = marker("sandlot");

describe("the comment on GitHub", () => {
  let server: GitHubServer;
  let github: GitHub;

  beforeEach(async () => {
    server = await startGitHub();
    github = new GitHub({ token: "the-token", apiUrl: server.url, graphqlUrl: `${server.url}/graphql` });
  });
  afterEach(() => server.close());

  const place = (text: string) => github.placeComment(pullRequest, mark, `${mark}\n${text}`);

  it("is made once, then edited in place, and left alone when nothing changed", async () => {
    assert.deepEqual(await place("one"), { done: "created", url: "https://github.example/comment-1" });
    assert.deepEqual(await place("two"), { done: "edited", url: "https://github.example/comment-1" });
    assert.equal((await place("two")).done, "found up to date");
    assert.deepEqual(
      server.comments.map(({ body }) => body),
      [`${mark}\ntwo`],
    );
    assert.deepEqual(server.tokens, new Set(["Bearer the-token"]));
  });

  it("is found behind hundreds of others", async () => {
    for (let index = 0; index < 250; index++) server.add("somebody", `comment ${index}`);
    server.add("github-actions[bot]", `${mark}\nold`);
    assert.equal((await place("new")).done, "edited");
    assert.equal(server.comments.length, 251);
    const pages = server.requests.filter((request) => request.startsWith("GET"));
    assert.deepEqual(
      pages,
      [1, 2, 3].map((page) => `GET /repos/owner/name/issues/7/comments?per_page=100&page=${page}`),
    );
  });

  it("is looked for on every page, when the last one is full", async () => {
    for (let index = 0; index < 200; index++) server.add("somebody", `comment ${index}`);
    assert.equal((await place("new")).done, "created");
    assert.equal(server.comments.length, 201);
  });

  it("is never taken to be somebody else's, who wrote the marker", async () => {
    const theirs = server.add("mallory", `${mark}\nmine`);
    const quoted = server.add("github-actions[bot]", `> quoting ${mark}`);
    assert.equal((await place("new")).done, "created");
    assert.equal(theirs.body, `${mark}\nmine`);
    assert.equal(quoted.body, `> quoting ${mark}`);
  });

  it("is one for each project", async () => {
    await place("ours");
    const other = marker("other");
    assert.equal((await github.placeComment(pullRequest, other, `${other}\ntheirs`)).done, "created");
    assert.equal(server.comments.length, 2);
  });

  it("is made anew when it was deleted in the meantime", async () => {
    await place("one");
    server.refuse({ method: "PATCH", status: 404 });
    assert.equal((await place("two")).done, "created");
  });

  const refusals: readonly (readonly [string, Parameters<GitHubServer["refuse"]>[0], RegExp, RegExp])[] = [
    [
      "a bad token",
      { method: "GET", status: 401, message: "Bad credentials" },
      /answers 401 for pull request 7 of owner\/name: Bad credentials/,
      /GITHUB_TOKEN is not valid/,
    ],
    [
      "a token that may not write",
      { method: "POST", status: 403, message: "Resource not accessible by integration" },
      /answers 403/,
      /pull-requests: write.*forks/,
    ],
    ["an unknown pull request", { method: "GET", status: 404 }, /answers 404/, /repository and number/],
    ["a comment that it does not take", { method: "POST", status: 422 }, /answers 422/, /OUT=-/],
    ["an outage", { method: "GET", status: 502 }, /answers 502/, /again later/],
    [
      "the hourly limit",
      {
        method: "GET",
        status: 403,
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1900000000" },
      },
      /answers 403/,
      /limit of requests is used up: try again after 2030-03-17T17:46:40\.000Z/,
    ],
    [
      "the limit of a minute",
      { method: "POST", status: 429, headers: { "retry-after": "42" } },
      /answers 429/,
      /try again in 42 s/,
    ],
  ];
  for (const [name, refusal, message, remedy] of refusals) {
    it(`says what to do about ${name}`, async () => {
      server.refuse(refusal);
      await assert.rejects(place("x"), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        assert.match(error.remedy, remedy);
        assert.doesNotMatch(`${error.message}${error.remedy}`, /the-token/);
        return true;
      });
    });
  }

  it("is not posted without knowing whose the token is", async () => {
    server.viewer = undefined;
    await assert.rejects(place("x"), /does not tell whose GITHUB_TOKEN is/);
    assert.equal(server.comments.length, 0);
  });

  it("says when GitHub cannot be reached", async () => {
    await server.close();
    await assert.rejects(place("x"), /cannot be reached at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    server = await startGitHub();
  });

  it("gives the token to no address where it could be read on the way", () => {
    for (const apiUrl of ["http://github.example", "ftp://127.0.0.1", "github.example"])
      assert.throws(
        () => new GitHub({ token: "t", apiUrl }),
        /allowed: an address that begins with https:\/\//,
      );
    new GitHub({ token: "t", apiUrl: "https://github.example/api/v3" });
  });
});
