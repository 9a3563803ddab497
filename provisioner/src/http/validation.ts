// What zod found in a request, as a list of fields and sentences.
import type { z } from "zod";

/** One thing that is wrong. */
export interface FieldError {
  readonly path: (string | number)[];
  readonly message: string;
}

/** One entry for each issue. */
export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.map(({ path, message }) => ({
    path: path.map((part) => (typeof part === "number" ? part : String(part))),
    message,
  }));
}
