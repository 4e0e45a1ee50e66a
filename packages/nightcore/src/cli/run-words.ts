import { escapeControls } from "#core";
import type { RunRecord, RunStatus } from "#worker";
import { sayAssessment } from "./assessment-words.ts";
import { EXIT } from "./invocation.ts";
import type { Colour, Terminal } from "./terminal.ts";

const COLOURS: Readonly<Record<RunStatus, Colour>> = {
  ran: "green",
  verified: "green",
  failed: "red",
  denied: "red",
  quarantined: "red",
  held: "yellow",
};

const EXITS: Readonly<Record<RunStatus, number>> = {
  ran: EXIT.ok,
  verified: EXIT.ok,
  failed: EXIT.runFailed,
  denied: EXIT.denied,
  held: EXIT.denied,
  quarantined: EXIT.denied,
};

/** The exit code of a whole command: the greatest of its runs'. */
export function exitOfRuns(records: readonly RunRecord[]): number {
  return Math.max(EXIT.ok, ...records.map(({ status }) => EXITS[status]));
}

/** One line for a run, and one for each reason. */
export function sayRecord(terminal: Terminal, record: RunRecord): void {
  const { status, tenant, usage, budgets, fault, exitCode, signature } = record;
  const used =
    usage === undefined ? "" : `  ${usage.wallMs.toFixed(0)} ms, fuel ${count(usage.fuel)} of ${count(budgets?.fuel ?? 0)}`;
  const signer = signature.trusted ? `signed by ${signature.keyName}` : "signature not trusted";
  const exit = status === "failed" && fault === undefined ? `  exit code ${exitCode}` : "";
  const results = record.results.length > 0 ? `  = ${record.results.join(", ")}` : "";
  terminal.say(
    `${terminal.paint(COLOURS[status], status.padEnd(11))} ${escapeControls(tenant)}  ${terminal.paint("dim", `${signer}${used}`)}${exit}${results}`,
  );
  const reasons = fault === undefined ? record.reasons : [fault];
  for (const { code, message, hint } of reasons) {
    terminal.say(`            ${message} ${terminal.paint("dim", `[${code}]`)}`);
    if (hint !== undefined) terminal.say(`            ${terminal.paint("blue", "hint")}: ${hint}`);
  }
  sayAssessment(terminal, record.assessment);
  if (record.breakGlass !== undefined) {
    const { person, comment } = record.breakGlass;
    terminal.say(`            ${terminal.paint("red", "BREAK-GLASS")} by ${escapeControls(person)}: ${escapeControls(comment)}`);
  }
  const tree = record.outputTree;
  if (tree !== undefined)
    terminal.say(`            it left ${tree.files} files, ${count(tree.bytes)} bytes: nightcore output ${record.run}`);
  for (const path of record.deniedPaths) terminal.say(`            it asked for ${escapeControls(path)}, which is not granted`);
  if (record.sandboxUnseen) {
    const how = "`fs:read` in the manifest, or `--allow fs:read` for one run, shows it its sandbox folder";
    terminal.say(`            ${terminal.paint("blue", "hint")}: ${how}`);
  }
}

const LINES_MAX = 20; // LIMIT: of each stream, in a list of many tenants; the blobs have all of it
const LINE_CHARACTERS_MAX = 160; // LIMIT: two lines of a terminal

/** What the guest printed, line by line behind its tenant's name, harmless on any terminal. */
export function sayOutput(terminal: Terminal, { tenant, stdout, stderr }: RunRecord): void {
  for (const bytes of [stdout, stderr]) {
    if (bytes.length === 0) continue;
    const lines = Buffer.from(bytes).toString("utf8").replace(/\n$/, "").split("\n");
    for (const line of lines.slice(0, LINES_MAX)) {
      const shown = line.length > LINE_CHARACTERS_MAX ? `${line.slice(0, LINE_CHARACTERS_MAX)}…` : line;
      terminal.say(`            ${terminal.paint("dim", `${escapeControls(tenant)} │`)} ${escapeControls(shown)}`);
    }
    if (lines.length > LINES_MAX) terminal.say(`            … ${lines.length - LINES_MAX} more lines`);
  }
}

/** One line: how many tenants ended in which status, and how long all of it took. */
export function sayTotals(terminal: Terminal, records: readonly RunRecord[], wholeMs: number): void {
  const counts = new Map<string, number>();
  for (const { status } of records) counts.set(status, (counts.get(status) ?? 0) + 1);
  const words = [...counts].map(([status, n]) => `${n} ${status}`).join(", ");
  terminal.say(`${terminal.paint("bold", `${records.length} tenants`)}: ${words || "none"}  in ${(wholeMs / 1000).toFixed(2)} s`);
}

/** A whole number in groups of three. By hand, since Intl costs a cold command 30 ms. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, " ");
}
