import { escapeControls, quote } from "#core";
import type { PolicyBundle } from "#guardian";
import { readPolicyVersion, type PolicyVersionRow } from "#state";
import { createTwoFilesPatch } from "diff";
import { CommandStop, EXIT, usageStop } from "./invocation.ts";
import { openPolicies, readVersion } from "./policy-store.ts";
import type { View } from "./session.ts";
import type { Terminal } from "./terminal.ts";

type Files = Readonly<Record<string, string>>;
type Looked = Pick<View, "layout" | "rows">;

/** "3 files, 7 policies". */
export function describeBundle({ files, policies }: PolicyBundle): string {
  return `${Object.keys(files).length} files, ${policies.length} Cedar policies`;
}

/** The files of the version in force; none where nothing is in force or it cannot be read. */
export function filesInForce({ layout, rows }: Looked): Files {
  return openPolicies(layout, rows).bundle?.files ?? {};
}

/** The version that a person named by its number. */
export function findVersion(rows: Looked["rows"], text: string | undefined): PolicyVersionRow {
  if (text === undefined || !/^\d{1,9}$/.test(text)) throw usageStop("the number of a version is needed", LIST_HINT);
  const version = readPolicyVersion(rows, Number(text));
  if (version === undefined) throw usageStop(`there is no version ${Number(text)} of the policies`, LIST_HINT);
  return version;
}

const LIST_HINT = "`nightcore policy history` lists them";

/** What a version consists of, or the end of the command. */
export function openVersion({ layout }: Pick<Looked, "layout">, { version }: Pick<PolicyVersionRow, "version">): PolicyBundle {
  const read = readVersion(layout, version);
  if (read.ok) return read.value;
  const { code, message, hint } = read.fault;
  throw new CommandStop({ code, message, hint, exit: EXIT.environment });
}

/** The differing files as one unified diff; empty when nothing differs. Control characters are shown, not sent. */
export function diffFiles(before: Files, after: Files): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  const patches = names.map((name) => {
    const [from, to] = [before[name], after[name]];
    if (from === to) return "";
    return createTwoFilesPatch(
      from === undefined ? "/dev/null" : `a/${name}`,
      to === undefined ? "/dev/null" : `b/${name}`,
      from ?? "",
      to ?? "",
    );
  });
  return escapeLines(patches.join(""));
}

/** A text of several lines as a terminal may show it: tabs and line ends stay, every other control character is shown. */
export function escapeLines(text: string): string {
  return text
    .split(/([\n\t])/)
    .map((part) => (part === "\n" || part === "\t" ? part : escapeControls(part)))
    .join("");
}

/** Says a unified diff to a person, in the colours that they know. */
export function sayDiff(terminal: Terminal, diff: string): void {
  for (const line of diff.split("\n")) {
    const colour = line.startsWith("+") ? "green" : line.startsWith("-") ? "red" : line.startsWith("@") ? "blue" : undefined;
    if (line !== "" && !line.startsWith("=====")) terminal.say(colour === undefined ? line : terminal.paint(colour, line));
  }
}

/** A version in a line. */
export function describeVersion({ number, state, comment, rollbackOf }: PolicyVersionRow): string {
  const back = rollbackOf === undefined ? "" : `, the content of version ${rollbackOf}`;
  return `version ${number} (${state}${back}): ${quote(comment)}`;
}
