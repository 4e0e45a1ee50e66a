import { type BlockCause, type BlockTarget, encodeTime, escapeControls, parseTenantName, quote } from "#core";
import { explainLedgerFault } from "#ports";
import type { BlockEvent, Event, Row } from "#state";
import { type TrustStore, shortKey } from "#trust";
import { type Invocation, usageStop } from "./invocation.ts";
import type { Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";

const TARGETS_PER_ENTRY = 300; // LIMIT: of 100 bytes each, under the 65,535 bytes of an entry
const TARGET_BYTES_PER_ENTRY = 24 * 1024; // LIMIT: the same, for sets of imports
const REASON_CHARACTERS_MAX = 1_000; // LIMIT: it is shown wherever the block is

/** Reads `--reason`, without which nothing is held back. */
export function readReason(invocation: Invocation): string {
  const reason = invocation.text("reason")?.trim() ?? "";
  if (reason === "") throw usageStop("`--reason TEXT` is missing", "a block says why, for whoever reads the log");
  if (reason.length > REASON_CHARACTERS_MAX) throw usageStop(`the reason has more than ${REASON_CHARACTERS_MAX} characters`);
  return reason;
}

/** A block as an event: of now, unless told. */
export function blockEvent(
  targets: readonly BlockTarget[],
  more: { readonly reason: string; readonly cause: BlockCause } & Partial<BlockEvent>,
): Event & BlockEvent {
  return { kind: "block", at: encodeTime(Date.now()), targets, causedBy: null, run: null, order: null, ...more };
}

/** Records a block, in as many entries as its targets need. Returns the ids of its blocks, in their order. */
export async function recordBlock(
  { recorder }: Pick<Session, "recorder">,
  event: Event & BlockEvent,
): Promise<readonly string[]> {
  const about = { name: "block", digest: null };
  const parts = splitBlock(event);
  const events = parts.map((part) => ({ about, event: part }));
  const indexes = unwrap(await recorder.record(events), explainLedgerFault);
  return parts.flatMap(({ targets }, n) => targets.map((_, place) => `${indexes[n]}.${place}`));
}

/** A block as the entries that its targets need. */
export function splitBlock(event: Event & BlockEvent): readonly (Event & BlockEvent)[] {
  const { targets } = event;
  const parts: BlockTarget[][] = [[]];
  let bytes = 0;
  for (const target of targets) {
    const last = parts.at(-1) ?? [];
    bytes += target.target.length;
    if (last.length < TARGETS_PER_ENTRY && (bytes <= TARGET_BYTES_PER_ENTRY || last.length === 0)) last.push(target);
    else {
      parts.push([target]);
      bytes = target.target.length;
    }
  }
  return parts.map((part) => ({ ...event, targets: part }));
}

/** A key that the trust store knows, by the beginning of its id; any other key by its whole id. */
export function readSigner(text: string, store: TrustStore): string {
  const found = store.findKeys(text);
  const [key] = found;
  if (key !== undefined && found.length === 1) return key.keyId;
  if (found.length > 1) throw usageStop(`${found.length} keys begin with ${quote(text)}`, "give more digits");
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw usageStop(`no key here begins with ${quote(text)}`, "give at least 8 digits; `nightcore trust list` shows them");
}

/** A tenant's name, also of one that is not here yet. */
export function readTenant(text: string): string {
  const name = parseTenantName(text);
  if (!name.ok) throw usageStop(`${quote(text)} cannot name a tenant`);
  return name.value;
}

/** A target in the words of a line. */
export function nameTarget({ kind, target }: Pick<BlockTarget, "kind" | "target"> | Row): string {
  const text = escapeControls(String(target));
  if (kind === "everything") return "everything";
  if (kind === "signer") return `signer ${shortKey(text)}`;
  return kind === "digest" ? text : `${kind} ${text}`;
}
