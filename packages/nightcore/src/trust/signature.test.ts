import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { encodeStatement, makeEntrySigner, sealEnvelope } from "#attest";
import { encodeBase64, keyIdOf, utf8 } from "#core";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { digestBytes, judgeProof, MODULE_STATEMENT_TYPE, type ModuleEvidence, proveSignature, TrustStore } from "#trust";

const crypto = { sha256, verifyEd25519 };
const NOW = Date.parse("2026-06-01T00:00:00Z");
const MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const MANIFEST = utf8('{"permissions":["stdout"]}');

function makeKey() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKeyOf(publicKey);
  return { publicKey: raw, sign: signerOf(privateKey), keyId: keyIdOf(sha256, raw) };
}
const alice = makeKey();
const mallory = makeKey();

function trusting(
  key = alice,
  scope: { tenants?: string[]; from?: string; to?: string; role?: "signer" | "approver" } = {},
): TrustStore {
  const { tenants = ["hello"], from, to, role = "signer" } = scope;
  return TrustStore.empty.withGrant(
    { keyId: key.keyId, publicKey: key.publicKey, name: "alice" },
    { keyId: key.keyId, role, tenants, from, to, addedAt: "2026-01-01T00:00:00.000Z" },
  );
}

function v39(key = alice, bytes = MODULE): ModuleEvidence {
  return {
    signature: utf8(`${encodeBase64(key.sign(bytes))}\n`),
    publicKeyHint: utf8(encodeBase64(key.publicKey)),
    digestFile: utf8(`${digestBytes(bytes, crypto).digest}\n`),
    envelope: undefined,
  };
}

function dsse(
  change: { tenant?: string; module?: Uint8Array; manifest?: Uint8Array | undefined; key?: typeof alice; type?: string } = {},
): ModuleEvidence {
  const { tenant = "hello", module = MODULE, manifest = MANIFEST, key = alice, type = MODULE_STATEMENT_TYPE } = change;
  const subject = [
    { name: "module.wasm", digest: { sha256: digestBytes(module, crypto).digest } },
    ...("manifest" in change && change.manifest === undefined
      ? []
      : [{ name: "manifest.json", digest: { sha256: digestBytes(manifest, crypto).digest } }]),
  ];
  const envelope = sealEnvelope(
    encodeStatement({ subject, predicateType: type, predicate: { tenant } }),
    makeEntrySigner(sha256, key.publicKey, key.sign),
  );
  assert.ok(envelope.ok);
  return { envelope: envelope.value, signature: undefined, publicKeyHint: undefined, digestFile: undefined };
}

function examine(
  evidence: ModuleEvidence,
  store = trusting(),
  { manifest = MANIFEST, tenant = "hello" }: { manifest?: Uint8Array; tenant?: string } = {},
): string {
  const question = { module: digestBytes(MODULE, crypto), manifest: digestBytes(manifest, crypto), evidence, tenant };
  const standing = judgeProof(proveSignature(question, store, crypto), NOW);
  return standing.trusted ? `${standing.form}${standing.manifestSigned ? " with manifest" : ""}` : standing.fault.code;
}

const NONE: ModuleEvidence = { signature: undefined, envelope: undefined, publicKeyHint: undefined, digestFile: undefined };
const revoked = trusting().withRevocation({ keyId: alice.keyId, revokedAt: "2026-02-01T00:00:00.000Z", reason: "lost" });

const ROWS: readonly (readonly [
  what: string,
  outcome: string,
  evidence: ModuleEvidence,
  store?: TrustStore,
  around?: { manifest?: Uint8Array; tenant?: string },
])[] = [
  ["v39's signature by a trusted key", "v39", v39()],
  ["v39's signature without a hint", "v39", { ...v39(), publicKeyHint: undefined }],
  ["v39's signature under another's hint", "v39", { ...v39(), publicKeyHint: utf8(encodeBase64(mallory.publicKey)) }],
  ["our envelope", "dsse with manifest", dsse()],
  ["trust for every tenant", "v39", v39(), trusting(alice, { tenants: ["*"] })],
  ["nothing", "trust/unsigned", NONE],
  ["a key that only travels with the module", "trust/key-untrusted", v39(mallory)],
  ["a key that only travels with the module, in an envelope", "trust/signature-invalid", dsse({ key: mallory })],
  ["a signature over other bytes", "trust/signature-invalid", { ...v39(alice, utf8("other")), digestFile: undefined }],
  ["bytes that changed after signing", "trust/digest-changed", v39(alice, utf8("before"))],
  ["a digest file that is no digest", "trust/digest-file-malformed", { ...v39(), digestFile: utf8("yes") }],
  ["a signature in broken base64", "trust/signature-malformed", { ...v39(), signature: utf8("!!!") }],
  ["a signature of 63 bytes", "trust/signature-malformed", { ...v39(), signature: utf8(encodeBase64(new Uint8Array(63))) }],
  ["a hint of 31 bytes", "trust/public-key-malformed", { ...v39(), publicKeyHint: utf8(encodeBase64(new Uint8Array(31))) }],
  [
    "a small-order public key as a hint",
    "trust/signature-invalid",
    { ...v39(), signature: utf8(encodeBase64(new Uint8Array(64))), publicKeyHint: utf8(encodeBase64(new Uint8Array(32))) },
  ],
  ["a revoked key", "trust/key-revoked", v39(), revoked],
  ["a key for another tenant", "trust/key-not-for-tenant", v39(), trusting(alice, { tenants: ["other"] })],
  ["a key from tomorrow on", "trust/key-not-yet-valid", v39(), trusting(alice, { from: "2026-06-01T00:00:00.001Z" })],
  ["a key until this very moment", "trust/key-expired", v39(), trusting(alice, { to: "2026-06-01T00:00:00.000Z" })],
  ["a key from this very moment", "v39", v39(), trusting(alice, { from: "2026-06-01T00:00:00.000Z" })],
  ["an approver's key", "trust/key-wrong-role", v39(), trusting(alice, { role: "approver" })],
  ["another tenant's envelope", "trust/signature-other-tenant", dsse({ tenant: "victim" })],
  ["another module's envelope", "trust/signature-other-module", dsse({ module: utf8("other") })],
  [
    "a widened manifest",
    "trust/manifest-changed",
    dsse(),
    trusting(),
    { manifest: utf8('{"permissions":["stdout","fs:read"]}') },
  ],
  ["a manifest that was added after signing", "trust/manifest-changed", dsse({ manifest: undefined })],
  ["a signed statement about something else", "trust/signature-malformed", dsse({ type: "urn:nightcore:outcome:v1" })],
  ["an envelope that is not JSON", "trust/signature-malformed", { ...NONE, envelope: utf8("{") }],
  ["a broken envelope beside a good v39 signature", "trust/signature-malformed", { ...v39(), envelope: utf8("{}") }],
];

for (const [what, outcome, evidence, store, around] of ROWS) {
  test(`${what}: ${outcome}`, () => {
    assert.equal(examine(evidence, store, around), outcome);
  });
}

test("no single changed byte of any evidence is ever trusted", () => {
  const files = { signature: v39(), envelope: dsse() };
  fc.assert(
    fc.property(fc.constantFrom("signature", "envelope"), fc.nat(), fc.integer({ min: 1, max: 255 }), (name, at, flip) => {
      const evidence = files[name];
      const bytes = Uint8Array.from(evidence[name] ?? []);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      const outcome = examine({ ...evidence, [name]: bytes });
      // White space at the end of a base64 file, and members of an envelope that authenticate nothing, may change.
      const same =
        Buffer.from(bytes).toString().trim() ===
        Buffer.from(evidence[name] ?? [])
          .toString()
          .trim();
      if (!same && !changesOnlyKeyId(bytes)) assert.match(outcome, /^trust\//, `${name} with byte ${index} changed`);
    }),
  );
});

function changesOnlyKeyId(bytes: Uint8Array): boolean {
  const strip = (text: string) => text.replace(/"keyid":"[^"]*"|"keyid"|"[^"]{5}":"[0-9a-f]{64}"/, "");
  return strip(Buffer.from(bytes).toString()) === strip(Buffer.from(dsse().envelope ?? []).toString());
}

test("the trust store reads what it writes, and lists every problem of what it does not", () => {
  const store = revoked.withGrant(
    { keyId: mallory.keyId, publicKey: mallory.publicKey, name: "m" },
    {
      keyId: mallory.keyId,
      role: "approver",
      tenants: ["*"],
      from: "2026-01-01T00:00:00.000Z",
      to: undefined,
      addedAt: "2026-01-01T00:00:00.000Z",
    },
  );
  const again = TrustStore.parse(store.encode(), crypto);
  assert.ok(again.ok);
  assert.deepEqual(again.value.encode(), store.encode());
  const bad = utf8(
    JSON.stringify({
      format: "nightcore-trust/v1",
      keys: [{ keyId: alice.keyId, publicKey: encodeBase64(mallory.publicKey), name: "swapped" }],
      grants: [{ keyId: alice.keyId, role: "god", tenants: [], addedAt: "x" }],
      revocations: "none",
      more: 1,
    }),
  );
  const refused = TrustStore.parse(bad, crypto);
  assert.ok(!refused.ok && refused.fault.code === "trust/store-malformed");
  assert.ok(refused.fault.problems.length >= 4, refused.fault.problems.join("; "));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void TrustStore.parse(bytes, crypto)));
});

test("a revocation keeps its first reason and cannot be undone by trusting again", () => {
  const again = revoked
    .withRevocation({ keyId: alice.keyId, revokedAt: "2026-03-01T00:00:00.000Z", reason: "other" })
    .withGrant(
      { keyId: alice.keyId, publicKey: alice.publicKey, name: "alice" },
      { keyId: alice.keyId, role: "signer", tenants: ["*"], from: undefined, to: undefined, addedAt: "2026-03-01T00:00:00.000Z" },
    );
  assert.equal(again.revocationOf(alice.keyId)?.reason, "lost");
  assert.equal(examine(v39(), again), "trust/key-revoked");
});
