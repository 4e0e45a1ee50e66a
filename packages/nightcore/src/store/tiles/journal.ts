import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { assert } from "#core";
import { BlockFile } from "./block-file.ts";
import { type FileLayer, flushFolder, writeAll, writeFlushed } from "./file-layer.ts";
import { type FrameDraft, NONCE_BYTES, sealFrame } from "./frame.ts";
import { type FoundJournal, JOURNAL_FOLDER } from "./journal-search.ts";
import { roundUpToBlock } from "./page-memory.ts";
import { encodeSegmentHeader, FRAMES_AT, FREE_NUMBER, type SegmentHeader } from "./segment.ts";

const SPARES_MAX = 8; // LIMIT: 32 MiB kept for reuse; more is removed

/** A segment in use, with the indices it holds. */
type LiveSegment = { readonly name: string; readonly header: SegmentHeader; end: number; firstIndex: number; nextIndex: number };

/** Where a journal is, and how long its segments are made. */
export type JournalPlace = { readonly files: FileLayer; readonly folder: string; readonly segmentBytes: number };

/** The writer's journal: one frame per flush into preallocated segments. Every method throws when a file operation fails. */
export class Journal {
  readonly #files: FileLayer;
  readonly #folder: string;
  readonly #segmentBytes: number;
  #live: LiveSegment[] = [];
  #spares: string[] = [];
  #next: LiveSegment | undefined;
  /** The last live segment. */
  #file: BlockFile | undefined;
  #closed = false;
  /** Whether a name has come or gone that a power cut might undo. */
  #named = true;
  #number: number;
  #slot: number;
  #preparing: Promise<void> | undefined;

  private constructor({ files, folder, segmentBytes }: JournalPlace, number: number, slot: number) {
    this.#files = files;
    this.#folder = join(folder, JOURNAL_FOLDER);
    this.#segmentBytes = roundUpToBlock(segmentBytes);
    this.#number = number;
    this.#slot = slot;
  }

  /** Takes over a journal, cuts the torn frame at its tail and removes leftovers. Returns the bytes cut. */
  static resume(place: JournalPlace, found: FoundJournal): { readonly journal: Journal; readonly tornBytes: number } {
    const { files, folder } = place;
    const names = files.list(join(folder, JOURNAL_FOLDER));
    const slots = names.map((name) => Number(/^slot-([0-9]+)/.exec(name)?.[1] ?? -1));
    const journal = new Journal(place, found.numberMax, Math.max(-1, ...slots) + 1);
    for (const name of names) if (name.endsWith(".new")) files.unlink(join(journal.#folder, name));
    journal.#takeFree(found);
    for (const { name, header, scan } of found.segments) {
      const [begin] = scan.frames;
      const last = scan.frames.at(-1);
      const firstIndex = begin?.firstIndex ?? found.nextIndex ?? 0;
      const nextIndex = last === undefined ? firstIndex : last.firstIndex + last.count;
      journal.#live.push({ name, header: { ...header, nonce: Buffer.from(header.nonce) }, end: scan.end, firstIndex, nextIndex });
    }
    const tail = found.segments.at(-1);
    const tornBytes = tail?.scan.tornBytes ?? 0;
    if (tail !== undefined) {
      const path = join(journal.#folder, tail.name);
      if (tornBytes > 0) writeFlushed(files, files.open(path, "write"), new Uint8Array(tornBytes), tail.scan.end);
      journal.#file = BlockFile.open(files, path, tail.scan.end);
    }
    return { journal, tornBytes };
  }

  /** Keeps what can be used again: one file that was already prepared as the next segment, and spares. */
  #takeFree(found: FoundJournal): void {
    const last = found.segments.at(-1)?.header.number ?? 0;
    for (const { name, length, header } of found.free) {
      if (length !== this.#segmentBytes) this.#files.unlink(join(this.#folder, name));
      else if (this.#next === undefined && header !== undefined && header.number > last) {
        this.#next = { name, header, end: FRAMES_AT, firstIndex: 0, nextIndex: 0 };
      } else this.#spares.push(name);
    }
  }

  /** Makes entries durable, in one write. When it returns they survive a power cut; when it throws nobody knows. */
  append(firstIndex: number, draft: FrameDraft): void {
    const { length } = draft.bytes;
    let segment = this.#live.at(-1);
    if (segment === undefined || roundUpToBlock(segment.end + length) > segment.header.length)
      segment = this.#advance(firstIndex, length);
    assert(segment.nextIndex === firstIndex && this.#file !== undefined, "frames follow one another");
    this.#file.append(sealFrame(draft, segment.header.nonce, firstIndex));
    segment.end += length;
    segment.nextIndex = firstIndex + draft.entries.length;
  }

  /**
   * Frees every segment below `size` entries, which full synced bundles and a synced checkpoint cover. INVARIANT: the last
   * segment with frames is never freed, so a journal without frames beside a checkpoint is a journal that was taken away.
   */
  free(size: number): void {
    while (this.#live.length > 1 && (this.#live[0]?.nextIndex ?? Infinity) <= size) {
      if ((this.#live[1]?.nextIndex ?? 0) === this.#live[1]?.firstIndex) break;
      const freed = this.#live.shift();
      if (freed === undefined) break;
      if (freed.header.length === this.#segmentBytes && this.#spares.length < SPARES_MAX) this.#mark(freed.name);
      else {
        this.#files.unlink(join(this.#folder, freed.name));
        this.#named = true;
      }
    }
  }

  /** Marks a file as free, so that the next opening need not read it. Not flushed: losing the mark costs only that reading. */
  #mark(name: string): void {
    const fd = this.#files.open(join(this.#folder, name), "write");
    try {
      const header = { number: FREE_NUMBER, length: this.#segmentBytes, nonce: new Uint8Array(NONCE_BYTES) };
      writeAll(this.#files, fd, encodeSegmentHeader(header), 0);
    } finally {
      this.#files.close(fd);
    }
    this.#spares.push(name);
  }

  /** Prepares the next segment in the background once the current one is half full. Failures surface when it is needed. */
  prepare(): void {
    const segment = this.#live.at(-1);
    if (this.#next !== undefined || this.#preparing !== undefined) return;
    if (segment !== undefined && segment.end * 2 < segment.header.length) return;
    const spare = this.#spares.pop();
    if (spare !== undefined) {
      this.#next = this.#begin(spare, this.#segmentBytes);
      return;
    }
    const name = `slot-${this.#slot++}`;
    this.#preparing = this.#files.zeroFill(join(this.#folder, `${name}.new`), this.#segmentBytes).then(
      () => {
        this.#preparing = undefined;
        if (this.#closed) return;
        try {
          this.#files.rename(join(this.#folder, `${name}.new`), join(this.#folder, name));
          this.#named = true;
          this.#spares.push(name);
        } catch {
          // The segment is not needed yet; whoever needs one makes it and meets the same fault where it can be answered.
        }
      },
      () => {
        this.#preparing = undefined;
      },
    );
  }

  async close(): Promise<void> {
    await this.#preparing;
    if (!this.#closed) this.#file?.close();
    this.#closed = true;
  }

  /** Moves on to a segment with room for a frame of `length` bytes. */
  #advance(firstIndex: number, length: number): LiveSegment {
    const needed = roundUpToBlock(FRAMES_AT + length);
    let segment = needed <= this.#segmentBytes ? this.#next : undefined;
    if (segment === undefined) {
      const spare = needed <= this.#segmentBytes ? this.#spares.pop() : undefined;
      segment = this.#begin(spare ?? this.#create(Math.max(this.#segmentBytes, needed)), Math.max(this.#segmentBytes, needed));
    } else {
      this.#next = undefined;
      segment = this.#renumber(segment);
    }
    segment.firstIndex = firstIndex;
    segment.nextIndex = firstIndex;
    // Opened before the other is closed: when this fails, closing the journal must not close a descriptor for the second time.
    const file = BlockFile.open(this.#files, join(this.#folder, segment.name), segment.end);
    this.#file?.close();
    this.#file = file;
    this.#live.push(segment);
    return segment;
  }

  /** A prepared segment that a larger one has overtaken gets a later number before it is used. */
  #renumber(segment: LiveSegment): LiveSegment {
    const last = this.#live.at(-1)?.header.number ?? 0;
    return segment.header.number > last ? segment : this.#begin(segment.name, segment.header.length);
  }

  /** Creates a zero-filled file and makes its name durable. */
  #create(length: number): string {
    const name = `slot-${this.#slot++}`;
    const path = join(this.#folder, name);
    writeFlushed(this.#files, this.#files.open(`${path}.new`, "create"), new Uint8Array(length));
    this.#files.rename(`${path}.new`, path);
    this.#named = true;
    return name;
  }

  /** Gives a free file a fresh number and nonce, durable before any frame: what it held before no longer counts. */
  #begin(name: string, length: number): LiveSegment {
    const header = { number: ++this.#number, length, nonce: randomBytes(NONCE_BYTES) };
    writeFlushed(this.#files, this.#files.open(join(this.#folder, name), "write"), encodeSegmentHeader(header));
    if (this.#named) flushFolder(this.#files, this.#folder);
    this.#named = false;
    return { name, header, end: FRAMES_AT, firstIndex: 0, nextIndex: 0 };
  }
}
