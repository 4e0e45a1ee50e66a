import { type Bytes, digestOf, fail, ok, type Result, type SignEd25519, type SignMlDsa44, utf8 } from "#core";
import { type EntrySigner, envelopeBytes, writeEnvelope } from "#attest";
import {
  addMlDsaSignature,
  encodeEntries,
  ENTRY_BYTES_MAX,
  type GrowingTiles,
  type LogKey,
  signCheckpoint,
  TILE_WIDTH,
  type TileContent,
  tilePath,
  type TreeHash,
} from "#ledger";
import type { LedgerFault } from "#ports";
import { sha256 } from "#store/keys";
import { faultOfError, ledgerFault } from "./file-layer.ts";
import { draftFrame, type FrameDraft } from "./frame.ts";
import type { Journal } from "./journal.ts";
import { outgrownPartials } from "./outgrown.ts";
import type { DerivedFile, DerivedWriter } from "./public-folder.ts";

/** Where the entries of one request went, and the checkpoint that covers them. */
export type Committed = { readonly first: number; readonly count: number; readonly checkpoint: string };
/** The answer to one request of a batch. */
export type CommitAnswer = Result<Committed, LedgerFault>;

/** LIMIT: entries not yet published are held in memory; beyond this they are published, beside the batches that come. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** LIMIT: beyond this the next batch has to wait for a publication. */
const WAITING_BYTES_MAX = 4 * PENDING_BYTES_MAX;
/** LIMIT: one request becomes one frame; its segment is made to measure. */
const REQUEST_BYTES_MAX = 64 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** The second key of a log's checkpoints. It signs what is published: an append is not held up for the time that it takes. */
export type SecondSigner = { readonly key: LogKey; readonly sign: SignMlDsa44 };

/** A checkpoint as it is published: with the second signature, if there is to be one. */
export function signPublished(checkpoint: string, second: SecondSigner | undefined): string {
  return second === undefined ? checkpoint : addMlDsaSignature(checkpoint, second.key, second.sign);
}

/** Everything that opening has established and the writer goes on with. */
export type WriterState = {
  readonly journal: Journal;
  readonly derived: DerivedWriter;
  readonly hash: TreeHash;
  readonly tiles: GrowingTiles;
  readonly logKey: LogKey;
  readonly sign: SignEd25519;
  readonly second: SecondSigner | undefined;
  /** Undefined: payloads are appended as they are. */
  readonly signer: EntrySigner | undefined;
  readonly publishedSize: number;
  readonly checkpoint: string;
  /** The published checkpoint; undefined when it lacks a signature that it should have. */
  readonly published: string | undefined;
  /** Entries since the start of the first bundle that is not full and published. */
  readonly openEntries: readonly Bytes[];
};

/**
 * The writer itself, one step after the other in the calling thread, but for published files, which are on their way to the disk
 * while batches are committed. It is used by one caller at a time, who gathers requests into batches, and waits before one
 * where it {@link WriterCore.isBehind}. After the first fault of a file operation it signs nothing more.
 */
export class WriterCore {
  readonly #state: WriterState;
  /** From the start of the first bundle that is not full and published; the first stands at {@link #firstIndex}. */
  #entries: Bytes[];
  #firstIndex: number;
  #pendingBytes = 0;
  #publishing: Promise<Result<string, LedgerFault>> | undefined;
  #publishedSize: number;
  #checkpoint: string;
  #published: string | undefined;
  #fault: LedgerFault | undefined;

  constructor(state: WriterState) {
    this.#state = state;
    this.#entries = [...state.openEntries];
    this.#firstIndex = state.tiles.size - state.openEntries.length;
    this.#publishedSize = state.publishedSize;
    this.#checkpoint = state.checkpoint;
    this.#published = state.published;
  }

  get size(): number {
    return this.#state.tiles.size;
  }

  /** Whether there is something that {@link publish} would write. */
  get unpublished(): boolean {
    return this.#fault === undefined && this.#publishedSize < this.size;
  }

  /** Whether so much waits to be published that no batch is to be committed until it is. */
  get isBehind(): boolean {
    return this.#fault === undefined && this.#pendingBytes > WAITING_BYTES_MAX;
  }

  /** Appends a batch of requests, each all or none, under one flush and one signed checkpoint. */
  commit(requests: readonly (readonly Bytes[])[]): readonly CommitAnswer[] {
    if (this.#fault !== undefined) return this.#refuseAll(requests);
    const refused = requests.map((payloads) => this.#refuseTooLarge(payloads));
    const payloads = requests.flatMap((request, i) => (refused[i] === undefined ? request : []));
    let next = this.size;
    if (payloads.length > 0) {
      const draft = this.#draft(payloads);
      try {
        this.#state.journal.append(next, draft);
      } catch (error) {
        this.#fault = faultOfError(error, "journal");
        return this.#refuseAll(requests);
      }
      this.#grow(draft.entries);
    }
    const answers = requests.map((request, i): CommitAnswer => {
      const fault = refused[i];
      if (fault !== undefined) return fail(fault);
      next += request.length;
      return ok({ first: next - request.length, count: request.length, checkpoint: this.#checkpoint });
    });
    this.#prepare();
    return answers;
  }

  /**
   * Takes in entries that survive a power cut from here on, and signs the new head. If we die before the signature is out,
   * recovery makes the same one again: Ed25519 is deterministic.
   */
  #grow(entries: readonly Bytes[]): void {
    const { tiles, hash } = this.#state;
    for (const entry of entries) {
      tiles.append(hash.leaf(entry));
      this.#entries.push(entry);
      this.#pendingBytes += entry.length;
    }
    this.#checkpoint = this.#signHead();
  }

  /**
   * Writes every derived file for the size that there is now, the checkpoint last, and frees journal segments. Batches may be
   * committed until it resolves; what they append is not part of it. Two calls never overlap.
   */
  async publish(): Promise<Result<string, LedgerFault>> {
    const wanted = this.size;
    while (this.#publishing !== undefined) await this.#publishing;
    if (this.#fault !== undefined) return fail(this.#fault);
    if (this.#publishedSize >= wanted && this.#published !== undefined) return ok(this.#published);
    this.#publishing = this.#publishNow();
    const published = await this.#publishing;
    this.#publishing = undefined;
    return published;
  }

  async #publishNow(): Promise<Result<string, LedgerFault>> {
    const { tiles, derived, journal } = this.#state;
    const [from, size, checkpoint, pendingBytes] = [this.#publishedSize, tiles.size, this.#checkpoint, this.#pendingBytes];
    try {
      await derived.writeAll(this.#derivedFiles(size, [...tiles.takeFull(), ...tiles.partials()]));
      derived.flush();
      const published = signPublished(checkpoint, this.#state.second);
      derived.replaceCheckpoint(utf8(published));
      this.#published = published;
      this.#publishedSize = size;
      this.#pendingBytes -= pendingBytes;
      const full = size - (size % TILE_WIDTH);
      this.#entries = this.#entries.slice(full - this.#firstIndex);
      this.#firstIndex = full;
      journal.free(full);
      for (const tile of outgrownPartials(from, size)) derived.removePartials(tile);
      return ok(published);
    } catch (error) {
      this.#fault = faultOfError(error, "public");
      derived.close();
      return fail(this.#fault);
    }
  }

  /** Publishes and lets go of the files, whatever comes of it. */
  async close(): Promise<Result<string, LedgerFault>> {
    const published = await this.publish();
    this.#fault ??= ledgerFault("ledger/closed", "", "");
    await this.#state.journal.close();
    return published;
  }

  #refuseAll(requests: readonly unknown[]): readonly CommitAnswer[] {
    const fault = this.#fault ?? ledgerFault("ledger/closed", "", "");
    return requests.map(() => fail(fault));
  }

  /** Why a request cannot be recorded; known before anything is signed. */
  #refuseTooLarge(payloads: readonly Bytes[]): LedgerFault | undefined {
    let total = 0;
    for (const payload of payloads) {
      const bytes = this.#entryBytes(payload);
      // Whoever keeps the payload elsewhere can record this digest instead.
      if (bytes > ENTRY_BYTES_MAX)
        return ledgerFault(
          "ledger/entry-too-large",
          "",
          `it would have ${bytes}, and its payload is ${digestOf(sha256, payload)}`,
        );
      total += bytes;
    }
    if (total <= REQUEST_BYTES_MAX) return undefined;
    return ledgerFault("ledger/entry-too-large", "", `the entries appended together would have ${total} bytes`);
  }

  #entryBytes(payload: Bytes): number {
    const { signer } = this.#state;
    return signer === undefined ? payload.length : envelopeBytes(payload.length, signer);
  }

  /** Signs the payloads into the frame that will hold them. */
  #draft(payloads: readonly Bytes[]): FrameDraft {
    const { signer } = this.#state;
    const lengths = payloads.map((payload) => this.#entryBytes(payload));
    return draftFrame(lengths, (i, bytes, at) => {
      const payload = payloads[i] ?? NOTHING;
      if (signer === undefined) bytes.set(payload, at);
      else writeEnvelope(bytes, at, payload, signer);
    });
  }

  #signHead(): string {
    const { tiles, logKey, sign } = this.#state;
    return signCheckpoint({ size: tiles.size, root: tiles.root() }, logKey, sign);
  }

  /** What keeps memory and segments bounded; a fault here stops the writer, but takes nothing back. */
  #prepare(): void {
    try {
      this.#state.journal.prepare();
    } catch (error) {
      this.#fault = faultOfError(error, "journal");
      return;
    }
    // A fault stays with us, and the next batch tells it.
    if (this.#pendingBytes > PENDING_BYTES_MAX && this.#publishing === undefined) void this.publish();
  }

  /** Bundles and tiles, a bundle made when it is its turn to be written. */
  *#derivedFiles(size: number, tiles: readonly TileContent[]): Generator<DerivedFile> {
    for (const tile of tiles) yield { path: tilePath(tile), bytes: tile.bytes };
    const [firstIndex, entries] = [this.#firstIndex, this.#entries];
    for (let first = firstIndex; first < size; first += TILE_WIDTH) {
      const width = Math.min(TILE_WIDTH, size - first);
      const path = tilePath({ level: "entries", index: first / TILE_WIDTH, width });
      yield { path, bytes: encodeEntries(entries.slice(first - firstIndex, first - firstIndex + width)) };
    }
  }
}
