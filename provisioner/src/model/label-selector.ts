// Label selectors: `key=value`, `key==value`, `key!=value`, `key` and `!key`, separated by commas.

/** Whether labels are selected. */
export type LabelPredicate = (labels: Readonly<Record<string, string>>) => boolean;

const requirement = /^(!)?([A-Za-z0-9][A-Za-z0-9_.-]*)\s*(?:(==?|!=)\s*([A-Za-z0-9_.-]*))?$/;

/** Reads a selector; undefined if it is none. As in Kubernetes, `key!=value` selects what has no such key. */
export function parseLabelSelector(text: string): LabelPredicate | undefined {
  const predicates: LabelPredicate[] = [];
  for (const part of text.split(",").map((one) => one.trim())) {
    const found = requirement.exec(part);
    if (found === null) return undefined;
    const [, not, key = "", operator, value] = found;
    if (not !== undefined && operator !== undefined) return undefined;
    if (operator === undefined)
      predicates.push((labels) => Object.hasOwn(labels, key) === (not === undefined));
    else
      predicates.push(
        (labels) => (Object.hasOwn(labels, key) && labels[key] === value) === (operator !== "!="),
      );
  }
  return (labels) => predicates.every((holds) => holds(labels));
}
