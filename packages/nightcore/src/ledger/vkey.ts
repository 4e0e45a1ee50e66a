import { type Bytes, concatBytes, encodeBase64, encodeHex, fail, ok, parseBase64, type Result, type Sha256, utf8 } from "#core";

/** A key under which notes are signed: a name and a public key of one type (signed-note, "Verifier keys"). */
export type LogKey = {
  readonly name: string;
  /** 8 lower-case hexadecimal digits: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key). */
  readonly id: string;
  readonly publicKey: Bytes;
};

export type VkeyFault =
  | { readonly code: "ledger/key-name-forbidden"; readonly name: string }
  | { readonly code: "ledger/vkey-malformed"; readonly what: string }
  | { readonly code: "ledger/vkey-type-unknown"; readonly type: number }
  | { readonly code: "ledger/vkey-id-mismatch"; readonly said: string; readonly computed: string };

const ED25519_NOTE = 0x01;
const ED25519_COSIGNATURE = 0x04;
/** The type of an ML-DSA-44 key in a vkey and in a key id (tlog-cosignature, "Format"). */
export const ML_DSA_44 = 0x06;
const ML_DSA_44_BYTES = 1312;
const KEY_NAME_CHARACTERS_MAX = 255; // LIMIT: an origin is a host and a path; DNS ends at 253
const VKEY_CHARACTERS_MAX = 2048; // LIMIT: a name, an id, and the base64 of 1,313 bytes

/**
 * What may name a key and an origin: not empty, no white space, no `+`, no control character (signed-note), at most 255
 * characters, well-formed Unicode. `DSSEv1 ` cannot begin such a name, because it contains a space: see {@link isPaeLike}.
 */
export function isKeyName(name: string): boolean {
  return name.length <= KEY_NAME_CHARACTERS_MAX && /^[^\s+\p{Cc}\p{Cs}\p{Z}]+$/u.test(name);
}

/**
 * INVARIANT: one Ed25519 key signs checkpoints (notes) and entries (DSSE). The bytes of a DSSE signature begin with `DSSEv1 `,
 * those of a note with its origin, so a signature of one kind passes as the other only if a note may begin so. None may.
 */
export function isPaeLike(signedText: string): boolean {
  return signedText.startsWith("DSSEv1 ");
}

/** Makes a log key of a name and 32 bytes. Refuses a name that signed-note forbids. */
export function makeLogKey(sha256: Sha256, name: string, publicKey: Bytes): Result<LogKey, VkeyFault> {
  return makeKey(sha256, { type: ED25519_NOTE, name, publicKey });
}

/** Makes the key of a witness that signs cosignature/v1 with Ed25519 (tlog-cosignature). */
export function makeWitnessKey(sha256: Sha256, name: string, publicKey: Bytes): Result<LogKey, VkeyFault> {
  return makeKey(sha256, { type: ED25519_COSIGNATURE, name, publicKey });
}

/** Makes the ML-DSA-44 key that signs a log's checkpoints beside its Ed25519 key (tlog-cosignature, type 0x06). */
export function makeMlDsaKey(sha256: Sha256, name: string, publicKey: Bytes): Result<LogKey, VkeyFault> {
  return makeKey(sha256, { type: ML_DSA_44, name, publicKey });
}

type TypedKey = { readonly type: number; readonly name: string; readonly publicKey: Bytes };

function makeKey(sha256: Sha256, { type, name, publicKey }: TypedKey): Result<LogKey, VkeyFault> {
  // A signed tree has one byte for the length of a name.
  if (!isKeyName(name) || (type === ML_DSA_44 && utf8(name).length > 255))
    return fail({ code: "ledger/key-name-forbidden", name });
  if (type === ML_DSA_44 && publicKey.length !== ML_DSA_44_BYTES)
    return fail({ code: "ledger/vkey-malformed", what: "an ML-DSA-44 public key has 1,312 bytes" });
  if (type !== ML_DSA_44 && publicKey.length !== 32)
    return fail({ code: "ledger/vkey-malformed", what: "an Ed25519 public key has 32 bytes" });
  // The type is hashed into the id: a log's key and a witness's key of the same bytes are never taken for each other.
  const id = encodeHex(sha256(concatBytes([utf8(name), new Uint8Array([0x0a, type]), publicKey])).subarray(0, 4));
  return ok({ name, id, publicKey: new Uint8Array(publicKey) });
}

/** `<name>+<hex key id>+<base64(0x01 ‖ public key)>`. */
export function encodeVkey(key: LogKey): string {
  return encodeTyped(key, ED25519_NOTE);
}

/** The same for a witness: type 0x04. */
export function encodeWitnessVkey(key: LogKey): string {
  return encodeTyped(key, ED25519_COSIGNATURE);
}

/** The same for the ML-DSA-44 key of a log: type 0x06, some 1,800 characters. */
export function encodeMlDsaVkey(key: LogKey): string {
  return encodeTyped(key, ML_DSA_44);
}

function encodeTyped({ name, id, publicKey }: LogKey, type: number): string {
  return `${name}+${id}+${encodeBase64(concatBytes([new Uint8Array([type]), publicKey]))}`;
}

/** Reads a verifier key and checks that its id belongs to it. Refuses types other than the Ed25519 note signature. */
export function parseVkey(sha256: Sha256, text: string): Result<LogKey, VkeyFault> {
  return parseTyped(sha256, text, ED25519_NOTE);
}

/** Reads a witness's verifier key: cosignature/v1 by Ed25519, and no other type. */
export function parseWitnessVkey(sha256: Sha256, text: string): Result<LogKey, VkeyFault> {
  return parseTyped(sha256, text, ED25519_COSIGNATURE);
}

/** Reads the verifier key of a log's ML-DSA-44 key, and no other type. */
export function parseMlDsaVkey(sha256: Sha256, text: string): Result<LogKey, VkeyFault> {
  return parseTyped(sha256, text, ML_DSA_44);
}

function parseTyped(sha256: Sha256, text: string, wanted: number): Result<LogKey, VkeyFault> {
  const malformed = (what: string) => fail({ code: "ledger/vkey-malformed", what } as const);
  if (text.length > VKEY_CHARACTERS_MAX) return malformed("it is too long");
  // The base64 part may contain `+` itself, so only the first two separate.
  const first = text.indexOf("+");
  const second = text.indexOf("+", first + 1);
  if (first < 0 || second < 0) return malformed("it is not `name+id+key`");
  const name = text.slice(0, first);
  const said = text.slice(first + 1, second);
  if (!isKeyName(name)) return fail({ code: "ledger/key-name-forbidden", name });
  if (!/^[0-9a-f]{8}$/.test(said)) return malformed("the key id is not 8 lower-case hexadecimal digits");
  const data = parseBase64(text.slice(second + 1));
  if (!data.ok) return malformed("the key is not padded base64");
  const type = data.value[0];
  if (type === undefined) return malformed("the key is empty");
  if (type !== wanted) return fail({ code: "ledger/vkey-type-unknown", type });
  const key = makeKey(sha256, { type, name, publicKey: data.value.subarray(1) });
  if (!key.ok) return key;
  return key.value.id === said ? key : fail({ code: "ledger/vkey-id-mismatch", said, computed: key.value.id });
}
