import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { makeEntrySigner, sealEnvelope } from "#attest";
import { type Bytes, type Digest, keyIdOf, type RunId } from "#core";
import { type Event, evolve, MemoryRows } from "#state";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { TrustStore } from "#trust";
import { encodeRelease, judgeRelease, type ReleaseQuestion, type ReleaseStatement } from "#worker";

const crypto = { sha256, verifyEd25519 };
const D = "dd".repeat(32) as Digest;
const BLOCKED_AT = "2026-06-01T00:00:00.000Z";
const AT = "2026-06-02T00:00:00.000Z";

function makePerson() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKeyOf(publicKey);
  const keyId = keyIdOf(sha256, raw);
  return { keyId, raw, signer: makeEntrySigner(sha256, raw, signerOf(privateKey)) };
}
type Person = ReturnType<typeof makePerson>;
const [alice, bob, carol, dave] = [makePerson(), makePerson(), makePerson(), makePerson()];
const [erin, bobsOther] = [makePerson(), makePerson()];

const trust = (store: TrustStore, { keyId, raw }: Person, name: string, role: "signer" | "approver", tenant = "*") =>
  store.withGrant(
    { keyId, publicKey: raw, name },
    { keyId, role, tenants: [tenant], from: undefined, to: undefined, addedAt: AT },
  );
let store = trust(TrustStore.empty, alice, "alice", "signer");
// Alice both signs and approves; dave approves for one tenant alone.
store = trust(trust(trust(store, alice, "alice", "approver"), bob, "bob", "approver"), carol, "carol", "approver");
store = trust(store, erin, "erin", "approver");
store = trust(trust(store, dave, "dave", "approver", "hello"), bobsOther, "bob", "approver");

/** A log in which alice's key signed some bytes, and four things are blocked. */
function makeRows(): MemoryRows {
  const rows = new MemoryRows();
  const of = { run: "r" as RunId, tenant: "hello", at: BLOCKED_AT, digest: D };
  const signed = { trusted: true, keyId: alice.keyId, form: "dsse", manifestSigned: true, finding: null, trustStore: D };
  const targets = [
    { kind: "digest", target: D },
    { kind: "tenant", target: "hello" },
    { kind: "signer", target: bob.keyId },
    { kind: "imports", target: '["a.b"]' },
  ] as const;
  const block = {
    at: BLOCKED_AT,
    targets,
    reason: "r",
    cause: "operator",
    causedBy: erin.keyId,
    run: null,
    order: null,
  } as const;
  const events: readonly Event[] = [
    { kind: "admission", ...of, sizeBytes: 1, admitted: true, finding: null, shape: null },
    { kind: "verification", ...of, ...signed },
    { kind: "block", ...block },
  ];
  events.forEach((event, index) => evolve(rows, event, { index }));
  return rows;
}

// Policies under which dave may release for his tenant alone, and carol nothing.
const refuse = ({ person, tenant }: ReleaseQuestion) =>
  person === "carol" || (person === "dave" && tenant !== "hello") ? "no policy permits it" : undefined;

type Change = Partial<ReleaseStatement> & {
  readonly by?: Person;
  readonly signedBy?: Person;
  readonly said?: Partial<ReleaseStatement>;
};

function judge(rows: MemoryRows, count: number, { by = bob, signedBy = by, said = {}, ...change }: Change) {
  const statement = { log: "l", blocks: ["2.3"], keyId: by.keyId, at: AT, comment: "c", ...change };
  const sealed = sealEnvelope(encodeRelease({ ...statement, ...said }, crypto), signedBy.signer);
  const envelope: Bytes = sealed.ok ? sealed.value : new Uint8Array();
  return judgeRelease({ statement, envelope, entry: 2 }, { crypto, store, rows, require: [{ role: "approver", count }], refuse });
}

test("a release counts when an approver signed it who has nothing to do with what is blocked", () => {
  const rows: readonly (readonly [what: string, change: Change, expected: string])[] = [
    ["an approver", {}, "released"],
    ["an approver of the tenant that is blocked", { blocks: ["2.1"], by: dave }, "released"],
    ["an approver of one tenant, for bytes", { blocks: ["2.0"], by: dave }, "trust/key-not-for-tenant"],
    ["a key that nobody knows", { by: makePerson() }, "trust/key-untrusted"],
    ["a signature of another key", { signedBy: dave }, "worker/release-unsigned"],
    ["a signature over other blocks", { said: { blocks: ["2.2"] } }, "worker/release-unsigned"],
    ["a signature for another log", { said: { log: "m" } }, "worker/release-unsigned"],
    ["whom the policies do not permit it", { by: carol }, "worker/release-forbidden"],
    ["who caused the block", { by: erin }, "worker/release-own"],
    ["who signed the bytes", { blocks: ["2.0"], by: alice }, "worker/release-own"],
    ["who is blocked", { blocks: ["2.2"] }, "worker/release-own"],
    ["who is blocked, under another key", { blocks: ["2.2"], by: bobsOther }, "worker/release-own"],
    ["one of several that is not theirs to end", { blocks: ["2.3", "2.2"] }, "worker/release-own"],
    ["a clock that went back", { at: "2026-05-01T00:00:00.000Z" }, "worker/release-clock"],
  ];
  for (const [what, change, expected] of rows) {
    const { state, finding } = judge(makeRows(), 1, change);
    assert.equal(finding?.code ?? state, expected, what);
    assert.equal(state === "released", expected === "released", what);
  }
});

test("one person is one person, and a refusal counts for nothing", () => {
  const rows = makeRows();
  const step = (change: Change) => {
    const event = judge(rows, 2, change);
    evolve(rows, event, { index: rows.scan("notices", {}).length + 10 });
    return event.finding?.code ?? event.state;
  };
  assert.equal(step({ by: dave }), "trust/key-not-for-tenant");
  assert.equal(step({ by: bob }), "consented");
  assert.equal(step({ by: bob }), "worker/release-repeated");
  assert.equal(step({ by: bobsOther }), "worker/release-repeated", "a second key makes no second person");
  assert.equal(step({ by: alice }), "released");
  assert.equal(rows.get("blocks", "2.3")?.["released_at"], AT);
  assert.equal(rows.get("blocks", "2.0")?.["released_at"], null);
});
