// What a sandbox's server takes as env and secrets (sandboxd/internal/api/claim.go; a test holds the two against each other). A
// hand-over that it refuses has cost an idle pod by then, so whatever it would refuse is found before. Pure.

/** The most variables of env and secrets together: of the server's 256, six are for the way to the egress proxy. */
export const mostVariables = 250;

/** The longest that `NAME=value` may be: Linux gives no program a longer one. Bytes. */
export const longestVariable = 128 * 1024 - 1;

/** The most of all together, with two bytes for each: the server's 256 KiB without room for the way to the proxy. Bytes. */
export const mostBytes = 248 * 1024;

/** The most of all as JSON, where a control character is six bytes: the server's 1 MiB without room for the rest. Bytes. */
export const longestJson = 1008 * 1024;

type Variables = Readonly<Record<string, string>>;

/** A field of the request, and why it cannot be. No message holds a value. */
interface VariableProblem {
  readonly path: string[];
  readonly message: string;
}

/** All that is wrong with variables whose names are right. */
export function variableProblems(env: Variables = {}, secrets: Variables = {}): VariableProblem[] {
  const all = [...named("env", env), ...named("secrets", secrets)];
  const twice = Object.keys(secrets)
    .filter((name) => Object.hasOwn(env, name))
    .map((name) => ({ path: ["secrets", name], message: "is in env too, but must be in one of them" }));
  const together = togetherProblem(all, JSON.stringify({ env, secrets }));
  const path = [Object.keys(env).length > 0 ? "env" : "secrets"];
  return [
    ...all.flatMap(valueProblem),
    ...twice,
    ...(together === undefined ? [] : [{ path, message: together }]),
  ];
}

interface Named {
  readonly path: string[];
  readonly name: string;
  readonly value: string;
}

function named(field: string, variables: Variables): Named[] {
  return Object.entries(variables).map(([name, value]) => ({ path: [field, name], name, value }));
}

function valueProblem({ path, name, value }: Named): VariableProblem[] {
  if (value.includes("\0"))
    return [{ path, message: "has a NUL character, but must have none: no variable can hold it" }];
  const bytes = Buffer.byteLength(`${name}=${value}`);
  return bytes > longestVariable
    ? [{ path, message: `is ${bytes} bytes with its name, but must be at most ${longestVariable}` }]
    : [];
}

function togetherProblem(all: readonly Named[], json: string): string | undefined {
  if (all.length > mostVariables)
    return `has ${all.length} variables, those of env and secrets together, but must have at most ${mostVariables}`;
  const bytes = all.reduce((sum, { name, value }) => sum + Buffer.byteLength(name + value) + 2, 0);
  if (bytes > mostBytes)
    return `is ${bytes} bytes, env and secrets together, but must be at most ${mostBytes}`;
  const jsonBytes = Buffer.byteLength(json);
  return jsonBytes > longestJson
    ? `is ${jsonBytes} bytes as JSON, env and secrets together, but must be at most ${longestJson}`
    : undefined;
}
