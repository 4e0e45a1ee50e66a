import { resolve } from "node:path";
import { type EntrySigner, makeEntrySigner, sealEnvelope } from "#attest";
import { type KeyId, keyIdOf } from "#core";
import { explainKeyFileFault, publicKeyOf, readPrivateKey, sha256, signerOf } from "#store/keys";
import { type Invocation, usageStop } from "./invocation.ts";
import { readPassphrase } from "./passphrase.ts";
import { shownAs, unwrap } from "./unwrap.ts";

/** A person's own key, read from a file for one signature. */
export type SigningKey = { readonly keyId: KeyId; readonly signer: EntrySigner };

/** The key of `--key`; undefined when the option is not there. */
export function readSigningKey(invocation: Invocation): SigningKey | undefined {
  const file = invocation.text("key");
  if (file === undefined) return undefined;
  const read = readPrivateKey(resolve(invocation.root, file), () => readPassphrase(invocation));
  const key = unwrap(shownAs(file, read), explainKeyFileFault);
  const publicKey = publicKeyOf(key);
  return { keyId: keyIdOf(sha256, publicKey), signer: makeEntrySigner(sha256, publicKey, signerOf(key)) };
}

/** A statement under the key. */
export function signStatement(payload: Uint8Array, { signer }: SigningKey): Uint8Array {
  const sealed = sealEnvelope(payload, signer);
  if (!sealed.ok) throw usageStop("what is signed is too long", "make the comment shorter, or name fewer things");
  return sealed.value;
}
