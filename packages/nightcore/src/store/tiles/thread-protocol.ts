import type { KeyObject } from "node:crypto";
import { assert, type Bytes } from "#core";
import type { LedgerFault, Recovery } from "#ports";
import type { ArchivePlace } from "./pruned-part.ts";

/** What the worker thread is started with. The key crosses as a handle; its bytes do not. */
export type ThreadOptions = {
  readonly folder: string;
  readonly origin: string;
  readonly key: KeyObject;
  readonly mlDsaKey: KeyObject | undefined;
  readonly lockWaitMs: number;
  readonly create: boolean;
  readonly witnessed: Bytes | undefined;
  readonly archive: ArchivePlace | undefined;
  readonly entries: "sealed" | "raw";
  readonly publishAfterMs: number;
  readonly segmentBytes: number;
};

/**
 * Requests in one message: `bytes` is every payload one after the other (its memory moves to the other thread), `lengths`
 * is for each request the number of its payloads and then their lengths.
 */
export type AppendMessage = { readonly kind: "append"; readonly bytes: Uint8Array<ArrayBuffer>; readonly lengths: Uint32Array };
/** What the owner may ask of the writer thread. Answers come in the order of the questions. */
export type ToThread = AppendMessage | { readonly kind: "publish" } | { readonly kind: "close" };

/** What the writer thread says. */
export type FromThread =
  | { readonly kind: "opened"; readonly size: number; readonly recovery: Recovery }
  | { readonly kind: "refused"; readonly fault: LedgerFault }
  /** `first[i]` is the index of request i, or -1 where `faults` holds the next reason. All share the one checkpoint. */
  | {
      readonly kind: "appended";
      readonly first: Float64Array;
      readonly faults: readonly LedgerFault[];
      readonly checkpoint: string;
    }
  | { readonly kind: "published" | "closed"; readonly checkpoint: string; readonly fault: LedgerFault | undefined };

/** Packs requests for the way to the thread. */
export function packRequests(requests: readonly (readonly Bytes[])[]): AppendMessage {
  let total = 0;
  let numbers = 0;
  for (const payloads of requests) {
    numbers += 1 + payloads.length;
    for (const payload of payloads) total += payload.length;
  }
  const bytes = new Uint8Array(total);
  const lengths = new Uint32Array(numbers);
  let at = 0;
  let n = 0;
  for (const payloads of requests) {
    lengths[n++] = payloads.length;
    for (const payload of payloads) {
      lengths[n++] = payload.length;
      bytes.set(payload, at);
      at += payload.length;
    }
  }
  return { kind: "append", bytes, lengths };
}

/** The payloads as they were packed; they share the message's memory. */
export function unpackRequests({ bytes, lengths }: AppendMessage): readonly (readonly Bytes[])[] {
  const requests: Bytes[][] = [];
  let at = 0;
  for (let n = 0; n < lengths.length;) {
    const payloads: Bytes[] = [];
    const count = lengths[n++] ?? 0;
    for (let i = 0; i < count; i++) {
      const end = at + (lengths[n++] ?? 0);
      payloads.push(bytes.subarray(at, end));
      at = end;
    }
    requests.push(payloads);
  }
  assert(at === bytes.length, "a message is exactly its payloads");
  return requests;
}
