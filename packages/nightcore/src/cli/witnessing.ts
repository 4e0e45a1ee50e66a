import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { quote } from "#core";
import {
  encodeNote,
  explainEvidenceFault,
  type LogPolicy,
  type NoteSignature,
  parseLogPolicy,
  parseNote,
  parseSignedCheckpoint,
  parseVkey,
  verifyCheckpoint,
  verifyCosignatures,
} from "#ledger";
import { explainLedgerFault } from "#ports";
import { random, sha256, verifyEd25519 } from "#store/keys";
import { type ArchivePlace, openLedgerReader, readConsistency } from "#store/tiles";
import { type Layout, readIfThere, replaceFile } from "#store/workspace";
import { type Asked, askWitnesses, type Pauses } from "#witness";
import { usageStop } from "./invocation.ts";
import { readPublishedCheckpoint } from "./published.ts";
import { unwrap } from "./unwrap.ts";

/** Whose log is cosigned, and under which policy. A witness that is far behind is told of what has been pruned by the archive. */
export type Witnessing = {
  readonly layout: Layout;
  readonly policy: LogPolicy;
  readonly vkey: string;
  readonly archive?: ArchivePlace;
};

/** What came of asking for the published checkpoint of so many entries. */
export type Cosigned = Asked & { readonly size: number };

const PAUSES: Pauses = {
  clock: Date.now,
  random,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
};

/** Reads a policy of logs and witnesses; refuses one that names logs, and not the one of `vkey`. */
export function readLogPolicy(root: string, shown: string, vkey?: string): LogPolicy {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(resolve(root, shown));
  } catch {
    throw usageStop(`the policy ${quote(shown)} cannot be read`, "docs/formats/witness.md shows one");
  }
  const policy = unwrap(parseLogPolicy(bytes, sha256), explainEvidenceFault);
  if (vkey === undefined) return policy;
  const { publicKey } = unwrap(parseVkey(sha256, vkey), explainEvidenceFault);
  if (policy.logs.length > 0 && !policy.logs.some(({ key }) => Buffer.from(key.publicKey).equals(publicKey)))
    throw usageStop("the policy is for other logs", `add the line \`log ${vkey}\``);
  return policy;
}

type Waiting = { readonly waitMs: number; readonly graceMs: number };

const LOOKS_MAX = 3; // LIMIT: at a log that others publish and submit at the same time

/**
 * Submits the published checkpoint to every witness of the policy that has a URL, and keeps what they signed. A witness that is
 * ahead of it is ahead of the log only if nothing so long has been published here meanwhile, by another process or this one.
 */
export async function cosignPublished(witnessing: Witnessing, waiting: Waiting): Promise<Cosigned> {
  for (let look = 1; ; look++) {
    const cosigned = await cosignOnce(witnessing, waiting);
    const known = cosigned.answers.map(({ answer }) =>
      !answer.ok && answer.fault.code === "witness/ahead" ? answer.fault.size : 0,
    );
    const most = Math.max(0, ...known);
    if (most === 0 || look === LOOKS_MAX || most > publishedSize(witnessing.layout)) return cosigned;
  }
}

function publishedSize(layout: Layout): number {
  const head = parseSignedCheckpoint(readPublishedCheckpoint(layout));
  return head.ok ? head.value.size : 0;
}

async function cosignOnce({ layout, policy, vkey, archive }: Witnessing, patience: Waiting): Promise<Cosigned> {
  const key = unwrap(parseVkey(sha256, vkey), explainEvidenceFault);
  const { publicKey } = key;
  const reader = unwrap(openLedgerReader({ folder: layout.ledger, publicKey, archive }), explainLedgerFault);
  const { checkpoint, published } = reader;
  // A checkpoint that is not our own log's is never sent out under its name.
  unwrap(verifyCheckpoint(checkpoint, key, verifyEd25519), explainEvidenceFault);
  const prove = (from: number) => unwrap(readConsistency(reader, { from, to: published.size }), explainLedgerFault);
  const witnesses = policy.witnesses.flatMap(({ name, key: own, url }) => (url === undefined ? [] : [{ name, key: own, url }]));
  const { isQuorum } = policy;
  const submission = { checkpoint, size: published.size, prove, verifyEd25519 };
  const asked = await askWitnesses({ ...submission, ...patience, witnesses, isQuorum }, PAUSES);
  const lines = asked.answers.flatMap(({ answer }) => (answer.ok ? [answer.value] : []));
  if (lines.length > 0) keepCosigned({ layout, policy }, checkpoint, lines);
  return { ...asked, size: published.size };
}

/**
 * Keeps the checkpoint with its cosignatures beside the ledger: receipts are made under it where it covers them. One that has
 * the quorum is replaced only by a larger one that has it too, so that what was once witnessed can be shown.
 */
function keepCosigned({ layout, policy }: Omit<Witnessing, "vkey">, checkpoint: string, lines: readonly NoteSignature[]): void {
  const note = unwrap(parseNote(checkpoint), explainEvidenceFault);
  const before = Buffer.from(readIfThere(layout.witnessed) ?? "").toString("utf8");
  const head = parseSignedCheckpoint(before);
  const old = parseNote(before);
  const isOurs = ({ keyId }: NoteSignature) => policy.witnesses.some(({ key }) => key.id === keyId);
  const same = old.ok && old.value.text === note.text;
  // Of the same checkpoint, what others signed before still counts.
  const kept = same
    ? old.value.signatures.filter((line) => isOurs(line) && lines.every(({ keyId }) => keyId !== line.keyId))
    : [];
  const next = encodeNote({ text: note.text, signatures: [...note.signatures, ...kept, ...lines] });
  const size = (text: string) => Number(text.split("\n")[1]);
  if (head.ok && !same && isQuorumOf(policy, before) && !(isQuorumOf(policy, next) && size(next) > head.value.size)) return;
  replaceFile(layout.witnessed, next);
}

/** Whether a note carries good cosignatures of a quorum. */
export function isQuorumOf({ witnesses, isQuorum }: LogPolicy, text: string): boolean {
  const note = parseNote(text);
  if (!note.ok) return false;
  const keys = witnesses.map(({ key }) => key);
  const found = verifyCosignatures(note.value, keys, verifyEd25519);
  return found.ok && isQuorum(new Set(found.value.map(({ id }) => id)));
}
