import { assert, type Bytes, concatBytes, fail, ok, type Result, type SignMlDsa44, utf8, type VerifyMlDsa44 } from "#core";
import { type Checkpoint, type CheckpointFault, parseSignedCheckpoint } from "./checkpoint.ts";
import { HASH_BYTES } from "./merkle-tree.ts";
import { encodeNote, parseNote } from "./note.ts";
import type { LogKey } from "./vkey.ts";

const LABEL = utf8("subtree/v1\n\0");
const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 2420;

/** What an ML-DSA-44 signature of a whole tree covers. `atSeconds` 0: no statement that this was the largest tree at any time. */
export type SignedTree = {
  readonly cosigner: string;
  readonly atSeconds: number;
  readonly origin: string;
  readonly size: number;
  readonly root: Bytes;
};

/**
 * The `cosigned_message` of tlog-cosignature ("ML-DSA-44 signed message") for a checkpoint:
 * `"subtree/v1\n\0" | u8 length, cosigner | u64 time | u8 length, origin | u64 start = 0 | u64 end = size | root`.
 */
export function encodeSubtreeMessage({ cosigner, atSeconds, origin, size, root }: SignedTree): Bytes {
  assert(root.length === HASH_BYTES, "a root has 32 bytes");
  return concatBytes([LABEL, counted(cosigner), u64(atSeconds), counted(origin), u64(0), u64(size), root]);
}

/**
 * Adds the log's own ML-DSA-44 signature to a checkpoint that it has signed, with the time 0. A second call gives other bytes that
 * say the same: ML-DSA is signed with fresh randomness. Extension lines, of which we write none, are not covered.
 */
export function addMlDsaSignature(checkpoint: string, key: LogKey, sign: SignMlDsa44): string {
  const note = parseNote(checkpoint);
  const head = parseSignedCheckpoint(checkpoint);
  assert(note.ok && head.ok, "the checkpoint is our own");
  const { origin, size, root } = head.value;
  const signature = sign(encodeSubtreeMessage({ cosigner: key.name, atSeconds: 0, origin, size, root }));
  const line = { name: key.name, keyId: key.id, signature: concatBytes([u64(0), signature]) };
  return encodeNote({ text: note.value.text, signatures: [...note.value.signatures, line] });
}

/**
 * Verifies the line of a log's ML-DSA-44 key on its checkpoint. Establishes origin, size and root, and nothing about extension
 * lines. Refuses a checkpoint without such a line, with one that does not hold, and one whose origin is not the key's name.
 */
export function verifyMlDsaCheckpoint(
  checkpoint: string,
  key: LogKey,
  verifyMlDsa44: VerifyMlDsa44,
): Result<Checkpoint, CheckpointFault> {
  const note = parseNote(checkpoint);
  if (!note.ok) return note;
  const head = parseSignedCheckpoint(checkpoint);
  if (!head.ok) return head;
  const { origin, size, root } = head.value;
  if (origin !== key.name) return fail({ code: "ledger/checkpoint-foreign", origin, name: key.name });
  const lines = note.value.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.id);
  for (const { name, signature } of lines) {
    const bad = fail({ code: "ledger/note-bad-signature", name } as const);
    if (signature.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) return bad;
    const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    if (time > BigInt(Number.MAX_SAFE_INTEGER)) return bad;
    const message = encodeSubtreeMessage({ cosigner: name, atSeconds: Number(time), origin, size, root });
    if (!verifyMlDsa44(key.publicKey, message, signature.subarray(TIMESTAMP_BYTES))) return bad;
  }
  return lines.length > 0 ? ok(head.value) : fail({ code: "ledger/note-unsigned", name: `${key.name} (ML-DSA-44)` });
}

function counted(text: string): Bytes {
  const bytes = utf8(text);
  assert(bytes.length > 0 && bytes.length < 256, "a name has 1 to 255 bytes here");
  return concatBytes([new Uint8Array([bytes.length]), bytes]);
}

function u64(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
