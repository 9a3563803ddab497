// Label selectors, which may not be known yet: what cannot be told apart counts as a match.
import { at, fieldsAt, listAt, mayBe, mayExist, textAt, unknown, type Value } from "./values";

/** Whether a selector may choose pods with these labels. */
export function maySelect(selector: Value, labels: Readonly<Record<string, Value>>): boolean {
  if (selector === unknown) return true;
  const wanted = fieldsAt(selector, "matchLabels").every(
    ([key, value]) => value === unknown || mayBe(labels[key], value),
  );
  return wanted && listAt(selector, "matchExpressions").every((each) => mayHold(each, labels));
}

/** Whether a selector chooses every pod: it is there and asks for nothing. */
export function mayBeEmpty(selector: Value): boolean {
  if (selector === unknown) return true;
  return (
    mayExist(selector) &&
    fieldsAt(selector, "matchLabels").length === 0 &&
    listAt(selector, "matchExpressions").length === 0
  );
}

function mayHold(expression: Value, labels: Readonly<Record<string, Value>>): boolean {
  const key = textAt(expression, "key");
  const values = at(expression, "values");
  if (key === undefined || values === unknown) return true;
  const label = labels[key];
  const among = listAt(expression, "values").some((value) => value === unknown || mayBe(label, value));
  switch (textAt(expression, "operator")) {
    case "In":
      return among;
    case "NotIn":
      return label === unknown || !listAt(expression, "values").includes(label);
    case "Exists":
      return mayExist(label);
    case "DoesNotExist":
      return label === unknown || !mayExist(label);
    default:
      return true;
  }
}
