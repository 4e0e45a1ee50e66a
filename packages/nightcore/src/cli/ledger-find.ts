import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseDigest, quote } from "#core";
import { encodeTlogProof } from "#ledger";
import { explainLedgerFault } from "#ports";
import { type EntryQuestion, EVENT_TYPES, type Event, findEntries, type Rows, VERDICTS } from "#state";
import { readProof } from "#store/tiles";
import { replaceFile } from "#store/workspace";
import { describeEvent } from "./event-words.ts";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { openView, readEntry, type View } from "./session.ts";
import { readSinceOption, readTimeOption } from "./time-option.ts";
import { unwrap } from "./unwrap.ts";

const LIMIT_DEFAULT = 50; // LIMIT: what a person reads; `--limit` asks for more
const LIMIT_MAX = 100_000; // LIMIT: rows that are held at once
const KEY_BEGINNING_MIN = 8;

type FoundEntry = { readonly index: number; readonly event: Event };

/** Finds entries by what they are about, reads them from the log itself, and writes out their proofs if asked. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, root } = invocation;
  const kind = readKind(invocation);
  const view = await openView(invocation);
  try {
    const question = readQuestion(invocation, view.rows);
    const entries = readFound(view, findEntries(view.rows, question)).filter(
      ({ event }) => kind === undefined || event.kind === kind,
    );
    const proofs = invocation.text("proofs");
    if (proofs !== undefined) writeProofs(view, entries, resolve(root, proofs));
    if (json) {
      const { size } = view.reader.published;
      terminal.print(JSON.stringify({ published: size, entries: entries.map(({ index, event }) => ({ index, ...event })) }));
    } else {
      for (const { index, event } of entries) terminal.print(describeFound(index, event));
    }
    const proved = proofs === undefined ? "" : `; entries and proofs are in ${quote(proofs)}`;
    terminal.say(`${indexesOf(entries).length} entries found${proved}`);
  } finally {
    view.close();
  }
  return EXIT.ok;
}

function describeFound(index: number, event: Event): string {
  const tenant = "tenant" in event ? `${event.tenant}  ` : "";
  const run = "run" in event ? `${event.run}  ` : "";
  return `${String(index).padStart(8)}  ${event.at}  ${event.kind.padEnd(12)}  ${tenant}${run}${describeEvent(event)}`;
}

function indexesOf(entries: readonly FoundEntry[]): readonly number[] {
  return [...new Set(entries.map(({ index }) => index))];
}

/** The entries themselves: the projection only says where to look. Each signature is checked. */
function readFound(view: View, indexes: readonly number[]): readonly FoundEntry[] {
  return indexes.flatMap((index) => readEntry(view, index).map((event) => ({ index, event })));
}

/** For each published entry its exact bytes and its tlog-proof, under the published checkpoint. */
function writeProofs({ reader }: View, entries: readonly FoundEntry[], folder: string): void {
  if (existsSync(folder)) throw usageStop("the folder of `--proofs` is there already", "name a new one");
  mkdirSync(folder, { recursive: true });
  for (const index of indexesOf(entries).filter((one) => one < reader.published.size)) {
    const path = unwrap(readProof(reader, index), explainLedgerFault);
    const [envelope] = reader.entries(index, index + 1);
    if (envelope === undefined) continue;
    replaceFile(join(folder, `${index}.json`), envelope);
    replaceFile(join(folder, `${index}.tlog-proof`), encodeTlogProof({ index, path, checkpoint: reader.checkpoint }));
  }
}

function readQuestion(invocation: Invocation, rows: Rows): EntryQuestion {
  const digest = invocation.text("digest");
  if (digest !== undefined && parseDigest(digest) === undefined) throw usageStop(`${quote(digest)} is not a SHA-256`);
  const verdict = invocation.text("verdict");
  if (verdict !== undefined && !VERDICTS.includes(verdict))
    throw usageStop(`there is no verdict ${quote(verdict)}`, `one of ${VERDICTS.join(", ")}`);
  const signer = invocation.text("signer");
  return {
    run: invocation.text("run"),
    tenant: invocation.text("tenant"),
    digest: digest === undefined ? undefined : parseDigest(digest),
    signer: signer === undefined ? undefined : findKey(rows, signer),
    verdict,
    since: readSinceOption(invocation, "since"),
    until: readTimeOption(invocation, "until"),
    limit: readLimit(invocation),
  };
}

function readLimit(invocation: Invocation): number {
  const text = invocation.text("limit") ?? String(LIMIT_DEFAULT);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) throw usageStop(`\`--limit\` ${quote(text)} is not a number from 1 to ${LIMIT_MAX}`);
  return limit;
}

function readKind(invocation: Invocation): string | undefined {
  const kind = invocation.text("kind");
  // A passage is found as its steps.
  const kinds = Object.keys(EVENT_TYPES).filter((known) => known !== "passage");
  if (kind !== undefined && !kinds.includes(kind))
    throw usageStop(`there is no kind of entry ${quote(kind)}`, `one of ${kinds.join(", ")}`);
  return kind;
}

/** The key that begins so, among those that the log knows. */
function findKey(rows: Rows, beginning: string): string {
  if (!/^[0-9a-f]+$/.test(beginning) || beginning.length < KEY_BEGINNING_MIN)
    throw usageStop(`${quote(beginning)} is no key id`, `give at least ${KEY_BEGINNING_MIN} characters of it, in hexadecimal`);
  const range = { column: "key_id", from: beginning, to: `${beginning}g` };
  const ends = (["runs", "notices"] as const).flatMap((table) =>
    [false, true].flatMap((descending) => rows.scan(table, { range, orderBy: "key_id", descending, limit: 1 })),
  );
  const keys = [...new Set(ends.map((row) => String(row["key_id"])))];
  const [only] = keys;
  if (keys.length > 1) throw usageStop(`several keys begin with ${quote(beginning)}`, "give more of it");
  return only ?? beginning;
}
