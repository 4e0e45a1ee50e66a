import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { encodeBase64, fail, keyIdOf, ok, utf8 } from "#core";
import type { ModuleFiles } from "#ports";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { TrustStore } from "#trust";
import { MODULE } from "./fixture.test.ts";
import { inspectModule, RecentExaminations } from "./inspection.ts";

const FROM = Date.parse("2026-06-01T00:00:00Z");
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const key = publicKeyOf(publicKey);
const STORE = TrustStore.empty.withGrant(
  { keyId: keyIdOf(sha256, key), publicKey: key, name: "alice" },
  {
    keyId: keyIdOf(sha256, key),
    role: "signer",
    tenants: ["hello"],
    from: "2026-06-01T00:00:00.000Z",
    to: "2026-06-02T00:00:00.000Z",
    addedAt: "2026-01-01T00:00:00.000Z",
  },
);

const files = (change: Partial<ModuleFiles> = {}): ModuleFiles => ({
  wasm: ok(MODULE),
  manifest: utf8('{"permissions":["stdout"]}'),
  signature: utf8(encodeBase64(signerOf(privateKey)(MODULE))),
  envelope: undefined,
  publicKeyHint: undefined,
  digestFile: undefined,
  ...change,
});

function makePowers() {
  const recent = new RecentExaminations();
  let verifications = 0;
  const counting = (...all: Parameters<typeof verifyEd25519>): boolean => {
    verifications++;
    return verifyEd25519(...all);
  };
  const powers = { crypto: { sha256, verifyEd25519: counting }, store: STORE, moduleBytesMax: 1024, recent };
  return { powers, verifications: () => verifications };
}

test("the same files are examined once, and their signer is judged each time", () => {
  const { powers, verifications } = makePowers();
  const same = files();
  const standingAt = (nowMs: number): string => {
    const { standing, verified } = inspectModule(same, { tenant: "hello", nowMs }, powers);
    assert.equal(verified !== undefined, standing?.trusted);
    return standing?.trusted === false ? standing.fault.code : "trusted";
  };
  assert.equal(standingAt(FROM - 1), "trust/key-not-yet-valid");
  assert.equal(standingAt(FROM), "trusted");
  assert.equal(standingAt(FROM + 24 * 3_600_000), "trust/key-expired");
  assert.equal(standingAt(FROM), "trusted");
  assert.equal(verifications(), 1);
  inspectModule(files(), { tenant: "hello", nowMs: FROM }, powers);
  assert.equal(verifications(), 2, "equal files that were read again are other files");
});

test("what was found for one tenant is not said of another", () => {
  const { powers } = makePowers();
  const same = files();
  const of = (tenant: string) => inspectModule(same, { tenant, nowMs: FROM }, powers);
  for (let n = 0; n < 2; n++) {
    assert.equal(of("hello").verified?.tenant, "hello");
    const { standing } = of("other");
    assert.ok(standing?.trusted === false && standing.fault.code === "trust/key-not-for-tenant");
  }
});

test("what is wrong with files is said again, in the same words", () => {
  const spoiled: readonly ModuleFiles[] = [
    files(),
    files({ wasm: fail({ code: "source/module-missing", detail: "" }) }),
    files({ wasm: ok(MODULE.subarray(0, 20)) }),
    files({ manifest: undefined }),
    files({ manifest: utf8("{") }),
    files({ signature: undefined }),
    files({ signature: utf8(encodeBase64(new Uint8Array(64))) }),
    files({ publicKeyHint: utf8("!") }),
    files({ digestFile: utf8("00".repeat(32)) }),
    files({ envelope: utf8("{}") }),
  ];
  const { powers } = makePowers();
  for (const one of spoiled) {
    const fresh = inspectModule(one, { tenant: "hello", nowMs: FROM }, { ...powers, recent: undefined });
    for (let n = 0; n < 2; n++) assert.deepEqual(inspectModule(one, { tenant: "hello", nowMs: FROM }, powers), fresh);
  }
});
