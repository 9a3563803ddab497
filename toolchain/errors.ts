// A mistake or a lack on the user's side: what happened and the way out, never a stack trace.

/** An error that a person can do something about. `remedy` says what, in one or more lines. */
export class UserError extends Error {
  override readonly name = "UserError";

  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
