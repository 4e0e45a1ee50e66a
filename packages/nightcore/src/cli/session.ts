import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnvelope, parseStatement, verifyEnvelope } from "#attest";
import {
  type AcknowledgementLevel,
  type Digest,
  digestOf,
  encodeTime,
  fail,
  type Json,
  ok,
  type Result,
  type VerifierCrypto,
} from "#core";
import { encodeVkey, explainEvidenceFault, makeLogKey } from "#ledger";
import { explainLedgerFault, type LedgerFault, type LedgerReader, type LedgerWriter } from "#ports";
import { type Event, evolve, readEvent, readLatestTime, type RestorationEvent, stepsOf } from "#state";
import { publicKeyOf, readPublicKey, sha256, verifyEd25519, verifyMlDsa44 } from "#store/keys";
import { Projection } from "#store/sqlite";
import { type ArchivePlace, LedgerDamage, openLedgerReader, openLedgerWriter, type TilesReader } from "#store/tiles";
import {
  type Configuration,
  explainConfigurationFault,
  layOut,
  type Layout,
  readConfiguration,
  readIfThere,
  replaceFile,
} from "#store/workspace";
import { explainTrustFault, TrustStore, type TrustStoreFault } from "#trust";
import { Recorder, Timeline } from "#worker";
import { recordOrders } from "./kill-orders.ts";
import type { Invocation } from "./invocation.ts";
import { KEY_HINT, keyOrStop, readNodePrivateKeys } from "./node-keys.ts";
import { recordOpening, type WorkspaceRepairs } from "./recovery.ts";
import { shownAs, unwrap } from "./unwrap.ts";
import { settleVault } from "./vaulting.ts";

/** POWER: Node's hash and signature check, handed to the law from here. */
export const crypto: VerifierCrypto = { sha256, verifyEd25519, verifyMlDsa44 };
/** A workspace opened for looking: configuration, and the projection brought up to the end of the log. */
export type View = {
  readonly layout: Layout;
  readonly configuration: Configuration;
  readonly publicKey: Uint8Array;
  readonly reader: TilesReader;
  readonly rows: Projection;
  close(): void;
};

/** A workspace opened for writing: the ledger is locked, recovered, and everything done goes through `recorder`. */
export type Session = Omit<View, "reader" | "close"> & {
  readonly ledger: LedgerWriter;
  readonly recorder: Recorder;
  /** The time that entries are recorded with. */
  readonly timeline: Timeline;
  readonly store: TrustStore;
  readonly trustStore: Digest;
  /** The level that was asked for, and the least that anything recorded so far was acknowledged at. */
  acknowledged(): { readonly asked: AcknowledgementLevel; readonly reached: AcknowledgementLevel };
  /** Publishes the log, writes the projection out and releases the lock. Returns the checkpoint. */
  finish(): Promise<string>;
};

/** The layout and the checked configuration of a workspace. */
export async function openConfiguration({ root }: Pick<Invocation, "root">) {
  const layout = layOut(root);
  const configuration = unwrap(shownAs("nightcore.toml", await readConfiguration(layout.config)), explainConfigurationFault);
  return { layout, configuration };
}

/** The public half of the node's key: all that looking at a workspace needs. */
export function readNodePublicKey(layout: Layout): Uint8Array {
  return keyOrStop(".nightcore/node.pub", readPublicKey(layout.nodePublicKey), KEY_HINT);
}

/** The verifier key of the workspace's log, as others need it. */
export function logKeyOf({ configuration, publicKey }: Pick<View, "configuration" | "publicKey">): string {
  return encodeVkey(unwrap(makeLogKey(sha256, configuration.origin, publicKey), explainEvidenceFault));
}

/** Where the archive of a workspace's log is looked for. */
export function archiveOf({ layout, configuration }: Pick<View, "layout" | "configuration">): ArchivePlace {
  const { logArchive } = configuration.retention;
  return { base: layout.root, folder: logArchive === "" ? undefined : resolve(layout.root, logArchive) };
}

/** Opens a workspace's log to read from it, with the archive of what was pruned. */
export function openReader(files: Pick<View, "layout" | "configuration" | "publicKey">): TilesReader {
  const { layout, publicKey } = files;
  return unwrap(openLedgerReader({ folder: layout.ledger, publicKey, archive: archiveOf(files) }), explainLedgerFault);
}

/** Opens a workspace to read from it, also while another process writes. */
export async function openView(invocation: Invocation): Promise<View> {
  const files = await openConfiguration(invocation);
  const { layout } = files;
  const publicKey = readNodePublicKey(layout);
  // The projection first: a writer beside us records before it folds, so the log read after it is never the shorter one.
  const rows = openProjection(layout, invocation);
  const reader = openReader({ ...files, publicKey });
  unwrap(catchUp(rows, reader, publicKey), explainLedgerFault);
  return {
    ...files,
    publicKey,
    reader,
    rows,
    close() {
      rows.close();
      reader.close();
    },
  };
}

/** How to open a session: with the writer in a thread of its own, and, for `init` alone, with a ledger that does not exist yet. */
export type SessionOptions = {
  readonly thread: boolean;
  /** Where the caller needed them before. */
  readonly files?: Pick<View, "layout" | "configuration">;
  readonly create?: boolean;
  /** How long to wait for whoever has the ledger's lock. */
  readonly lockWaitMs?: number;
  /** The ledger's derived files are repaired while it is opened, and recorded together with what was repaired beside it. */
  readonly repairs?: WorkspaceRepairs;
  /** What is done once the ledger is locked and sound, before the projection is opened. */
  readonly prepare?: () => void;
  /** Goes on with a restored ledger: this is its first entry after the backup, and once it is durable the mark goes. */
  readonly resuming?: RestorationEvent;
};

/** Opens a workspace to change it. `thread`: the writer runs beside the main thread, for commands with much to record. */
export async function openSession(invocation: Invocation, options: SessionOptions): Promise<Session> {
  const { repairs, prepare, resuming } = options;
  const { layout, configuration } = options.files ?? (await openConfiguration(invocation));
  const { key, mlDsaKey } = readNodePrivateKeys({ layout, configuration });
  const publicKey = publicKeyOf(key);
  const ledger = unwrap(await openOwnLedger({ layout, configuration, key, mlDsaKey }, options), explainLedgerFault);
  try {
    prepare?.();
    const rows = openProjection(layout, invocation);
    // A projection that is at the end of the log spares a second look at the journal.
    if (rows.applied !== ledger.openedSize) {
      const reader = openReader({ layout, configuration, publicKey });
      unwrap(catchUp(rows, reader, publicKey), explainLedgerFault);
      reader.close();
    }
    const timeline = new Timeline(Date.now, readLatestTime(rows));
    await recordOpening({ ledger, rows, layout, timeline }, { repairs, resuming }, invocation);
    const files = { layout, configuration, publicKey };
    const writer = await openWriter({ ...files, ledger, recorder: () => recorder }, invocation);
    const recorder: Recorder = new Recorder({ ledger: writer, rows, sha256, timeline }, rows.applied);
    const { store, digest } = unwrap(loadTrustStore(layout, rows), explainTrustFault);
    const session: Session = {
      ...files,
      rows,
      ledger: writer,
      recorder,
      timeline,
      acknowledged: () => ({
        asked: configuration.acknowledgement.level,
        reached: "reached" in writer ? writer.reached : "durable",
      }),
      store,
      trustStore: digest,
      async finish() {
        settleVault(session);
        // Everything recorded is durable already, so the projection is written out while the log is published.
        const closing = ledger.close();
        // It is derived: what another process has folded meanwhile is as good as ours.
        rows.commit(recorder.applied);
        rows.close();
        return unwrap(await closing, explainLedgerFault);
      },
    };
    // What was ordered while nobody wrote, and what a process that died has blocked and not yet moved.
    await recordOrders(session);
    settleVault(session);
    return session;
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

/** The writer that the session's entries go through; only a workspace that asks for more than `durable` loads what waits. */
async function openWriter(
  opened: Pick<View, "layout" | "configuration" | "publicKey"> & { ledger: LedgerWriter; recorder: () => Recorder },
  invocation: Invocation,
): Promise<LedgerWriter & { readonly reached?: AcknowledgementLevel }> {
  if (opened.configuration.acknowledgement.level === "durable") return opened.ledger;
  const { openAcknowledgingWriter } = await import("./acknowledgement.ts");
  return openAcknowledgingWriter(opened, invocation);
}

type OwnLedger = Pick<Session, "layout" | "configuration"> & ReturnType<typeof readNodePrivateKeys>;

/** The ledger to write. One that is gone is a rollback to nothing; only `init` begins one. */
function openOwnLedger(
  { layout, configuration, key, mlDsaKey }: OwnLedger,
  options: SessionOptions,
): Promise<Result<LedgerWriter, LedgerFault>> {
  const { thread, create = false, lockWaitMs, repairs, resuming } = options;
  return openLedgerWriter({
    folder: layout.ledger,
    origin: configuration.origin,
    key,
    mlDsaKey,
    thread,
    create,
    witnessed: readIfThere(layout.witnessed),
    repair: repairs !== undefined,
    newest: resuming !== undefined,
    archive: archiveOf({ layout, configuration }),
    ...(lockWaitMs === undefined ? {} : { lockWaitMs }),
  });
}

function openProjection(layout: Layout, { terminal }: Invocation): Projection {
  const { projection, rebuilt } = Projection.open(layout.state);
  if (rebuilt) terminal.say("the projection could not be used and is folded again from the log");
  return projection;
}

const FOLD_BATCH = 10_000; // LIMIT: rows held in memory between two commits

/** Folds what the projection lacks. Every entry's signature is checked; the log's own key made all of them. */
function catchUp(rows: Projection, reader: LedgerReader, publicKey: Uint8Array): Result<undefined, LedgerFault> {
  const ahead: LedgerFault = {
    code: "ledger/rollback",
    where: "state.db",
    detail: `the projection contains ${rows.applied} entries and the log has ${reader.size}`,
  };
  return rows.applied > reader.size ? fail(ahead) : foldUpTo(reader.size, { rows, reader, publicKey });
}

/** What a fold works on. */
type Folding = { readonly rows: Projection; readonly reader: LedgerReader; readonly publicKey: Uint8Array };

/** Folds the entries from where the rows are up to `end`. Every entry's signature is checked. */
export function foldUpTo(end: number, { rows, reader, publicKey }: Folding): Result<undefined, LedgerFault> {
  while (rows.applied < end) {
    const from = rows.applied;
    const to = Math.min(from + FOLD_BATCH, end);
    let index = from;
    try {
      for (const entry of reader.entries(from, to)) {
        const fault = foldEntry(rows, { entry, index, publicKey });
        if (fault !== undefined) return fail(fault);
        index++;
      }
    } catch (error) {
      if (error instanceof LedgerDamage) return fail(error.fault);
      throw error;
    }
    rows.commit(index);
  }
  return ok(undefined);
}

function foldEntry(
  rows: Projection,
  { entry, index, publicKey }: { readonly entry: Uint8Array; readonly index: number; readonly publicKey: Uint8Array },
): LedgerFault | undefined {
  const event = openEntry(entry, index, publicKey);
  if (!event.ok) return event.fault;
  if (event.value !== undefined) evolve(rows, event.value, { index });
  return undefined;
}

/** An entry's event, its signature checked; undefined for a kind that this version does not know. */
export function openEntry(entry: Uint8Array, index: number, publicKey: Uint8Array): Result<Event | undefined, LedgerFault> {
  const bad = (detail: string) => fail<LedgerFault>({ code: "ledger/corrupt-frame", where: `entry ${index}`, detail });
  const envelope = parseEnvelope(entry);
  if (!envelope.ok) return bad(envelope.fault.code);
  const payload = verifyEnvelope(envelope.value, publicKey, verifyEd25519);
  if (!payload.ok) return bad(payload.fault.code);
  const statement = parseStatement(payload.value);
  if (!statement.ok) return bad(statement.fault.code);
  return ok(readEvent(statement.value.predicateType, statement.value.predicate));
}

/** The events of one entry: the steps of a passage, else one, and none where this version does not know it. */
export function readEntry({ reader, publicKey }: Pick<View, "reader" | "publicKey">, index: number): readonly Event[] {
  return unwrap(readEntries(reader, { from: index, to: index + 1, publicKey }), explainLedgerFault);
}

/**
 * Events of the log itself, from the log's own entries, a passage as its steps. Every signature is checked; what this version
 * does not know is left out.
 */
export function readEntries(
  reader: LedgerReader,
  { from, to, publicKey }: { readonly from: number; readonly to: number; readonly publicKey: Uint8Array },
): Result<readonly Event[], LedgerFault> {
  const events: Event[] = [];
  let index = from;
  try {
    for (const entry of reader.entries(from, to)) {
      const event = openEntry(entry, index++, publicKey);
      if (!event.ok) return event;
      if (event.value !== undefined) events.push(...stepsOf(event.value));
    }
  } catch (error) {
    if (error instanceof LedgerDamage) return fail(error.fault);
    throw error;
  }
  return ok(events);
}

/** Reads the trust store that the log recorded last, and no other. Finishes a change that was recorded and not yet renamed. */
function loadTrustStore(layout: Layout, rows: Projection): Result<{ store: TrustStore; digest: Digest }, TrustStoreFault> {
  const recorded = rows.get("trust", "store")?.["digest"] ?? digestOf(sha256, TrustStore.empty.encode());
  let bytes = readIfThere(layout.trustStore) ?? TrustStore.empty.encode();
  if (digestOf(sha256, bytes) !== recorded) {
    const next = readIfThere(`${layout.trustStore}.next`);
    if (next === undefined || digestOf(sha256, next) !== recorded) {
      return fail({ code: "trust/store-not-recorded", found: digestOf(sha256, bytes), recorded: String(recorded) });
    }
    replaceFile(layout.trustStore, next);
    rmSync(`${layout.trustStore}.next`, { force: true });
    bytes = next;
  }
  const store = TrustStore.parse(bytes, crypto);
  return store.ok ? ok({ store: store.value, digest: recorded as Digest }) : fail(store.fault);
}

/** For commands that only look: the recorded trust store with its digest, or the fault that it is not. */
export function viewTrust({ layout, rows }: View): Pick<Session, "store" | "trustStore"> {
  const { store, digest } = unwrap(loadTrustStore(layout, rows), explainTrustFault);
  return { store, trustStore: digest };
}

/** The same without its digest. */
export function viewTrustStore(view: View): TrustStore {
  return viewTrust(view).store;
}

/**
 * Makes a change of the trust store count: the new bytes are put aside, the log records their digest, the file is replaced.
 * Dying in between leaves either the old store and no record, or a record whose bytes lie beside it.
 */
export async function changeTrust(
  session: Session,
  store: TrustStore,
  change: { readonly change: "key-trusted" | "key-revoked"; readonly record: unknown },
): Promise<void> {
  const { layout, recorder, timeline } = session;
  const bytes = store.encode();
  const digest = digestOf(sha256, bytes);
  replaceFile(`${layout.trustStore}.next`, bytes);
  const event = {
    kind: "trust",
    at: encodeTime(timeline.now()),
    change: change.change,
    record: JSON.parse(JSON.stringify(change.record)) as Json,
    store: digest,
  } as const;
  unwrap(await recorder.record([{ about: { name: "trust/store.json", digest }, event }]), explainLedgerFault);
  replaceFile(layout.trustStore, bytes);
  // Nothing is left beside it: a store that is edited later is refused, not mended.
  rmSync(`${layout.trustStore}.next`, { force: true });
}
