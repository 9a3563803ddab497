// Files as a client sees them: text and binary, errors in AIO's shape, finding, listing, searching, downloading.
import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { SandboxClient } from "../../support/sandbox-client";
import { type Server, startServer } from "./server";

describe("sandboxd: files", function () {
  this.timeout(60_000);
  let server: Server;
  let client: SandboxClient;
  let home: string;

  before(async () => {
    server = await startServer({ SANDBOXD_MAX_READ: "100000", SANDBOXD_MAX_DOWNLOAD: "200000" });
    ({ client, home } = server);
    mkdirSync(join(home, "tree/src/deep"), { recursive: true });
    mkdirSync(join(home, "tree/.hidden"));
    mkdirSync(join(home, "tree/node_modules"));
    writeFileSync(join(home, "tree/a.py"), "import os\n# TODO one\nprint('é')\n");
    writeFileSync(join(home, "tree/src/b.ts"), "const x = 1;\n// todo two\nfoo(\n  bar)\n");
    writeFileSync(join(home, "tree/src/deep/c.py"), "x = 1\r\nTODO three\r\n");
    writeFileSync(join(home, "tree/.hidden/d.py"), "TODO hidden\n");
    writeFileSync(join(home, "tree/node_modules/e.py"), "TODO module\n");
    writeFileSync(join(home, "tree/bin.dat"), Buffer.from([0, 255, 84, 79, 68, 79]));
    writeFileSync(join(home, "tree/big.txt"), "TODO\n".repeat(400_000));
    symlinkSync(join(home, "tree"), join(home, "tree/src/loop"));
  });
  after(() => server.stop());

  const at = (name: string): string => join(home, name);

  describe("read and write", () => {
    it("round-trips text in UTF-8 and makes folders", async () => {
      const text = "línea\n漢字 🎉\ttab\n";
      const written = await client.write(at("new/dir/t.txt"), text);
      assert.deepEqual(written.body.data, {
        file: at("new/dir/t.txt"),
        bytes_written: Buffer.byteLength(text),
      });
      assert.deepEqual((await client.read(at("new/dir/t.txt"))).body.data, {
        content: text,
        file: at("new/dir/t.txt"),
      });
    });

    it("reads lines from start_line on, end_line not included", async () => {
      writeFileSync(at("lines"), "0\n1\n2\r\n3");
      const read = async (options: object): Promise<string> =>
        (await client.read(at("lines"), { ...options })).body.data.content;
      assert.equal(await read({ start_line: 1, end_line: 3 }), "1\n2\r\n");
      assert.equal(await read({ start_line: 3 }), "3");
      assert.equal(await read({ end_line: 1 }), "0\n");
      assert.equal(await read({ start_line: 9 }), "");
      assert.equal(await read({ start_line: 2, end_line: 1 }), "");
    });

    it("stores base64 as bytes and refuses to read them as text", async () => {
      const bytes = Buffer.from([0, 1, 254, 255]);
      const { body } = await client.write(at("b.bin"), bytes.toString("base64"), { encoding: "base64" });
      assert.equal(body.data.bytes_written, 4);
      assert.deepEqual(readFileSync(at("b.bin")), bytes);
      const read = await client.read(at("b.bin"));
      assert.deepEqual(
        [read.status, read.body.success, read.body.data.error_type],
        [200, false, "decode_error"],
      );
      const bad = await client.write(at("c.bin"), "***", { encoding: "base64" });
      assert.equal(bad.body.data.error_type, "decode_error");
    });

    it("appends and adds newlines", async () => {
      await client.write(at("log"), "a");
      await client.write(at("log"), "b", { append: true, leading_newline: true, trailing_newline: true });
      await client.write(at("log"), "c", { append: true, encoding: "raw", trailing_newline: true });
      assert.equal(readFileSync(at("log"), "utf8"), "a\nb\nc");
    });

    it("keeps mode, links and second names", async () => {
      writeFileSync(at("script"), "x");
      chmodSync(at("script"), 0o750);
      symlinkSync("script", at("to-script"));
      await client.write(at("to-script"), "new");
      assert.equal(readFileSync(at("script"), "utf8"), "new");
      assert.equal(statSync(at("script")).mode & 0o777, 0o750);
      linkSync(at("script"), at("same"));
      await client.write(at("script"), "both");
      assert.equal(readFileSync(at("same"), "utf8"), "both");
    });

    it("takes relative paths from the workspace and ~ as home", async () => {
      await client.write("rel/x", "1");
      assert.equal((await client.read("~/rel/x")).body.data.file, at("rel/x"));
    });

    it("never shows a reader half a file", async () => {
      const versions = ["a".repeat(90_000), "b".repeat(90_000)];
      await client.write(at("whole"), versions[0] ?? "");
      const writes = Array.from({ length: 20 }, (_, i) => client.write(at("whole"), versions[i % 2] ?? ""));
      const reads = Array.from({ length: 20 }, () => client.read(at("whole")));
      await Promise.all(writes);
      for (const read of await Promise.all(reads))
        assert.equal(versions.includes(read.body.data.content), true);
    });

    it("answers failures with 200, success false and their kind", async () => {
      const cases: [
        string,
        Promise<{ status: number; body: { success: boolean; data: object } }>,
        string,
        string | null,
      ][] = [
        ["missing", client.read(at("nope")), "not_found", "ENOENT"],
        ["folder", client.read(home), "invalid_target", "EISDIR"],
        ["file as folder", client.read(at("tree/a.py/x")), "invalid_target", "ENOTDIR"],
        ["NUL", client.read("/tmp/a\0b"), "invalid_path", null],
        ["empty", client.read(""), "invalid_path", null],
        ["too long", client.read(`/${"x".repeat(300)}`), "invalid_path", "ENAMETOOLONG"],
        ["device", client.read("/dev/zero"), "invalid_target", null],
        ["too large", client.read(at("tree/big.txt")), "too_large", null],
        ["write to folder", client.write(home, "x"), "invalid_target", "EISDIR"],
        ["write below file", client.write(at("tree/a.py/x"), "x"), "invalid_target", "ENOTDIR"],
        ["write to device", client.write("/dev/null", "x"), "invalid_target", null],
      ];
      for (const [name, answer, kind, errno] of cases) {
        const { status, body } = await answer;
        const data = body.data as {
          error_type: string;
          errno_name: string | null;
          message: string;
          retryable: boolean;
        };
        assert.deepEqual(
          [status, body.success, data.error_type, data.errno_name],
          [200, false, kind, errno],
          name,
        );
        assert.equal(typeof data.message === "string" && !data.retryable, true, name);
      }
    });

    it("reads a part of a file that is too large as a whole", async () => {
      assert.equal(
        (await client.read(at("tree/big.txt"), { start_line: 399_998 })).body.data.content,
        "TODO\nTODO\n",
      );
    });

    it("refuses sudo and wrong fields with 422", async () => {
      const issues = await client.issues("/v1/file/read", { file: 1, start_line: -1, sudo: true });
      assert.deepEqual(issues.map((issue) => issue.loc[1]).sort(), ["file", "start_line", "sudo"]);
      assert.match(issues.find((issue) => issue.loc[1] === "sudo")?.msg ?? "", /never runs anything as root/);
      const write = await client.issues("/v1/file/write", {
        file: "x",
        content: "y",
        encoding: "latin-1",
        sudo: true,
      });
      assert.deepEqual(write.map((issue) => issue.loc[1]).sort(), ["encoding", "sudo"]);
    });
  });

  describe("find", () => {
    const find = async (glob: string): Promise<string[]> =>
      (await client.find(at("tree"), glob)).body.data.files.map((path) => path.slice(at("tree").length + 1));

    it("matches names at any depth, and paths when the pattern has folders", async () => {
      assert.deepEqual(await find("*.py"), ["a.py", "node_modules/e.py", "src/deep/c.py"]);
      assert.deepEqual(await find("src/**/*.py"), ["src/deep/c.py"]);
      assert.deepEqual(await find("**/*.{ts,dat}"), ["bin.dat", "src/b.ts"]);
      assert.deepEqual(await find("src/*"), ["src/b.ts"]);
      assert.deepEqual(await find("[!a-d].py"), ["node_modules/e.py"]);
    });

    it("shows what is hidden only when asked for", async () => {
      assert.deepEqual(await find(".hidden/*"), [".hidden/d.py"]);
    });

    it("says when there is nothing to search", async () => {
      assert.equal((await client.find(at("nope"), "*")).body.data.error_type, "not_found");
      assert.equal((await client.find(at("tree/a.py"), "*")).body.data.error_type, "invalid_target");
    });
  });

  describe("list", () => {
    it("describes a folder, with permissions and extensions", async () => {
      chmodSync(at("tree/a.py"), 0o640);
      const { data } = (await client.list(at("tree"), { include_permissions: true })).body;
      const file = data.files.find((item) => item.name === "a.py");
      assert.deepEqual(
        { ...file, modified_time: "" },
        {
          name: "a.py",
          path: at("tree/a.py"),
          is_directory: false,
          size: statSync(at("tree/a.py")).size,
          modified_time: "",
          permissions: "640",
          extension: ".py",
        },
      );
      assert.equal(
        new Date(file?.modified_time ?? "").getTime(),
        Math.floor(statSync(at("tree/a.py")).mtimeMs),
      );
      const folder = data.files.find((item) => item.name === "src");
      assert.deepEqual([folder?.is_directory, folder?.size, folder?.extension], [true, null, null]);
      assert.deepEqual([data.total_count, data.directory_count, data.file_count], [6, 3, 3]);
    });

    it("goes down without following links, to a depth, hidden or not, by kind, in order", async () => {
      const names = async (options: object): Promise<string[]> =>
        (await client.list(at("tree"), { ...options })).body.data.files.map((item) =>
          item.path.slice(at("tree").length + 1),
        );
      assert.deepEqual(await names({ recursive: true, show_hidden: false, file_types: [".py"] }), [
        "a.py",
        "node_modules",
        "node_modules/e.py",
        "src",
        "src/deep",
        "src/deep/c.py",
        "src/loop",
      ]);
      assert.equal((await names({ recursive: true, max_depth: 1 })).length, 6);
      assert.equal((await names({ sort_by: "size", sort_desc: true }))[0], "big.txt");
      assert.deepEqual((await names({ sort_by: "type" })).slice(0, 3), [".hidden", "node_modules", "src"]);
      assert.equal((await client.issues("/v1/file/list", { path: home, sort_by: "colour" })).length, 1);
      assert.equal((await client.list(at("nope"))).body.data.error_type, "not_found");
    });
  });

  describe("grep", () => {
    const grep = async (pattern: string, options: object = {}): Promise<string[]> =>
      (await client.grep(at("tree"), pattern, { ...options })).body.data.matches.map(
        (match) => `${match.file.slice(at("tree").length + 1)}:${match.line_number}:${match.line_content}`,
      );

    it("finds lines, with case, includes, excludes, types and fixed strings", async () => {
      assert.deepEqual(await grep("TODO (one|three)$"), ["a.py:2:# TODO one", "src/deep/c.py:2:TODO three"]);
      assert.deepEqual(await grep("todo", { case_insensitive: true, include: ["*.ts"] }), [
        "src/b.ts:2:// todo two",
      ]);
      assert.deepEqual(await grep("TODO", { exclude: ["node_modules", ".hidden", "src"] }), [
        "a.py:2:# TODO one",
      ]);
      assert.deepEqual(await grep("print('", { fixed_strings: true, type: "py" }), ["a.py:3:print('é')"]);
      assert.deepEqual(await grep("TODO", { recursive: false }), ["a.py:2:# TODO one"]);
    });

    it("gives context, pages and counts", async () => {
      const { data } = (await client.grep(at("tree/a.py"), "TODO", { context_before: 2, context_after: 1 }))
        .body;
      assert.deepEqual(
        [data.matches[0]?.context_before, data.matches[0]?.context_after],
        [["import os"], ["print('é')"]],
      );
      const page = (await client.grep(at("tree"), "TODO", { max_results: 1, offset: 1, include: ["*.py"] }))
        .body.data;
      assert.deepEqual([page.match_count, page.truncated], [1, true]);
      const all = (await client.grep(at("tree"), "TODO", { include: ["*.py"] })).body.data;
      assert.deepEqual(
        [all.match_count, all.files_searched, all.files_matched, all.truncated],
        [4, 4, 4, false],
      );
      assert.equal(all.matches[0]?.context_before, null);
    });

    it("matches over lines with multiline", async () => {
      assert.deepEqual(await grep("foo\\(\\s+bar", { multiline: true }), ["src/b.ts:3:foo(\n  bar)"]);
      assert.deepEqual(await grep("foo\\(\\s+bar"), []);
    });

    it("passes over binary and large files unless the size allows", async () => {
      assert.equal((await grep("TODO", { include: ["big.txt", "bin.dat"] })).length, 0);
    });

    it("understands Python's spelling and explains what it cannot", async () => {
      assert.deepEqual(await grep("(?P<w>TODO) \\u006fne\\Z"), ["a.py:2:# TODO one"]);
      const bad = (await client.grep(at("tree"), "(?=x)")).body;
      assert.deepEqual([bad.success, bad.data.error_type], [false, "invalid_pattern"]);
      assert.match(bad.message, /look-around/);
      const issues = await client.issues("/v1/file/grep", {
        path: home,
        pattern: "x",
        max_file_size: "1X",
        type: "cobol",
        context_before: 21,
        max_results: 0,
      });
      assert.deepEqual(issues.map((issue) => issue.loc[1]).sort(), [
        "context_before",
        "max_file_size",
        "max_results",
        "type",
      ]);
    });

    it("is linear: a pattern that explodes elsewhere ends at once", async () => {
      writeFileSync(at("evil"), `${"a".repeat(5000)}!\n`);
      const started = Date.now();
      await client.grep(at("evil"), "^(a+)+$");
      assert.equal(Date.now() - started < 2000, true);
    });
  });

  describe("download", () => {
    it("gives bytes with length and name", async () => {
      const response = await client.download(at("tree/bin.dat"), "abort");
      assert.equal(response.headers.get("content-type"), "application/octet-stream");
      assert.equal(response.headers.get("content-length"), "6");
      assert.match(response.headers.get("content-disposition") ?? "", /bin\.dat/);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), readFileSync(at("tree/bin.dat")));
    });

    it("answers failures with plain HTTP codes", async () => {
      assert.equal((await client.download(at("nope"))).status, 404);
      assert.equal((await client.download(home)).status, 400);
      assert.equal((await client.download(at("tree/big.txt"))).status, 413);
      assert.equal((await client.request("GET", "/v1/file/download")).status, 422);
      assert.equal((await client.request("GET", "/v1/file/download?path=x&change_policy=maybe")).status, 422);
    });

    it("notices a file that changes under it with abort", async () => {
      // A file of /proc reports another time whenever it is looked at again, or none at all; a growing log is the case.
      writeFileSync(at("growing"), "x".repeat(150_000));
      let conflict = false;
      const writer = client.bash(
        "while [ ! -e enough ]; do echo y > growing; head -c 150000 /dev/zero > growing; done",
      );
      const end = performance.now() + 12_000;
      while (!conflict && performance.now() < end) {
        try {
          const response = await client.download(at("growing"), "abort");
          conflict = response.status === 409;
          await response.arrayBuffer();
        } catch {
          conflict = true;
        }
      }
      writeFileSync(at("enough"), "");
      await writer;
      assert.equal(conflict, true);
    });
  });
});
