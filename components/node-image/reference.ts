// Image references as container runtimes know them.

/** The reference with its registry and its `library/`: `sandbox:1` is `docker.io/library/sandbox:1`. */
export function fullReference(image: string): string {
  const slash = image.indexOf("/");
  if (slash < 0) return `docker.io/library/${image}`;
  const first = image.slice(0, slash);
  const isHost = first === "localhost" || first.includes(".") || first.includes(":");
  return isHost ? image : `docker.io/${image}`;
}
