// One comment for all stacks of a project, never longer than GitHub takes. Where not all fits, the grave things are kept, and
// it says what was left out; counts are always of everything.
import { isDestructive, operations, type Change, type Operation } from "./changes.js";
import { changeLine, countsText, fieldLine, shortError, violationLine } from "./lines.js";
import { code, codeBlock, plain, visible } from "./markdown.js";
import type { Violation } from "./policy-results.js";
import type { Redactor } from "./redactor.js";
import { hasFailed, type StackReport } from "./report.js";
import { shorten } from "./values.js";

/** In characters. GitHub refuses comments of more than 65,536. */
export const longestComment = 64_000;

/** More fields than these of one resource are only counted. */
const mostFields = 20;

/** So many violations of a stack come before its changes; the others come last. */
const mostWeightyViolations = 10;

/** Room kept in each stack for the line about what was left out. */
const leftOutRoom = 500;

/** Room that headers of stacks may take at most. */
const headersRoom = 40_000;

/** How many stacks that were not previewed are named, and how long a reason may be. */
const mostOmitted = 20;
const longestReason = 200;

/** What the comment is about. */
export interface Subject {
  /** The project: it has one comment in each pull request. */
  readonly project: string;
  /** The commit that was previewed. */
  readonly commit?: string;
  /** Stacks that were not previewed. */
  readonly omitted?: readonly Omission[];
}

/** A stack that was not previewed, and why. */
export interface Omission {
  readonly stack: string;
  readonly reason: string;
}

/** The first line of the project's comment, which GitHub does not show: the comment is found again by it. */
export function marker(project: string): string {
  return `<!-- sandlot-preview: ${plain(project)} -->`;
}

/** Lets pieces in as long as there is room; after the first that finds none, nothing more, so that order is kept. */
class Room {
  constructor(private left: number) {}

  take(text: string): boolean {
    const fits = text.length < this.left;
    this.left = fits ? this.left - text.length - 1 : 0;
    return fits;
  }
}

/** The line about fields that are not shown, if there are any. */
function moreFields(count: number): string[] {
  return count === 0 ? [] : [`  - … and ${count} more ${count === 1 ? "field" : "fields"}`];
}

/** A change's lines, as far as they found room. */
class Entry {
  private head: string | undefined;
  private readonly fields: string[] = [];

  constructor(
    readonly change: Change,
    private readonly redactor: Redactor,
  ) {}

  takeHead(room: Room): void {
    const head = changeLine(this.change, this.redactor);
    const kept = moreFields(this.change.fields.length).join("\n");
    if (room.take(head) && room.take(kept)) this.head = head;
  }

  takeFields(room: Room): void {
    if (this.head === undefined) return;
    for (const field of this.change.fields.slice(0, mostFields)) {
      const line = fieldLine(field, this.redactor);
      if (!room.take(line)) return;
      this.fields.push(line);
    }
  }

  get isLeftOut(): boolean {
    return this.head === undefined;
  }

  lines(): string[] {
    if (this.head === undefined) return [];
    return [this.head, ...this.fields, ...moreFields(this.change.fields.length - this.fields.length)];
  }
}

/** What is said of a stack inside its `<details>`. */
class StackBody {
  readonly entries: readonly Entry[];
  private error: string | undefined;
  private readonly violations: { readonly mandatory: boolean; readonly line: string }[] = [];

  constructor(
    private readonly report: StackReport,
    private readonly redactor: Redactor,
  ) {
    this.entries = report.changes.map((change) => new Entry(change, redactor));
  }

  takeError(room: Room): void {
    if (this.report.error === undefined) return;
    const block = codeBlock(shortError(this.report.error, this.redactor));
    if (room.take(block)) this.error = block;
  }

  /** The violations that count as much as what is deleted: a few of those that stop the update. */
  firstViolations(): ((room: Room) => void)[] {
    return this.report.policies.violations.slice(0, this.weighty).map((each) => this.takeViolation(each));
  }

  otherViolations(): ((room: Room) => void)[] {
    return this.report.policies.violations.slice(this.weighty).map((each) => this.takeViolation(each));
  }

  private get weighty(): number {
    const mandatory = this.report.policies.violations.filter((each) => each.mandatory).length;
    return Math.min(mandatory, mostWeightyViolations);
  }

  private takeViolation(violation: Violation): (room: Room) => void {
    return (room) => {
      const line = violationLine(violation, this.redactor);
      if (room.take(line)) this.violations.push({ mandatory: violation.mandatory, line });
    };
  }

  text(): string {
    const section = (title: string, lines: readonly string[]): string[] =>
      lines.length === 0 ? [] : [`**${title}**`, "", ...lines, ""];
    const violationsOf = (mandatory: boolean): string[] =>
      this.violations.flatMap((each) => (each.mandatory === mandatory ? [each.line] : []));
    const linesOf = (grave: boolean): string[] =>
      this.entries.flatMap((entry) => (isDestructive(entry.change.operation) === grave ? entry.lines() : []));
    return [
      `<details><summary>${headline(this.report)}</summary>`,
      "",
      ...section(titles.error, this.error === undefined ? [] : [this.error]),
      ...section(titles.grave, linesOf(true)),
      ...section(titles.mandatory, violationsOf(true)),
      ...section(titles.others, linesOf(false)),
      ...section(titles.advisory, violationsOf(false)),
      ...this.leftOut(),
      "</details>",
    ].join("\n");
  }

  private leftOut(): string[] {
    const { report, violations } = this;
    const counts = new Map<Operation, number>();
    for (const { change, isLeftOut } of this.entries)
      if (isLeftOut) counts.set(change.operation, (counts.get(change.operation) ?? 0) + 1);
    const missing = report.policies.violations.length - violations.length;
    const parts = [
      ...(report.error !== undefined && this.error === undefined ? ["the error"] : []),
      ...(missing === 0 ? [] : [`${missing} policy violations`]),
      ...(counts.size === 0 ? [] : [countsText(counts)]),
    ];
    if (parts.length === 0) return [];
    const command = code(`make preview STACK=${plain(report.stack)}`);
    return [
      `_Left out for length: ${parts.join("; ")}. The counts above are of everything; ${command} shows it._`,
      "",
    ];
  }
}

const titles = {
  error: "The preview failed",
  grave: "Replaced or deleted",
  mandatory: "Policies broken",
  others: "Other changes",
  advisory: "Advice of policies",
} as const;

/** What GitHub shows of a stack before it is unfolded. HTML: nothing in it is from outside but the name. */
function headline(report: StackReport): string {
  const { stack, counts, isNew, error, policies, changes } = report;
  const mark = hasFailed(report) ? "❌ " : changes.some((each) => isDestructive(each.operation)) ? "⚠️ " : "";
  const counted = countsText(counts);
  const parts = [
    ...(error === undefined ? [] : ["the preview failed"]),
    ...(counted === "" ? [] : [error === undefined ? counted : `until then ${counted}`]),
    ...(isNew ? ["a new stack: there is no state of it"] : []),
    policiesText(policies),
  ];
  return `${mark}<b>${plain(stack)}</b>: ${parts.filter((part) => part !== "").join("; ")}`;
}

function policiesText({ policies, violations }: StackReport["policies"]): string {
  if (policies === 0) return "";
  if (violations.length === 0) return `${policies} policies hold`;
  const mandatory = violations.filter((each) => each.mandatory).length;
  return `policies broken: ${mandatory} mandatory, ${violations.length - mandatory} advisory`;
}

/** Whether nothing is to be said of a stack beyond a line. */
function isUnchanged(report: StackReport): boolean {
  return !hasFailed(report) && report.changes.length === 0 && report.policies.violations.length === 0;
}

function unchangedLine(report: StackReport): string {
  return `<b>${plain(report.stack)}</b>: no changes; ${countsText(report.counts)}; ${policiesText(report.policies)}`.replace(
    /; (?=;|$)/g,
    "",
  );
}

/** The comment, in GitHub's Markdown. */
export function comment(reports: readonly StackReport[], redactor: Redactor, subject: Subject): string {
  const { project, commit, omitted = [] } = subject;
  const at = commit === undefined ? "" : ` at commit ${code(plain(commit).slice(0, 12))}`;
  const top = [
    marker(project),
    `## Preview of ${plain(project)}`,
    "",
    `What an update would change${at}.`,
    "",
  ];
  const bottom = omitted
    .slice(0, mostOmitted)
    .flatMap(({ stack, reason }) => [
      `<b>${plain(stack)}</b>: not previewed: ${code(shorten(visible(reason), longestReason))}`,
      "",
    ]);
  const parts: (StackBody | string)[] = [];
  let used = top.join("\n").length + bottom.join("\n").length;
  for (const report of reports) {
    const part = isUnchanged(report) ? unchangedLine(report) : new StackBody(report, redactor);
    const size = (typeof part === "string" ? part.length : emptySize(report)) + 2;
    if (used + size > headersRoom) break;
    used += size;
    parts.push(part);
  }
  const rest = reports.slice(parts.length);
  const tail =
    rest.length === 0 ? [] : [`${rest.length} more stacks; failed: ${rest.filter(hasFailed).length}.`, ""];
  const room = new Room(longestComment - used - 100);
  fill(
    parts.filter((part) => typeof part !== "string"),
    room,
  );
  const texts = parts.flatMap((part) => [typeof part === "string" ? part : part.text(), ""]);
  return [...top, ...texts, ...tail, ...bottom].join("\n");
}

/** A stack's size without what is offered room, but with every title. */
function emptySize(report: StackReport): number {
  const frame = "<details><summary></summary>\n\n</details>\n".length;
  const all = Object.values(titles).reduce((size, title) => size + title.length + "****\n\n\n".length, 0);
  return frame + headline(report).length + all + leftOutRoom;
}

/** Offers room in order of weight; the stacks take turns, so that none crowds out another. */
function fill(bodies: readonly StackBody[], room: Room): void {
  for (const body of bodies) body.takeError(room);
  inTurn(
    bodies.map((body) => body.firstViolations()),
    (take) => {
      take(room);
    },
  );
  for (const operation of operations) {
    const entries = bodies.map((body) => body.entries.filter(({ change }) => change.operation === operation));
    inTurn(entries, (entry) => {
      entry.takeHead(room);
    });
    inTurn(entries, (entry) => {
      entry.takeFields(room);
    });
  }
  inTurn(
    bodies.map((body) => body.otherViolations()),
    (take) => {
      take(room);
    },
  );
}

/** The first of each list, then the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[], take: (each: T) => void): void {
  const most = Math.max(0, ...lists.map((list) => list.length));
  for (let index = 0; index < most; index++) {
    for (const list of lists) {
      const each = list[index];
      if (each !== undefined) take(each);
    }
  }
}
