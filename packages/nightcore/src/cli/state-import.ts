import { readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type BlockTarget, type Digest, digestOf, encodeTime, quote } from "#core";
import { explainLedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { readIfThere } from "#store/workspace";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { blockEvent, splitBlock } from "./blocking.ts";
import { openSession, type Session } from "./session.ts";
import { stopOf, unwrap } from "./unwrap.ts";
import { explainImportFault, parseV39File, type V39History } from "./v39-history.ts";

const RECORDS_PER_ENTRY = 100; // LIMIT: 100 records of at most 500 bytes stay under the 65,535 bytes of an entry

/** Takes in v39's reports and histories as what they are: somebody's files, with their digests, never as witnessed here. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals, root } = invocation;
  if (positionals.length === 0) throw usageStop("a file is needed", "see `nightcore help state import`");
  const files = positionals.map((file) => {
    const path = resolve(root, file);
    const bytes = read(path, file);
    const tail = basename(path) === "audit.jsonl" ? readIfThere(join(dirname(path), "audit.tail")) : undefined;
    const parsed = parseV39File({ name: basename(path), folder: basename(dirname(path)), bytes, tail, sha256 });
    if (!parsed.ok) throw stopOf({ ...parsed.fault, file }, explainImportFault);
    return { source: relative(root, path).slice(0, 300), bytes, ...parsed.value };
  });
  const session = await openSession(invocation, { thread: false });
  const done: { source: string; kind: string; records: number; quarantined: number; known: boolean }[] = [];
  try {
    for (const { source, bytes, kind, records, quarantined = [] } of files) {
      const sourceDigest = digestOf(sha256, bytes);
      const known = session.rows.get("imported", `${sourceDigest}/0/0`) !== undefined;
      const entries = known ? [] : encodeImport({ source, sourceDigest, kind, records });
      const held = quarantined.length === 0 ? [] : encodeBlock(quarantined, source);
      // What was in quarantine is blocked with the first of its records: whoever comes again finds both, or neither.
      for (const [n, entry] of entries.entries())
        unwrap(await session.recorder.record(n === 0 ? [...held, entry] : [entry]), explainLedgerFault);
      done.push({ source, kind, records: records.length, quarantined: quarantined.length, known });
    }
  } finally {
    await session.finish();
  }
  if (json) terminal.print(JSON.stringify({ imported: done }));
  for (const { source, kind, records, quarantined, known } of done) {
    terminal.say(
      known
        ? `${quote(source)} was imported before; nothing was added`
        : `${quote(source)}: ${records} records of a ${kind}, marked as imported`,
    );
    if (!known && quarantined > 0)
      terminal.say(`v39 had ${quarantined} of them in quarantine, and so they are here: \`nightcore quarantine list\``);
  }
  return EXIT.ok;
}

type Imported = Pick<V39History, "kind" | "records"> & { readonly source: string; readonly sourceDigest: Digest };
type Entry = Parameters<Session["recorder"]["record"]>[0][number];

function encodeImport({ source, sourceDigest, kind, records }: Imported): readonly Entry[] {
  const parts = Math.ceil(records.length / RECORDS_PER_ENTRY);
  return Array.from({ length: parts }, (_, part) => {
    const slice = records.slice(part * RECORDS_PER_ENTRY, (part + 1) * RECORDS_PER_ENTRY);
    const at = encodeTime(Date.now());
    const event = { kind: "import", at, source, sourceDigest, form: kind, part, records: slice } as const;
    return { about: { name: source, digest: sourceDigest }, event };
  });
}

function encodeBlock(targets: readonly BlockTarget[], source: string): readonly Entry[] {
  const event = blockEvent(targets, { reason: `in quarantine by v39's log ${source}`, cause: "v39" });
  return splitBlock(event).map((part) => ({ about: { name: "block", digest: null }, event: part }));
}

function read(path: string, shown: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw usageStop(`the file ${quote(shown)} cannot be read`);
  }
}
