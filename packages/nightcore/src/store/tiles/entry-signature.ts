import { type KeyObject, verify } from "node:crypto";
import type { Bytes } from "#core";
import { parseEnvelope, verifyEnvelope } from "#attest";
import { publicKeyObject } from "#store/keys";

/** The log's key, made once for many entries. */
export type EntryKey = { readonly publicKey: Bytes; readonly object: KeyObject };

/** Prepares a public key of 32 bytes for {@link checkEntrySignature}. */
export function makeEntryKey(publicKey: Bytes): EntryKey {
  return { publicKey, object: publicKeyObject(publicKey) };
}

/** Why an entry is not an envelope that the log's key signed; undefined when it is one. */
export function checkEntrySignature(entry: Bytes, key: EntryKey): string | undefined {
  const envelope = parseEnvelope(entry);
  if (!envelope.ok) return envelope.fault.code;
  const verified = verifyEnvelope(envelope.value, key.publicKey, (_, message, signature) =>
    verify(null, message, key.object, signature),
  );
  return verified.ok ? undefined : verified.fault.code;
}
