// A typed client of the sandbox server, for tests: against a local process, a forwarded port, or the proxy of a
// Kubernetes API server (give a fetch that knows how to get there).

/** The envelope of almost every answer. */
export interface Envelope<T> {
  success: boolean;
  message: string;
  data: T;
  hint: string | null;
}

/** An answer with its HTTP status. `body` is undefined when the answer is not JSON. */
export interface Answer<T> {
  status: number;
  body: Envelope<T>;
}

/** `data` of an expected failure of a file operation. */
export interface FileFailure {
  path: string;
  operation: string;
  message: string;
  error_type: string;
  retryable: boolean;
  errno: number | null;
  errno_name: string | null;
}

/** One thing wrong with a request. */
export interface ValidationIssue {
  loc: string[];
  msg: string;
  type: string;
}

/** `data` of shell/exec and shell/view. */
export interface ShellResult {
  session_id: string;
  command: string;
  status: "running" | "completed" | "no_change_timeout" | "hard_timeout" | "terminated";
  output: string;
  console: { ps1: string; command: string; output: string }[];
  exit_code: number | null;
}

/** `data` of bash/exec and bash/output. */
export interface BashResult {
  session_id: string;
  command_id: string;
  command: string;
  status: "running" | "completed" | "timed_out" | "killed";
  stdout: string;
  stderr: string;
  exit_code: number | null;
  offset: number;
  stderr_offset: number;
}

/** An item of GET bash/sessions, and `data` of bash/sessions/create. */
export interface BashSession {
  session_id: string;
  status: "ready";
  working_dir: string;
  created_at: string;
  last_used_at: string;
  current_command: string | null;
  command_count: number;
  commands: { command_id: string; command: string; status: string; exit_code: number | null }[];
}

/** An item of file/list. */
export interface ListedFile {
  name: string;
  path: string;
  is_directory: boolean;
  size: number | null;
  modified_time: string | null;
  permissions: string | null;
  extension: string | null;
}

/** An item of file/grep. */
export interface GrepMatch {
  file: string;
  line_number: number;
  line_content: string;
  context_before: string[] | null;
  context_after: string[] | null;
}

/** `data` of file/grep. */
export interface GrepResult {
  path: string;
  pattern: string;
  matches: GrepMatch[];
  match_count: number;
  files_searched: number;
  files_matched: number;
  truncated: boolean;
}

/** GET /v1/sandbox. */
export interface SandboxContext extends Envelope<null> {
  home_dir: string;
  workspace: string;
  version: string;
  detail: {
    system: {
      os: string;
      os_version: string;
      arch: string;
      user: string;
      timezone: string;
      occupied_ports: string[];
    };
    runtime: Record<"python" | "nodejs", { ver: string; bin: string; alias: string[] }[]>;
    utils: { category: string; tools: { name: string; description: string }[] }[];
  };
}

/** The part of `fetch` that the client needs. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

type Fields = Record<string, unknown>;

/** A client of one sandbox. Methods throw only when there is no answer; failures are in the answers. */
export class SandboxClient {
  /** @param baseUrl where the server is, with or without a path before `/v1` */
  constructor(
    readonly baseUrl: string,
    private readonly fetcher: Fetch = fetch,
  ) {}

  /** Any request, for what the other methods do not offer. */
  request(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const url = this.baseUrl.replace(/\/$/, "") + path;
    return this.fetcher(url, { method, body, headers: { "content-type": "application/json", ...headers } });
  }

  /** A JSON body to a route. */
  async post<T>(path: string, fields: Fields): Promise<Answer<T>> {
    const response = await this.request("POST", path, JSON.stringify(fields));
    return { status: response.status, body: (await response.json()) as Envelope<T> };
  }

  /** The issues of a request that is refused with 422; empty when it is not. */
  async issues(path: string, fields: Fields): Promise<ValidationIssue[]> {
    const response = await this.request("POST", path, JSON.stringify(fields));
    const body = (await response.json()) as { detail?: ValidationIssue[] };
    return response.status === 422 ? (body.detail ?? []) : [];
  }

  async context(): Promise<SandboxContext> {
    return (await (await this.request("GET", "/v1/sandbox")).json()) as SandboxContext;
  }

  shell(command: string, options: Fields = {}): Promise<Answer<ShellResult>> {
    return this.post("/v1/shell/exec", { command, ...options });
  }

  view(id: string): Promise<Answer<ShellResult>> {
    return this.post("/v1/shell/view", { id });
  }

  createSession(options: Fields = {}): Promise<Answer<{ session_id: string; working_dir: string }>> {
    return this.post("/v1/shell/sessions/create", options);
  }

  async deleteSession(id: string): Promise<Answer<null>> {
    const response = await this.request("DELETE", `/v1/shell/sessions/${encodeURIComponent(id)}`);
    return { status: response.status, body: (await response.json()) as Envelope<null> };
  }

  bash(command: string, options: Fields = {}): Promise<Answer<BashResult>> {
    return this.post("/v1/bash/exec", { command, ...options });
  }

  createBashSession(options: Fields = {}): Promise<Answer<BashSession>> {
    return this.post("/v1/bash/sessions/create", options);
  }

  async closeBashSession(id: string): Promise<Answer<null>> {
    const response = await this.request("POST", `/v1/bash/sessions/${encodeURIComponent(id)}/close`);
    return { status: response.status, body: (await response.json()) as Envelope<null> };
  }

  read(
    file: string,
    options: Fields = {},
  ): Promise<Answer<{ content: string; file: string } & Partial<FileFailure>>> {
    return this.post("/v1/file/read", { file, ...options });
  }

  write(
    file: string,
    content: string,
    options: Fields = {},
  ): Promise<Answer<{ file: string; bytes_written: number } & Partial<FileFailure>>> {
    return this.post("/v1/file/write", { file, content, ...options });
  }

  find(
    path: string,
    glob: string,
  ): Promise<Answer<{ path: string; files: string[] } & Partial<FileFailure>>> {
    return this.post("/v1/file/find", { path, glob });
  }

  list(
    path: string,
    options: Fields = {},
  ): Promise<
    Answer<
      {
        files: ListedFile[];
        total_count: number;
        directory_count: number;
        file_count: number;
      } & Partial<FileFailure>
    >
  > {
    return this.post("/v1/file/list", { path, ...options });
  }

  grep(
    path: string,
    pattern: string,
    options: Fields = {},
  ): Promise<Answer<GrepResult & Partial<FileFailure>>> {
    return this.post("/v1/file/grep", { path, pattern, ...options });
  }

  download(path: string, policy?: "ignore" | "abort"): Promise<Response> {
    const query = new URLSearchParams({ path, ...(policy === undefined ? {} : { change_policy: policy }) });
    return this.request("GET", `/v1/file/download?${query.toString()}`);
  }
}
