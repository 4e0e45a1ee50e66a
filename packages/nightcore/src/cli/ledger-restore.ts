import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { encodeTime, escapeControls, isJsonObject, parseJson, parseUtf8, quote } from "#core";
import { explainEvidenceFault, parseLogKeys, verifyCheckpoint } from "#ledger";
import { explainLedgerFault } from "#ports";
import { Projection } from "#store/sqlite";
import { restoreLedger, verifyLedger } from "#store/tiles";
import { layOut, type Layout, readIfThere, replaceFile } from "#store/workspace";
import { listCompanions } from "./backup-companions.ts";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { readLogKey } from "./log-key.ts";
import { readOwnLogKeys } from "./ledger-vkey.ts";
import { crypto } from "./session.ts";
import { unwrap } from "./unwrap.ts";

const POSITION_BYTES_MAX = 64 * 1024; // LIMIT: a destination's name and a number
const NAME_CHARACTERS_MAX = 200; // LIMIT: what a person reads of it

/**
 * Puts a backup where the workspace has no ledger. It is verified whole first, and marked: it can be read and verified, and nothing
 * is appended until `ledger resume` has shown that nothing newer was signed. What around here has seen more closes it for good.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, root, positionals } = invocation;
  const [shown] = positionals;
  if (shown === undefined) throw usageStop("the folder of a backup is needed", "`nightcore ledger backup DIR` makes one");
  const from = resolve(root, shown);
  if (!existsSync(join(from, "public", "checkpoint")))
    throw usageStop(`there is no backup in ${quote(shown)}`, "`nightcore ledger backup DIR` makes one");
  const layout = layOut(root);
  const put = putCompanions(from, layout, root);
  const vkey = readLogKey(invocation) ?? (await readOwnLogKeys(root));
  const verified = await verifyLedger({
    folder: from,
    vkey,
    signatures: true,
    journal: false,
    onProgress: (checked, size) => terminal.progress(Math.min(checked, size), size, "entries"),
  });
  const [first] = verified.ok ? verified.value.problems : [verified.fault];
  if (first !== undefined)
    throw new CommandStop({ code: first.code, ...explainLedgerFault(first), exit: EXIT.verificationFailed });
  const seen = findLargestSeen(layout, vkey);
  const at = encodeTime(Date.now());
  mkdirSync(layout.own, { recursive: true });
  const {
    size,
    root: hash,
    mark,
  } = unwrap(await restoreLedger({ from, vkey, folder: layout.ledger, at, seen }), explainLedgerFault);
  putProjectionAside(layout, size);
  if (json) terminal.print(JSON.stringify({ size, root: hash, newer: mark.newer, put }));
  terminal.say(`restored ${size} entries, root ${hash}; every entry and signature was verified`);
  for (const path of put) terminal.say(`put back ${path}`);
  if (mark.newer !== null) {
    const { seenBy, size: newer } = mark.newer;
    terminal.say(`${terminal.paint("red", "not the newest")}: ${escapeControls(seenBy)} has seen ${newer} entries of this log`);
    terminal.say("it can be read and verified, and never gone on with; `nightcore init --continues` begins a new log after it");
    return EXIT.ok;
  }
  terminal.say("nothing is appended to it until `nightcore ledger resume` has shown that nothing newer was signed");
  return EXIT.ok;
}

/** Puts back the small files that go with the log where the workspace lacks them. Returns what it put. */
function putCompanions(from: string, layout: Layout, root: string): readonly string[] {
  return listCompanions(layout, join(from, "workspace", "policies")).flatMap(({ name, path }) => {
    const bytes = readIfThere(join(from, name));
    if (bytes === undefined || readIfThere(path) !== undefined) return [];
    mkdirSync(dirname(path), { recursive: true });
    replaceFile(path, bytes);
    return [relative(root, path)];
  });
}

/** It was folded from another state of the log, and is folded again from this one. What has seen more is kept, as a witness of that. */
function putProjectionAside({ state, stateBefore }: Layout, size: number): void {
  const seen = [state, stateBefore].map(countApplied);
  if (Math.max(...seen) <= size) Projection.remove(stateBefore);
  else if ((seen[0] ?? 0) > (seen[1] ?? 0)) renameSync(state, stateBefore);
  Projection.remove(state);
}

type Seen = { readonly size: number; readonly seenBy: string };

/** Who around here has seen most of this log: the projection, the destinations of forwarding, a cosigned checkpoint. */
function findLargestSeen(layout: Layout, vkey: string): Seen {
  const seen = [seenByProjection(layout), ...seenByForwarding(layout), seenByWitness(layout, vkey)];
  return seen.reduce((largest, one) => (one.size > largest.size ? one : largest), { size: 0, seenBy: "nobody" });
}

function seenByProjection({ state, stateBefore }: Layout): Seen {
  return { size: Math.max(countApplied(state), countApplied(stateBefore)), seenBy: "the projection" };
}

function countApplied(file: string): number {
  const rows = Projection.openExisting(file);
  rows?.close();
  return rows?.applied ?? 0;
}

function seenByForwarding({ forward }: Layout): readonly Seen[] {
  return listNames(forward)
    .filter((name) => name.endsWith(".json"))
    .map((file) => {
      const bytes = readIfThere(join(forward, file)) ?? new Uint8Array(0);
      const json = parseJson(bytes, POSITION_BYTES_MAX);
      const { next, destination } = json.ok && isJsonObject(json.value) ? json.value : {};
      const name = typeof destination === "string" ? destination.slice(0, NAME_CHARACTERS_MAX) : "of another form";
      return { size: typeof next === "number" ? next : 0, seenBy: `the destination ${name}` };
    });
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing is forwarded
  }
}

function seenByWitness({ witnessed }: Layout, vkey: string): Seen {
  const text = parseUtf8(readIfThere(witnessed) ?? new Uint8Array(0));
  const { ed25519 } = unwrap(parseLogKeys(crypto.sha256, vkey), explainEvidenceFault);
  const head = text.ok ? verifyCheckpoint(text.value, ed25519, crypto.verifyEd25519) : text;
  return { size: head.ok ? head.value.size : 0, seenBy: "a witness" };
}
