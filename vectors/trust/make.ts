/**
 * Writes `signatures.json`: `node vectors/trust/make.ts`. Modules with their evidence, a trust store, and what has to come
 * out, for any implementation of docs/formats/module-signature.md. All keys come from fixed seeds, so a second run gives the
 * same bytes; `vectors.test.ts` beside it checks that, and that our own code agrees.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeStatement, makeEntrySigner, sealEnvelope } from "../../packages/nightcore/src/attest/index.ts";
import { encodeBase64, encodeHex, keyIdOf, utf8 } from "../../packages/nightcore/src/core/index.ts";
import { privateKeyObject, publicKeyOf, sha256, signerOf } from "../../packages/nightcore/src/store/keys/index.ts";
import { MODULE_STATEMENT_TYPE, TrustStore } from "../../packages/nightcore/src/trust/index.ts";

/** One case. Files are texts as they lie beside the module; `expected` is a fault's code, or `v39` or `dsse` for a trusted signer. */
export type SignatureVector = {
  readonly name: string;
  readonly tenant: string;
  readonly at: string;
  readonly moduleHex: string;
  readonly manifest: string;
  readonly files: Readonly<Partial<Record<"module.sig" | "module.dsse.json" | "pubkey.b64" | "module.sha256", string>>>;
  readonly expected: string;
};

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const MANIFEST = '{"permissions":["stdout"]}';

function keyOf(fill: number) {
  const object = privateKeyObject(new Uint8Array(32).fill(fill));
  const publicKey = publicKeyOf(object);
  return { publicKey, keyId: keyIdOf(sha256, publicKey), sign: signerOf(object) };
}

type Key = ReturnType<typeof keyOf>;

function raw(key: Key, bytes: Uint8Array = MODULE) {
  return { "module.sig": encodeBase64(key.sign(bytes)), "pubkey.b64": encodeBase64(key.publicKey) };
}

function sealed(key: Key, { tenant = "hello", module = MODULE, manifest = MANIFEST } = {}) {
  const subject = [
    { name: "module.wasm", digest: { sha256: encodeHex(sha256(module)) } },
    { name: "manifest.json", digest: { sha256: encodeHex(sha256(utf8(manifest))) } },
  ];
  const statement = encodeStatement({ subject, predicateType: MODULE_STATEMENT_TYPE, predicate: { tenant } });
  const envelope = sealEnvelope(statement, makeEntrySigner(sha256, key.publicKey, key.sign));
  if (!envelope.ok) throw new Error("a vector cannot be made");
  return { "module.dsse.json": Buffer.from(envelope.value).toString("utf8") };
}

/** The trust store of all cases, and the cases. */
export function makeVectors(): { readonly trustStore: string; readonly cases: readonly SignatureVector[] } {
  const [current, ended, revoked, stranger] = [1, 2, 3, 4].map(keyOf);
  if (current === undefined || ended === undefined || revoked === undefined || stranger === undefined) throw new Error("no keys");
  const addedAt = "2026-01-01T00:00:00.000Z";
  const grant = { role: "signer", tenants: ["hello"], from: undefined, to: undefined, addedAt } as const;
  const store = TrustStore.empty
    .withGrant({ ...current, name: "current" }, { ...grant, keyId: current.keyId })
    .withGrant({ ...ended, name: "ended" }, { ...grant, keyId: ended.keyId, to: "2026-03-01T00:00:00.000Z" })
    .withGrant({ ...revoked, name: "revoked" }, { ...grant, keyId: revoked.keyId })
    .withRevocation({ keyId: revoked.keyId, revokedAt: "2026-02-01T00:00:00.000Z", reason: "vector" });

  const other = utf8("another module");
  const rows: readonly (readonly [
    name: string,
    expected: string,
    files: SignatureVector["files"],
    change?: Partial<SignatureVector>,
  ])[] = [
    ["raw signature of a trusted key", "v39", raw(current)],
    ["envelope of a trusted key", "dsse", sealed(current)],
    ["nothing", "trust/unsigned", {}],
    ["raw signature of a stranger", "trust/key-untrusted", raw(stranger)],
    ["envelope of a stranger", "trust/signature-invalid", sealed(stranger)],
    ["raw signature over other bytes", "trust/signature-invalid", raw(current, other)],
    ["envelope for another module", "trust/signature-other-module", sealed(current, { module: other })],
    ["envelope for another tenant", "trust/signature-other-tenant", sealed(current, { tenant: "victim" })],
    ["manifest changed since", "trust/manifest-changed", sealed(current), { manifest: '{"permissions":["stdout","fs:read"]}' }],
    ["digest of before", "trust/digest-changed", { ...raw(current), "module.sha256": `${encodeHex(sha256(other))}\n` }],
    [
      "digest in upper case, as v39 printed it",
      "v39",
      { ...raw(current), "module.sha256": encodeHex(sha256(MODULE)).toUpperCase() },
    ],
    ["trust that has ended", "trust/key-expired", raw(ended)],
    ["the last moment of trust", "v39", raw(ended), { at: "2026-02-28T23:59:59.999Z" }],
    ["a revoked key", "trust/key-revoked", raw(revoked)],
    ["a revoked key, before its revocation", "trust/key-revoked", raw(revoked), { at: "2026-01-15T00:00:00.000Z" }],
    ["a tenant that the key is not for", "trust/key-not-for-tenant", raw(current), { tenant: "other" }],
    [
      "base64 without padding",
      "trust/signature-malformed",
      { ...raw(current), "module.sig": raw(current)["module.sig"].replace(/=+$/, "") },
    ],
    ["URL-safe base64", "trust/public-key-malformed", { ...raw(current), "pubkey.b64": "-".repeat(43) + "=" }],
  ];
  const cases = rows.map(([name, expected, files, change]) => {
    return {
      name,
      tenant: "hello",
      at: "2026-06-01T00:00:00.000Z",
      moduleHex: encodeHex(MODULE),
      manifest: MANIFEST,
      files,
      expected,
      ...change,
    };
  });
  return { trustStore: Buffer.from(store.encode()).toString("utf8"), cases };
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, "signatures.json"), `${JSON.stringify(makeVectors(), null, 2)}\n`);
}
