import { join } from "node:path";
import { type FileLayer, readWhole, refuse } from "./file-layer.ts";
import { frameEntries, frameHolds } from "./frame.ts";
import {
  FRAMES_AT,
  FREE_NUMBER,
  hasFrameBeyond,
  parseSegmentHeader,
  type SegmentHeader,
  type SegmentScan,
  scanSegment,
} from "./segment.ts";

/** The folder of segments inside a ledger folder. Private to the writer; readers look into it, never write. */
export const JOURNAL_FOLDER = "journal";

/** A segment as found on disk, its bytes still in memory. */
export type FoundSegment = {
  readonly name: string;
  readonly header: SegmentHeader;
  readonly bytes: Buffer;
  readonly scan: SegmentScan;
};

/** A file that the journal may use again. */
export type FreeFile = { readonly name: string; readonly length: number; readonly header: SegmentHeader | undefined };

/** The journal as it is on disk: whole, contiguous, and unchanged by the search. */
export type FoundJournal = {
  /** Segments with frames, in order. */
  readonly segments: readonly FoundSegment[];
  /** Segments without frames, and files whose header is torn (`header` undefined): free for use. */
  readonly free: readonly FreeFile[];
  readonly numberMax: number;
  /** Frames up to this size were walked over without hashing; whoever uses their entries checks them. */
  readonly trustedSize: number;
  /** Index of the first entry held, and the one after the last; both undefined for a journal without frames. */
  readonly firstIndex: number | undefined;
  readonly nextIndex: number | undefined;
};

/** `publishedSize`: what a synced checkpoint covers. `checkAll`: hash also the frames that it covers. */
export type JournalSearch = { readonly publishedSize: number; readonly checkAll: boolean };

/**
 * Reads the whole journal without changing it. Refuses (by throwing {@link refuse}'s fault) a damaged frame, a gap, a cut
 * segment.
 */
export function findJournal(files: FileLayer, folder: string, search: JournalSearch): FoundJournal {
  const trustedSize = search.checkAll ? 0 : search.publishedSize;
  const found: FoundSegment[] = [];
  const free: FreeFile[] = [];
  const headless: { name: string; bytes: Buffer }[] = [];
  let numberMax = 0;
  for (const name of files.list(join(folder, JOURNAL_FOLDER))) {
    if (!/^slot-[0-9]+$/.test(name)) continue;
    const path = join(folder, JOURNAL_FOLDER, name);
    const freed = readFreed(files, path);
    if (freed !== undefined) {
      free.push({ name, ...freed });
      continue;
    }
    const bytes = readWhole(files, path);
    if (bytes === undefined) continue;
    const header = parseSegmentHeader(bytes);
    if (header === undefined) {
      headless.push({ name, bytes });
      free.push({ name, length: bytes.length, header: undefined });
      continue;
    }
    numberMax = Math.max(numberMax, header.number);
    const segment = { name, header, bytes, scan: scanFound({ name, header, bytes }, trustedSize) };
    if (segment.scan.frames.length > 0 || segment.scan.tornBytes > 0) found.push(segment);
    else free.push(freeFile(segment));
  }
  found.sort((a, b) => a.header.number - b.header.number);
  const { segments, stale } = separateStale(found, search.publishedSize);
  const [firstIndex, nextIndex] = checkContiguous(segments);
  for (const { name, bytes } of headless) {
    if (!hasFrameBeyond(bytes, nextIndex ?? search.publishedSize)) continue;
    refuse("ledger/corrupt-frame", `${JOURNAL_FOLDER}/${name}:0`, "a segment that holds entries has a damaged header");
  }
  return { segments, free: [...free, ...stale.map(freeFile)], numberMax, trustedSize, firstIndex, nextIndex };
}

/** A segment that says it is free is not read further. */
function readFreed(files: FileLayer, path: string): Omit<FreeFile, "name"> | undefined {
  const fd = files.open(path, "read");
  try {
    const head = Buffer.alloc(FRAMES_AT);
    const header = files.read(fd, head, 0) === FRAMES_AT ? parseSegmentHeader(head) : undefined;
    return header?.number === FREE_NUMBER ? { length: files.size(fd), header } : undefined;
  } finally {
    files.close(fd);
  }
}

function scanFound({ name, header, bytes }: Omit<FoundSegment, "scan">, trustedSize: number): SegmentScan {
  if (bytes.length !== header.length) {
    const where = `${JOURNAL_FOLDER}/${name}:${bytes.length}`;
    refuse("ledger/corrupt-frame", where, `the segment is cut; it had ${header.length} bytes`);
  }
  const scan = scanSegment(bytes, header.nonce, trustedSize);
  if (scan.damagedAt === undefined) return scan;
  return refuse(
    "ledger/corrupt-frame",
    `${JOURNAL_FOLDER}/${name}:${scan.damagedAt}`,
    "a damaged frame stands before a good one",
  );
}

function freeFile({ name, header, bytes }: Omit<FoundSegment, "scan">): FreeFile {
  return { name, length: bytes.length, header: { ...header, nonce: Buffer.from(header.nonce) } };
}

/**
 * A segment that was freed in the moment of a power cut may still look live. It is known by this: everything in it is
 * published, and the segments after it do not continue it.
 */
function separateStale(
  found: readonly FoundSegment[],
  publishedSize: number,
): { segments: FoundSegment[]; stale: FoundSegment[] } {
  for (let i = found.length - 1; i > 0; i--) {
    const begin = found[i]?.scan.frames[0];
    const last = found[i - 1]?.scan.frames.at(-1);
    if (begin === undefined || last === undefined) continue;
    const end = last.firstIndex + last.count;
    if (end !== begin.firstIndex && end <= publishedSize) return { segments: found.slice(i), stale: found.slice(0, i) };
  }
  return { segments: [...found], stale: [] };
}

function checkContiguous(found: readonly FoundSegment[]): [number | undefined, number | undefined] {
  let first: number | undefined;
  let next: number | undefined;
  for (const [i, { name, scan }] of found.entries()) {
    const begin = scan.frames[0];
    const last = scan.frames.at(-1);
    if (begin !== undefined && next !== undefined && begin.firstIndex !== next) {
      refuse(
        "ledger/corrupt-frame",
        `${JOURNAL_FOLDER}/${name}:${begin.at}`,
        `entries ${next} to ${begin.firstIndex} are missing`,
      );
    }
    if (scan.tornBytes > 0 && i < found.length - 1) {
      refuse("ledger/corrupt-frame", `${JOURNAL_FOLDER}/${name}:${scan.end}`, "a damaged frame stands before a later segment");
    }
    first ??= begin?.firstIndex;
    if (last !== undefined) next = last.firstIndex + last.count;
  }
  return [first, next];
}

/** Entries `from` and later of a journal that was found, with their indices. Refuses a frame that does not hold. */
export function* foundEntries(found: FoundJournal, from: number): Generator<{ readonly index: number; readonly entry: Buffer }> {
  for (const { name, bytes, scan } of found.segments) {
    for (const frame of scan.frames) {
      const nextIndex = frame.firstIndex + frame.count;
      if (nextIndex <= from) continue;
      if (nextIndex <= found.trustedSize && !frameHolds(bytes, frame)) {
        refuse("ledger/corrupt-frame", `${JOURNAL_FOLDER}/${name}:${frame.at}`, "its hash is wrong");
      }
      let index = frame.firstIndex;
      for (const entry of frameEntries(bytes, frame)) {
        if (index >= from) yield { index, entry };
        index++;
      }
    }
  }
}
