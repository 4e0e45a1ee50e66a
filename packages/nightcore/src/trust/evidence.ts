import type { Bytes, Crypto, Digest, KeyId } from "#core";
import { digestOf } from "#core";
import type { KeyFault } from "./key-record.ts";

/** What lies beside a module as evidence, as found: any of it may be absent, malformed or a lie. */
export type ModuleEvidence = {
  /** `module.sig`: base64 of an Ed25519 signature over the raw module bytes (v39). */
  readonly signature: Bytes | undefined;
  /** `module.dsse.json`: our own form, which covers the manifest and the tenant too (docs/formats/module-signature.md). */
  readonly envelope: Bytes | undefined;
  /** `pubkey.b64`: says which key to look up. Never a reason to trust it. */
  readonly publicKeyHint: Bytes | undefined;
  /** `module.sha256`: the digest at the time of signing. */
  readonly digestFile: Bytes | undefined;
};

export type SignatureFault =
  | KeyFault
  | { readonly code: "trust/unsigned" }
  | { readonly code: "trust/public-key-malformed" }
  | { readonly code: "trust/digest-file-malformed" }
  | { readonly code: "trust/digest-changed"; readonly signed: Digest; readonly found: Digest }
  | { readonly code: "trust/signature-malformed"; readonly what: string }
  | { readonly code: "trust/signature-invalid"; readonly keyId: KeyId | undefined }
  | { readonly code: "trust/signature-other-module"; readonly signed: string; readonly found: Digest }
  | { readonly code: "trust/signature-other-tenant"; readonly signed: string; readonly tenant: string }
  | { readonly code: "trust/manifest-changed"; readonly signed: string; readonly found: Digest | undefined };

/** The outcome of looking at the evidence: the host trusts the signer of exactly these bytes, or why not. */
export type SignatureStanding =
  | {
      readonly trusted: true;
      readonly keyId: KeyId;
      readonly keyName: string;
      readonly form: "v39" | "dsse";
      readonly manifestSigned: boolean;
    }
  | { readonly trusted: false; readonly fault: SignatureFault };

const seal = Symbol("digested");

/**
 * Bytes that were read once, with their digest. Everything later (parse, signature, run) works on this very buffer, so
 * that nothing can be exchanged between check and use. The owner must not write to the buffer afterwards.
 */
export class DigestedBytes {
  readonly bytes: Bytes;
  readonly digest: Digest;

  constructor(key: typeof seal, bytes: Bytes, digest: Digest) {
    if (key !== seal) throw new Error("bug: digested bytes are made by digestBytes only");
    this.bytes = bytes;
    this.digest = digest;
  }
}

/** Seals bytes with their digest. */
export function digestBytes(bytes: Bytes, crypto: Crypto): DigestedBytes {
  return new DigestedBytes(seal, bytes, digestOf(crypto.sha256, bytes));
}
