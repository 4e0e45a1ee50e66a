import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseHex, parseTime, utf8 } from "../../packages/nightcore/src/core/index.ts";
import { sha256, verifyEd25519 } from "../../packages/nightcore/src/store/keys/index.ts";
import { digestBytes, judgeProof, proveSignature, TrustStore } from "../../packages/nightcore/src/trust/index.ts";
import { makeVectors } from "./make.ts";

const crypto = { sha256, verifyEd25519 };
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "signatures.json"), "utf8")) as ReturnType<typeof makeVectors>;

test("the vectors are what make.ts makes", () => {
  assert.deepEqual(vectors, JSON.parse(JSON.stringify(makeVectors())));
});

for (const { name, tenant, at, moduleHex, manifest, files, expected } of vectors.cases) {
  test(`vectors/trust: ${name}: ${expected}`, () => {
    const store = TrustStore.parse(utf8(vectors.trustStore), crypto);
    const module = parseHex(moduleHex);
    assert.ok(store.ok && module.ok);
    const file = (text: string | undefined) => (text === undefined ? undefined : utf8(text));
    const proof = proveSignature(
      {
        module: digestBytes(module.value, crypto),
        manifest: digestBytes(utf8(manifest), crypto),
        evidence: {
          signature: file(files["module.sig"]),
          envelope: file(files["module.dsse.json"]),
          publicKeyHint: file(files["pubkey.b64"]),
          digestFile: file(files["module.sha256"]),
        },
        tenant,
      },
      store.value,
      crypto,
    );
    const standing = judgeProof(proof, parseTime(at) ?? Number.NaN);
    assert.equal(standing.trusted ? standing.form : standing.fault.code, expected);
  });
}
