import { parseEnvelope, parseStatement, verifyEnvelope } from "#attest";
import { type Bytes, type Crypto, encodeHex, type KeyId, keyIdOf, parseBase64, parseDigest, parseUtf8 } from "#core";
import type { DigestedBytes, ModuleEvidence, SignatureFault, SignatureStanding } from "./evidence.ts";
import type { TrustStore } from "./trust-store.ts";

/** The predicate type of a module signature: subjects `module.wasm` and `manifest.json`, predicate `{tenant}`. */
export const MODULE_STATEMENT_TYPE = "urn:nightcore:module:v1";

const CANDIDATES_MAX = 256; // LIMIT: signatures tried for a module whose hint names no trusted key; 256 take about 20 ms

/** Who signed these bytes and this manifest for this tenant? */
export type SignatureQuestion = {
  readonly module: DigestedBytes;
  readonly manifest: DigestedBytes | undefined;
  readonly evidence: ModuleEvidence;
  readonly tenant: string;
};

type Candidate = { readonly keyId: KeyId; readonly publicKey: Bytes };
type Proof = { readonly candidate: Candidate; readonly form: "v39" | "dsse"; readonly manifestSigned: boolean };

const seal = Symbol("proof");

/**
 * What the evidence beside a module shows under one trust store, whatever the time is: which key signed, or why none can be named.
 * Only {@link proveSignature} makes one. Whether the host trusts that key now is asked anew each time ({@link judgeProof}).
 */
export class SignatureProof {
  readonly module: DigestedBytes;
  readonly tenant: string;
  readonly store: TrustStore;
  readonly found: Proof | SignatureFault;

  constructor(key: typeof seal, { module, tenant }: SignatureQuestion, store: TrustStore, found: Proof | SignatureFault) {
    if (key !== seal) throw new Error("bug: a proof is made by proveSignature only");
    this.module = module;
    this.tenant = tenant;
    this.store = store;
    this.found = found;
  }
}

/** Answers *who signed these bytes*. The first fault ends the examination. */
export function proveSignature(question: SignatureQuestion, store: TrustStore, crypto: Crypto): SignatureProof {
  return new SignatureProof(seal, question, store, findProof(question, store, crypto));
}

/** Answers *does the host trust that key for this tenant at this moment*. */
export function judgeProof({ found, tenant, store }: SignatureProof, nowMs: number): SignatureStanding {
  if ("code" in found) return refused(found);
  const { keyId } = found.candidate;
  const gap = store.gapOf(keyId, "signer", { tenant, nowMs });
  if (gap !== undefined) return refused(gap);
  const keyName = store.keyOf(keyId)?.name ?? "";
  return { trusted: true, keyId, keyName, form: found.form, manifestSigned: found.manifestSigned };
}

function findProof(question: SignatureQuestion, store: TrustStore, crypto: Crypto): Proof | SignatureFault {
  const { evidence, module } = question;
  const hint = readHint(evidence.publicKeyHint, crypto);
  if (hint === "malformed") return { code: "trust/public-key-malformed" };
  const changed = checkDigestFile(evidence.digestFile, module);
  if (changed !== undefined) return changed;
  if (evidence.signature === undefined && evidence.envelope === undefined) return { code: "trust/unsigned" };

  const candidates = [...(hint === undefined ? [] : [hint]), ...store.keys].slice(0, CANDIDATES_MAX);
  return evidence.envelope === undefined
    ? proveRaw(evidence.signature ?? new Uint8Array(), module, candidates, crypto)
    : proveEnvelope(evidence.envelope, question, candidates, crypto);
}

function refused(fault: SignatureFault): SignatureStanding {
  return { trusted: false, fault };
}

function readHint(bytes: Bytes | undefined, crypto: Crypto): Candidate | undefined | "malformed" {
  if (bytes === undefined) return undefined;
  const publicKey = parseBase64File(bytes, 32);
  return publicKey === undefined ? "malformed" : { keyId: keyIdOf(crypto.sha256, publicKey), publicKey };
}

function checkDigestFile(bytes: Bytes | undefined, module: DigestedBytes): SignatureFault | undefined {
  if (bytes === undefined) return undefined;
  const text = parseUtf8(bytes);
  const signed = text.ok ? parseDigest(text.value) : undefined;
  if (signed === undefined) return { code: "trust/digest-file-malformed" };
  return signed === module.digest ? undefined : { code: "trust/digest-changed", signed, found: module.digest };
}

/** v39: base64 of 64 bytes over the raw module. */
function proveRaw(bytes: Bytes, module: DigestedBytes, candidates: readonly Candidate[], crypto: Crypto): Proof | SignatureFault {
  const signature = parseBase64File(bytes, 64);
  if (signature === undefined) return { code: "trust/signature-malformed", what: "`module.sig` is not 64 bytes in base64" };
  const candidate = candidates.find(({ publicKey }) => crypto.verifyEd25519(publicKey, module.bytes, signature));
  if (candidate === undefined) return { code: "trust/signature-invalid", keyId: candidates[0]?.keyId };
  return { candidate, form: "v39", manifestSigned: false };
}

/** Ours: a DSSE envelope around an in-toto statement that names module, manifest and tenant. */
function proveEnvelope(
  bytes: Bytes,
  { module, manifest, tenant }: SignatureQuestion,
  candidates: readonly Candidate[],
  crypto: Crypto,
): Proof | SignatureFault {
  const envelope = parseEnvelope(bytes);
  if (!envelope.ok) return { code: "trust/signature-malformed", what: `\`module.dsse.json\`: ${envelope.fault.code}` };
  const candidate = candidates.find(({ publicKey }) => verifyEnvelope(envelope.value, publicKey, crypto.verifyEd25519).ok);
  if (candidate === undefined) return { code: "trust/signature-invalid", keyId: candidates[0]?.keyId };
  // The signature is good; from here on the payload is the signer's word.
  const statement = parseStatement(envelope.value.payload);
  if (!statement.ok || statement.value.predicateType !== MODULE_STATEMENT_TYPE) {
    return { code: "trust/signature-malformed", what: "the signed statement is not about a module" };
  }
  const signedDigest = (name: string) => statement.value.subject.find((subject) => subject.name === name)?.digest.sha256;
  const signedTenant = statement.value.predicate.tenant;
  if (signedDigest("module.wasm") !== module.digest) {
    return { code: "trust/signature-other-module", signed: signedDigest("module.wasm") ?? "", found: module.digest };
  }
  if (signedTenant !== tenant)
    return { code: "trust/signature-other-tenant", signed: typeof signedTenant === "string" ? signedTenant : "", tenant };
  if (signedDigest("manifest.json") !== manifest?.digest) {
    return { code: "trust/manifest-changed", signed: signedDigest("manifest.json") ?? "none", found: manifest?.digest };
  }
  return { candidate, form: "dsse", manifestSigned: manifest !== undefined };
}

/** A file of base64 text, trimmed as v39 did, of exactly so many bytes. */
export function parseBase64File(bytes: Bytes, length: number): Uint8Array | undefined {
  const text = parseUtf8(bytes.subarray(0, 4096));
  const decoded = text.ok ? parseBase64(text.value.replace(/^\uFEFF/, "").trim()) : undefined;
  return decoded?.ok === true && decoded.value.length === length ? decoded.value : undefined;
}

/** The digest of a public key in hexadecimal, for lists that are not about trust. */
export function hashPublicKeyFile(bytes: Bytes, crypto: Crypto): string | undefined {
  const publicKey = parseBase64File(bytes, 32);
  return publicKey === undefined ? undefined : encodeHex(crypto.sha256(publicKey));
}
