// Mistakes in what the provisioner is told: every one in one error, without a stack trace.

/** Each problem is a line that says what was given, what is allowed and what to do. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}
