import { createPrivateKey, KeyObject } from "node:crypto";
import type { Bytes } from "#core";
import type { FileLayer } from "./file-layer.ts";
import type { ArchivePlace } from "./pruned-part.ts";

/** What a writer is opened with. */
export type LedgerWriterOptions = {
  readonly folder: string;
  /** The log's name: not empty, no white space, no `+`. It is the origin of its checkpoints and the name of its key. */
  readonly origin: string;
  /** An Ed25519 private key, or its PKCS#8 DER. It signs entries and checkpoints. */
  readonly key: KeyObject | Bytes;
  /** An ML-DSA-44 private key, if published checkpoints are to be signed with it too. */
  readonly mlDsaKey?: KeyObject | undefined;
  /** True: a worker thread signs and writes, and this one never waits for a disk. False: cheaper to open, blocks. */
  readonly thread: boolean;
  /** How long to wait for another writer of this ledger to finish. */
  readonly lockWaitMs?: number;
  /** Whether a folder without a ledger becomes one; true unless said otherwise. */
  readonly create?: boolean;
  /** A checkpoint of this log that a witness has cosigned: a log that is shorter, or that contradicts it, is refused. */
  readonly witnessed?: Bytes | undefined;
  /** Also writes tiles and bundles again that are damaged, if the entries give the published root; with `thread: false` only. */
  readonly repair?: boolean;
  /** Goes on with a ledger that was restored: the caller has made sure that it is the newest; with `thread: false` only. */
  readonly newest?: boolean;
  /** Where the archive of a pruned log is looked for, if a file that is mended needs what is in it. */
  readonly archive?: ArchivePlace | undefined;
  /** `raw`: payloads are entries already and are appended as they are, for a log of envelopes that others sealed. */
  readonly entries?: "sealed" | "raw";
  /** Publishes this long after an append, if nobody has until then. */
  readonly publishAfterMs?: number;
  /** Length of new journal segments; small ones let a test see many. */
  readonly segmentBytes?: number;
  /** POWER: the file operations, for tests; with `thread: false` only. */
  readonly files?: FileLayer;
};

/** How long a second writer waits for the first: two commands at once both get their turn. */
export const LOCK_WAIT_MS = 5000;
/** How long an acknowledged entry may wait for its publication; every reader of ours sees it in the journal meanwhile. */
export const PUBLISH_AFTER_MS = 1000;

/** The key as node:crypto holds it. Throws for bytes that are no PKCS#8 key: the caller made them. */
export function keyObjectOf(key: KeyObject | Bytes): KeyObject {
  return key instanceof KeyObject ? key : createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs8" });
}
