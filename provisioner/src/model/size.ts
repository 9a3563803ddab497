// How much a sandbox may use and what it runs in: what was asked for, within what its environment and its tenant allow. Pure.
import type { Environment } from "./environment.js";
import type { SandboxServer } from "./pod.js";
import { parseQuantity } from "./quantity.js";
import { withShellSessions } from "./shell-sessions.js";

/** The amounts, as requests and key files name them. */
export const amountNames = ["cpu", "memory", "ephemeralStorage"] as const;
type AmountName = (typeof amountNames)[number];

/** Cores and bytes, as Kubernetes quantities. */
export type Amounts = Readonly<Partial<Record<AmountName, string | undefined>>>;

/** What is asked for; what is absent is the environment's own. */
export interface AskedSize {
  readonly resources?: { readonly limits?: Amounts | undefined; readonly requests?: Amounts | undefined };
  /** A RuntimeClass. */
  readonly runtime?: string | undefined;
  /** How many shell sessions its server is to keep at once, at least. */
  readonly shellSessions?: number | undefined;
}

/** What a tenant's sandboxes may have at most, whatever their environments allow; absent: no bound of the tenant's own. */
export interface TenantBounds {
  readonly maxResources?: Amounts | undefined;
  readonly runtimes?: readonly string[] | undefined;
}

/** A field of the request, and why it cannot be. */
export interface SizeProblem {
  readonly field: string;
  readonly message: string;
}

/** What a sandbox is made from, once all is decided. */
export interface Sized {
  readonly environment: Environment;
  /** Whether it is as the environment says, so that an idle pod will do. */
  readonly own: boolean;
  readonly problems: readonly SizeProblem[];
}

/** What Kubernetes calls an amount. */
const resourceOf = { cpu: "cpu", memory: "memory", ephemeralStorage: "ephemeral-storage" } as const;

/** Whether `text` is an amount above zero: to Kubernetes a limit of zero is none at all. */
export function isAmount(text: string): boolean {
  return text.length <= 20 && (parseQuantity(text) ?? 0) > 0;
}

/** The environment with what is asked for in place of its own, and all that is not allowed of it. */
export function sized(
  environment: Environment,
  asked: AskedSize,
  tenant: TenantBounds = {},
  server: SandboxServer = "sandboxd",
): Sized {
  const problems: SizeProblem[] = [];
  const refuse = (field: string, message: string): void => void problems.push({ field, message });
  const { resources } = environment;
  const limits = { ...resources.limits };
  const requests = { ...resources.requests };
  for (const name of amountNames) {
    const key = resourceOf[name];
    const most = mostOf(environment, name);
    const limit = asked.resources?.limits?.[name];
    limits[key] = limit ?? resources.limits[key];
    checkLimit(`resources.limits.${name}`, limit, limits[key], most.limit, tenant.maxResources?.[name]);
    const request = asked.resources?.requests?.[name];
    requests[key] = request ?? smaller(resources.requests[key], limits[key]);
    checkRequest(`resources.requests.${name}`, request, limits[key], most.request);
  }
  const runtimeClassName = asked.runtime ?? environment.runtimeClassName;
  const allowed = runtimesFor(environment, tenant);
  if (runtimeClassName === undefined ? tenant.runtimes !== undefined : !allowed.includes(runtimeClassName))
    refuse("runtime", runtimeProblem(asked.runtime, environment, allowed, tenant));

  const roomy = withShellSessions(environment, asked.shellSessions, server);
  const own =
    roomy === environment &&
    runtimeClassName === environment.runtimeClassName &&
    amountNames.every(
      (name) =>
        amount(limits[resourceOf[name]]) === amount(resources.limits[resourceOf[name]]) &&
        amount(requests[resourceOf[name]]) === amount(resources.requests[resourceOf[name]]),
    );
  return {
    environment: own ? environment : { ...roomy, resources: { limits, requests }, runtimeClassName },
    own,
    problems,
  };

  function checkLimit(
    field: string,
    given: string | undefined,
    value: string,
    environments: string,
    tenants: string | undefined,
  ): void {
    if (given !== undefined && amount(given) > amount(environments))
      refuse(field, `is "${given}", but must be at most "${environments}" in ${quoted(environment.name)}`);
    else if (tenants !== undefined && amount(value) > amount(tenants))
      refuse(field, `${shown(given, value)}, but must be at most "${tenants}" for you`);
  }

  function checkRequest(field: string, given: string | undefined, limit: string, most: string): void {
    if (given === undefined) return;
    if (amount(given) > amount(limit))
      refuse(field, `is "${given}", but must be at most the limit, which is "${limit}"`);
    else if (amount(given) > amount(most))
      refuse(field, `is "${given}", but must be at most "${most}" in ${quoted(environment.name)}`);
  }
}

/** The RuntimeClasses that somebody may ask for. */
export function runtimesFor(
  { runtimeClassName, runtimes = [] }: Environment,
  tenant: TenantBounds,
): readonly string[] {
  const all = new Set([...(runtimeClassName === undefined ? [] : [runtimeClassName]), ...runtimes]);
  return [...all].filter((name) => tenant.runtimes?.includes(name) !== false);
}

/** The highest limits that somebody may ask for. */
export function highestLimits(environment: Environment, tenant: TenantBounds): Record<AmountName, string> {
  const of = (name: AmountName): string =>
    smaller(mostOf(environment, name).limit, tenant.maxResources?.[name] ?? mostOf(environment, name).limit);
  return { cpu: of("cpu"), memory: of("memory"), ephemeralStorage: of("ephemeralStorage") };
}

/** Kubernetes' amounts under the names that requests have. */
export function namedAmounts(given: Readonly<Record<string, string>>): Amounts {
  return Object.fromEntries(amountNames.map((name) => [name, given[resourceOf[name]]]));
}

/** What the environment lets sandboxes ask for: without a word of it, no more than what they get anyway. */
function mostOf({ maxResources, resources }: Environment, name: AmountName) {
  const key = resourceOf[name];
  const most = maxResources?.[key];
  return { limit: most ?? resources.limits[key], request: most ?? resources.requests[key] };
}

function runtimeProblem(
  asked: string | undefined,
  { name, runtimeClassName }: Environment,
  allowed: readonly string[],
  tenant: TenantBounds,
): string {
  const own = runtimeClassName === undefined ? "the nodes' ordinary one" : quoted(runtimeClassName);
  const given =
    asked === undefined ? `is not given, and that of ${quoted(name)} is ${own}` : `is ${quoted(asked)}`;
  if (allowed.length === 0)
    return tenant.runtimes === undefined
      ? `${given}, but must be absent: ${quoted(name)} has the nodes' ordinary runtime alone`
      : `${given}, but must be ${oneOf(tenant.runtimes)} for you, which ${quoted(name)} does not have: take another environment`;
  return `${given}, but must be ${oneOf(allowed)} in ${quoted(name)}`;
}

function oneOf(names: readonly string[]): string {
  return `${names.length === 1 ? "" : "one of "}${names.map(quoted).join(", ")}`;
}

function shown(given: string | undefined, value: string): string {
  return given === undefined ? `is not given, and the environment's own is "${value}"` : `is "${given}"`;
}

function smaller(one: string, other: string): string {
  return amount(one) <= amount(other) ? one : other;
}

/** What cannot be read is more than anything. */
function amount(text: string): number {
  return parseQuantity(text) ?? Infinity;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
