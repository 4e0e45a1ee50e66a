import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { Workspace } from "../journeys/workspace.ts";

type DsseEnvelope = { payload: string; payloadType: string; signatures: { sig: string; keyid: string }[] };

/** RFC 8410: the DER in front of the 32 bytes of an Ed25519 public key. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Verifies an envelope with sigstore's own code and a key that the caller manages: no certificate, no Rekor. */
function verifyWithSigstore(envelope: DsseEnvelope, publicKey: Uint8Array): string {
  const hint = envelope.signatures[0]?.keyid ?? "";
  const bundle = bundleFromJSON({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint }, tlogEntries: [], timestampVerificationData: { rfc3161Timestamps: [] } },
    dsseEnvelope: envelope,
  });
  const key = {
    rawBytes: Buffer.concat([SPKI_PREFIX, publicKey]),
    keyDetails: 7, // PKIX_ED25519
    validFor: { start: new Date(0) },
  };
  const root = { mediaType: "", tlogs: [], certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
  const trust = toTrustMaterial(root, { [hint]: key });
  const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
  try {
    verifier.verify(toSignedEntity(bundle));
    return "verified";
  } catch (error) {
    return error instanceof Error ? error.name : "thrown";
  }
}

test("every entry of a receipt verifies with @sigstore/verify under the log's key, and not when a byte of it is other", (context) => {
  const workspace = Workspace.make(context);
  workspace.addTenant("hello");
  workspace.signAndTrust("hello");
  const { run } = workspace.runOf("hello");
  const { entries } = JSON.parse(workspace.expect(0, "receipt", "show", run).stdout) as { entries: { envelope: string }[] };
  const vkey = workspace.expect(0, "ledger", "vkey").stdout.trim();
  const publicKey = Buffer.from(vkey.split("+").slice(2).join("+"), "base64").subarray(1);
  assert.equal(entries.length, 2);
  for (const { envelope: text } of entries) {
    const envelope = JSON.parse(text) as DsseEnvelope;
    assert.equal(verifyWithSigstore(envelope, publicKey), "verified");
    const payload = Buffer.from(envelope.payload, "base64");
    payload[20] = (payload[20] ?? 0) ^ 1;
    assert.equal(verifyWithSigstore({ ...envelope, payload: payload.toString("base64") }, publicKey), "VerificationError");
    assert.equal(verifyWithSigstore({ ...envelope, payloadType: "text/plain" }, publicKey), "VerificationError");
    const foreign = Uint8Array.from(publicKey, (byte, n) => (n === 3 ? byte ^ 1 : byte));
    assert.notEqual(verifyWithSigstore(envelope, foreign), "verified");
  }
});
