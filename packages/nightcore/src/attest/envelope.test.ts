import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parseHex, utf8 } from "#core";
import { privateKeyObject, publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import {
  encodePae,
  envelopeBytes,
  makeEntrySigner,
  parseEnvelope,
  PAYLOAD_TYPE,
  sealEnvelope,
  verifyEnvelope,
} from "./envelope.ts";
import { encodeStatement, parseStatement } from "./statement.ts";

const privateKey = privateKeyObject(new Uint8Array(32).fill(3));
const publicKey = publicKeyOf(privateKey);
const signer = makeEntrySigner(sha256, publicKey, signerOf(privateKey));

/** The code with which reading and verifying an envelope ends, or its payload. */
function outcome(text: string): string {
  const envelope = parseEnvelope(utf8(text));
  if (!envelope.ok) return envelope.fault.code;
  const payload = verifyEnvelope(envelope.value, publicKey, verifyEd25519);
  return payload.ok ? Buffer.from(payload.value).toString() : payload.fault.code;
}

function sealed(payload: string): string {
  const envelope = sealEnvelope(utf8(payload), signer);
  assert.ok(envelope.ok);
  return Buffer.from(envelope.value).toString();
}

test("the pre-authentication encoding is the protocol's example", () => {
  const pae = encodePae("http://example.com/HelloWorld", utf8("hello world"));
  assert.equal(Buffer.from(pae).toString(), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  assert.equal(Buffer.from(encodePae("é", utf8("ü"))).toString(), "DSSEv1 2 é 2 ü");
});

test("property: an envelope has the size foretold, and gives back its payload", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6000 }), (payload) => {
      const envelope = sealEnvelope(payload, signer);
      assert.ok(envelope.ok);
      assert.equal(envelope.value.length, envelopeBytes(payload.length, signer));
      const parsed = parseEnvelope(envelope.value);
      assert.ok(parsed.ok);
      const verified = verifyEnvelope(parsed.value, publicKey, verifyEd25519);
      assert.deepEqual(verified.ok && Buffer.from(verified.value), Buffer.from(payload));
    }),
    { numRuns: 50 },
  );
});

test("the first payload whose envelope has over 65,535 bytes is refused before it is signed", () => {
  let length = 48_000;
  while (envelopeBytes(length + 1, signer) <= 65_535) length++;
  assert.ok(sealEnvelope(new Uint8Array(length), signer).ok);
  const unwilling = { keyid: signer.keyid, sign: () => assert.fail("it was signed") };
  const refused = sealEnvelope(new Uint8Array(length + 1), unwilling);
  assert.equal(refused.ok ? "" : refused.fault.code, "attest/envelope-too-large");
});

const good = sealed("{}");
const sigOf = (text: string): string => /"sig":"([^"]*)"/.exec(text)?.[1] ?? "";

for (const [what, text, expected] of [
  ["ours", good, "{}"],
  ["an unknown member, which the specification says to ignore", good.replace("{", '{"more":1,'), "{}"],
  ["white space", good.replaceAll(",", " , "), "{}"],
  ["a foreign signature before ours", good.replace('[{"', `[{"sig":"${"A".repeat(86)}=="},{"`), "{}"],
  ["no keyid", good.replace(/"keyid":"[^"]*",/, ""), "{}"],
  ["URL-safe base64", good.replace(sigOf(good), sigOf(good).replaceAll("+", "-").replaceAll("/", "_")), "{}"],
  ["a keyid that lies", good.replace(/"keyid":"[^"]*"/, '"keyid":"other"'), "{}"],
  ["the signature of another payload", good.replace(sigOf(good), sigOf(sealed("{ }"))), "attest/envelope-bad-signature"],
  ["another payload", good.replace('"e30="', '"e30gIA=="'), "attest/envelope-bad-signature"],
  ["another payload type", good.replace("in-toto", "in-tota"), "attest/envelope-wrong-type"],
  ["an empty signature", good.replace(sigOf(good), ""), "attest/envelope-bad-signature"],
  ["no signatures", good.replace(/\[.*\]/, "[]"), "attest/envelope-malformed"],
  ["17 signatures", good.replace(/\[.*\]/, `[${Array(17).fill('{"sig":""}').join()}]`), "attest/envelope-malformed"],
  ["two payloads", good.replace("{", '{"payload":"e30=",'), "attest/envelope-malformed"],
  ["a payload without padding", good.replace('"e30="', '"e30"'), "attest/envelope-malformed"],
  ["a payload in both alphabets", good.replace('"e30="', '"-/+_"'), "attest/envelope-malformed"],
  ["a payload that is a number", good.replace('"e30="', "3"), "attest/envelope-malformed"],
  ["a prototype key", good.replace("{", '{"__proto__":{},'), "attest/envelope-malformed"],
  ["a second document", `${good}{}`, "attest/envelope-malformed"],
  ["a list for an object", `[${good}]`, "attest/envelope-malformed"],
  ["65,536 bytes", good + " ".repeat(65_536 - good.length), "attest/envelope-too-large"],
] as const) {
  test(`an envelope with ${what}: ${expected}`, () => assert.equal(outcome(text), expected));
}

test("property: parsing arbitrary bytes never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseEnvelope(bytes)));
  fc.assert(fc.property(fc.json(), (text) => void parseEnvelope(utf8(text))));
  fc.assert(fc.property(fc.json(), (text) => void parseStatement(utf8(text))));
});

const statement = {
  subject: [{ name: "module.wasm", digest: { sha256: "ab".repeat(32) } }],
  predicateType: "https://example.test/run/v1",
  predicate: { run: "r", n: 1 },
};

test("a statement gives back what it was made of", () => {
  const parsed = parseStatement(encodeStatement(statement));
  assert.deepEqual(parsed.ok && JSON.parse(JSON.stringify(parsed.value)), statement);
});

const text = Buffer.from(encodeStatement(statement)).toString();
for (const [attack, wrong] of [
  ["another version", text.replace("Statement/v1", "Statement/v0.1")],
  ["no subject", text.replace(/"subject":\[.*?\]/, '"subject":[]')],
  ["a subject without digest", text.replace(/"digest":\{[^}]*\}/, '"digest":{}')],
  ["a digest in capitals", text.replace("abab", "ABAB")],
  ["an odd digest", text.replace('"ab', '"b')],
  ["no predicate type", text.replace('"https://example.test/run/v1"', '""')],
  ["a list for a predicate", text.replace(/"predicate":\{[^}]*\}/, '"predicate":[]')],
  ["two predicates", text.replace("{", '{"predicate":{},')],
] as const) {
  test(`a statement with ${attack} is refused`, () => assert.equal(parseStatement(utf8(wrong)).ok, false));
}

const CCTV = "../shared/data/tlog/cctv/ed25519vectors.json";
type CctvCase = { readonly key: string; readonly sig: string; readonly msg: string; readonly flags: readonly string[] | null };

test("CCTV's Ed25519 edge cases: nothing throws, and what is accepted has no non-canonical encoding", (t) => {
  if (!existsSync(CCTV)) return t.skip("../shared/data is not here");
  const cases = JSON.parse(readFileSync(CCTV, "utf8")) as readonly CctvCase[];
  const accepted = new Map<string, number>();
  let total = 0;
  for (const one of cases) {
    const key = parseHex(one.key);
    const sig = parseHex(one.sig);
    assert.ok(key.ok && sig.ok);
    if (!verifyEd25519(key.value, utf8(one.msg), sig.value)) continue;
    total++;
    for (const flag of one.flags ?? ["none"]) accepted.set(flag, (accepted.get(flag) ?? 0) + 1);
  }
  t.diagnostic(`accepted ${total} of ${cases.length}: ${[...accepted].map(([flag, n]) => `${flag} ${n}`).join(", ")}`);
  assert.equal(accepted.get("non_canonical_R") ?? 0, 0);
  assert.ok(PAYLOAD_TYPE.length > 0 && total < cases.length);
  return undefined;
});
