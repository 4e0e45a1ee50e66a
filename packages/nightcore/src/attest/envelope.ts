import {
  assert,
  type Bytes,
  concatBytes,
  encodeBase64,
  fail,
  isJsonObject,
  type Json,
  keyIdOf,
  ok,
  parseBase64,
  parseJson,
  type Result,
  type Sha256,
  type SignEd25519,
  utf8,
  type VerifyEd25519,
} from "#core";
import { ENVELOPE_BYTES_MAX } from "./limit.ts";

/** The one payload type that our entries have: an in-toto statement as JSON. */
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const SIGNATURES_MAX = 16; // LIMIT: each costs one Ed25519 verification at the most; our entries have one

/** A DSSE envelope as parsed: nothing in it has been verified, and `keyid` never is. */
export type Envelope = {
  readonly payload: Bytes;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: Bytes }[];
};

export type EnvelopeFault =
  | { readonly code: "attest/envelope-too-large"; readonly bytes: number }
  | { readonly code: "attest/envelope-malformed"; readonly what: string }
  | { readonly code: "attest/envelope-wrong-type"; readonly payloadType: string }
  | { readonly code: "attest/envelope-bad-signature" };

/** The bytes that a DSSE signature covers (protocol.md v1.0.2): `DSSEv1 len type len body`, lengths in decimal bytes. */
export function encodePae(payloadType: string, payload: Bytes): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes([utf8(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload]);
}

/** Who signs entries: the keyid that envelopes name, and the power to sign. */
export type EntrySigner = { readonly keyid: string; readonly sign: SignEd25519 };

/** The signer of a log: its keyid is the hexadecimal SHA-256 of the public key, as everywhere in Night Core. */
export function makeEntrySigner(sha256: Sha256, publicKey: Bytes, sign: SignEd25519): EntrySigner {
  return { keyid: keyIdOf(sha256, publicKey), sign };
}

const encoder = new TextEncoder();
const SIG_CHARACTERS = 88; // the base64 of a 64-byte signature

function envelopeText(payload: string, keyid: string, sig: string): string {
  return `{"payload":"${payload}","payloadType":"${PAYLOAD_TYPE}","signatures":[{"keyid":"${keyid}","sig":"${sig}"}]}`;
}
const ENVELOPE_BYTES_FIXED = envelopeText("", "", "").length + SIG_CHARACTERS;

/** Bytes that the envelope of a payload of `payloadBytes` will have; an entry is refused by this before anything is signed. */
export function envelopeBytes(payloadBytes: number, signer: EntrySigner): number {
  return 4 * Math.ceil(payloadBytes / 3) + ENVELOPE_BYTES_FIXED + signer.keyid.length;
}

let scratch = new Uint8Array(4096);

/** The same bytes as {@link encodePae} of our payload type, in memory that the next call reuses. */
function paeInScratch(payload: Bytes): Uint8Array {
  if (scratch.length < payload.length + 64) scratch = new Uint8Array(payload.length + 64);
  const head = encoder.encodeInto(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `, scratch).written;
  scratch.set(payload, head);
  return scratch.subarray(0, head + payload.length);
}

/**
 * Signs a payload and writes its envelope at `at`, where {@link envelopeBytes} are free: an entry is made where it is stored.
 * Returns the offset behind it.
 */
export function writeEnvelope(target: Uint8Array, at: number, payload: Bytes, signer: EntrySigner): number {
  const sig = signer.sign(paeInScratch(payload));
  const text = envelopeText(encodeBase64(payload), signer.keyid, encodeBase64(sig));
  const { read, written } = encoder.encodeInto(text, target.subarray(at));
  assert(read === text.length && written === envelopeBytes(payload.length, signer), "an envelope has the size foretold");
  return at + written;
}

/** Signs a payload and returns the envelope as a log entry holds it. Refuses one over 65,535 bytes before it is signed. */
export function sealEnvelope(payload: Bytes, signer: EntrySigner): Result<Uint8Array, EnvelopeFault> {
  const bytes = envelopeBytes(payload.length, signer);
  if (bytes > ENVELOPE_BYTES_MAX) return fail({ code: "attest/envelope-too-large", bytes });
  const envelope = new Uint8Array(bytes);
  writeEnvelope(envelope, 0, payload, signer);
  return ok(envelope);
}

/**
 * Parses an envelope strictly (JSON without duplicate keys, both base64 alphabets with padding, 1 to 16 signatures); fields
 * that it does not know are ignored, as envelope.md demands.
 */
export function parseEnvelope(bytes: Bytes): Result<Envelope, EnvelopeFault> {
  const malformed = (what: string) => fail({ code: "attest/envelope-malformed", what } as const);
  if (bytes.length > ENVELOPE_BYTES_MAX) return fail({ code: "attest/envelope-too-large", bytes: bytes.length });
  const document = parseJson(bytes, ENVELOPE_BYTES_MAX);
  if (!document.ok) return malformed("it is not strict JSON");
  if (!isJsonObject(document.value)) return malformed("it is not an object");
  const { payloadType, signatures } = document.value;
  const payload = parseEitherBase64(document.value["payload"]);
  if (payload === undefined) return malformed("`payload` is not padded base64");
  if (typeof payloadType !== "string") return malformed("`payloadType` is not a text");
  if (!Array.isArray(signatures) || signatures.length < 1 || signatures.length > SIGNATURES_MAX) {
    return malformed("`signatures` is not a list of 1 to 16");
  }
  const parsed: { keyid: string; sig: Bytes }[] = [];
  for (const signature of signatures as readonly Json[]) {
    if (!isJsonObject(signature)) return malformed("a signature is not an object");
    const { keyid = "" } = signature;
    const sig = parseEitherBase64(signature["sig"]);
    if (sig === undefined) return malformed("a `sig` is not padded base64");
    if (typeof keyid !== "string") return malformed("a `keyid` is not a text");
    parsed.push({ keyid, sig });
  }
  return ok({ payload, payloadType, signatures: parsed });
}

function parseEitherBase64(text: Json | undefined): Bytes | undefined {
  if (typeof text !== "string") return undefined;
  const standard = /[+/]/.test(text) ? text : text.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = parseBase64(standard);
  return bytes.ok ? bytes.value : undefined;
}

/**
 * Verifies that one signature of the envelope is the key's over this payload, and returns the payload: the bytes that were
 * verified are the bytes that the caller reads. `keyid` is not looked at; it authenticates nothing.
 */
export function verifyEnvelope(envelope: Envelope, publicKey: Bytes, verifyEd25519: VerifyEd25519): Result<Bytes, EnvelopeFault> {
  if (envelope.payloadType !== PAYLOAD_TYPE) {
    return fail({ code: "attest/envelope-wrong-type", payloadType: envelope.payloadType });
  }
  const message = encodePae(envelope.payloadType, envelope.payload);
  const signed = envelope.signatures.some(({ sig }) => verifyEd25519(publicKey, message, sig));
  return signed ? ok(envelope.payload) : fail({ code: "attest/envelope-bad-signature" });
}
