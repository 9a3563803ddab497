// The egress proxy of sandboxes with an allow list.
export { type EgressOptions, type EgressSandbox, type RefusedEgress } from "./options.js";
export { EgressProxy } from "./proxy.js";
export { parseRule, type Rule, type Rules, ruleSyntax } from "./rules.js";
