// Runs one command in a shared sandbox, through its HTTP API.
import { UserError } from "@sandlot/toolchain/errors.js";

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** null where the command was ended from outside. */
  readonly exitCode: number | null;
  readonly status: string;
}

/** The part of the `/v1/bash/exec` reply that is read here. */
interface ExecReply {
  success: boolean;
  message?: string;
  data?: { stdout?: string; stderr?: string; exit_code?: number | null; status: string };
}

/**
 * Runs `command` with bash in the sandbox behind `endpoint` and waits for its end, `timeoutSeconds` at most.
 * @throws UserError when the sandbox cannot be reached or refuses.
 */
export async function runInSandbox(
  endpoint: string,
  command: string,
  timeoutSeconds = 600,
  headers: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  let response: Response;
  try {
    response = await fetch(`${endpoint}/v1/bash/exec`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ command, hard_timeout: timeoutSeconds, max_output_length: 0 }),
      signal: AbortSignal.timeout((timeoutSeconds + 30) * 1000),
    });
  } catch (error) {
    throw new UserError(
      `The sandbox at ${endpoint} does not answer.`,
      "See `make status`, then `make logs`.",
      { cause: error },
    );
  }
  const reply = (await response.json()) as ExecReply;
  if (!response.ok || !reply.success || reply.data === undefined) {
    throw new UserError(
      `The sandbox refused the command: ${reply.message ?? JSON.stringify(reply)}`,
      "See `make logs`.",
    );
  }
  const { stdout = "", stderr = "", exit_code: exitCode = null, status } = reply.data;
  return { stdout, stderr, exitCode, status };
}
