// What a request to the API server is about, without the names in its path.

/** `/api/v1/namespaces/x/pods/y/log` is of resource `pods/log`. */
export function resourceOf(path: string): string {
  const [resource = "other", , part] = path.split("/namespaces/")[1]?.split("/").slice(1) ?? [];
  return part === undefined ? resource : `${resource}/${part}`;
}
