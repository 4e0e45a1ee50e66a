import { readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { digestOf, encodeTime, quote } from "#core";
import { explainLedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { readIfThere } from "#store/workspace";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { openSession } from "./session.ts";
import { stopOf, unwrap } from "./unwrap.ts";
import { explainImportFault, parseV39File } from "./v39-history.ts";

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
  const done: { source: string; kind: string; records: number; known: boolean }[] = [];
  try {
    for (const { source, bytes, kind, records } of files) {
      const sourceDigest = digestOf(sha256, bytes);
      const known = session.rows.get("imported", `${sourceDigest}/0/0`) !== undefined;
      for (let part = 0; part * RECORDS_PER_ENTRY < records.length && !known; part++) {
        const slice = records.slice(part * RECORDS_PER_ENTRY, (part + 1) * RECORDS_PER_ENTRY);
        const event = {
          kind: "import",
          at: encodeTime(Date.now()),
          source,
          sourceDigest,
          form: kind,
          part,
          records: slice,
        } as const;
        unwrap(await session.recorder.record([{ about: { name: source, digest: sourceDigest }, event }]), explainLedgerFault);
      }
      done.push({ source, kind, records: records.length, known });
    }
  } finally {
    await session.finish();
  }
  if (json) terminal.print(JSON.stringify({ imported: done }));
  for (const { source, kind, records, known } of done) {
    terminal.say(
      known
        ? `${quote(source)} was imported before; nothing was added`
        : `${quote(source)}: ${records} records of a ${kind}, marked as imported`,
    );
  }
  return EXIT.ok;
}

function read(path: string, shown: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw usageStop(`the file ${quote(shown)} cannot be read`);
  }
}
