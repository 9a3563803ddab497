// What the API server said, as what it means to whoever asked for a sandbox.
import { isTrouble, KubernetesError } from "../kubernetes/client.js";
import { notFound, SandboxError } from "./errors.js";

/** What the API server said, or that it said nothing, where that is why something was not carried out. */
export function clusterError(error: unknown): KubernetesError | undefined {
  return error instanceof SandboxError && error.cause instanceof KubernetesError ? error.cause : undefined;
}

/** "Not found" is about the sandbox, except where one is being made: then it is about the namespace. */
export const whenCreating = (error: KubernetesError): SandboxError =>
  new SandboxError("refused", `the cluster has no place for sandboxes: ${error.message}`, { cause: error });

/**
 * The same work, but its KubernetesErrors are SandboxErrors.
 * @param missing what "not found" means
 */
export async function translated<T>(
  work: Promise<T>,
  missing: (error: KubernetesError) => SandboxError = notFound,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    const options = { cause: error };
    if (isTrouble(error)) {
      // Its message may name addresses, which are no caller's business.
      const what = `${error.status || ""} ${error.reason}`.trim();
      throw new SandboxError(
        "unavailable",
        `the cluster does not answer as it should (${what}); try again`,
        options,
      );
    }
    if (error.status === 401)
      throw new SandboxError(
        "unavailable",
        "the cluster does not accept the provisioner's own credentials, which its operator has to look into; try again later",
        options,
      );
    if (error.status === 404) throw missing(error);
    if (error.status === 403 && /exceeded quota/.test(error.message))
      throw new SandboxError("capacity", "the namespace's quota is used up; try again later", options);
    throw new SandboxError("refused", `the cluster refused: ${error.message}`, options);
  }
}
