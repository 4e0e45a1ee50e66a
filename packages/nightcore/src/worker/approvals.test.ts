import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { makeEntrySigner, sealEnvelope } from "#attest";
import { type Digest, digestOf, encodeTime, keyIdOf, utf8 } from "#core";
import { BASE_APPROVALS, BASE_POLICY, decide, encodeApproval, type Facts } from "#guardian";
import { type Event, evolve, MemoryRows } from "#state";
import { publicKeyOf, sha256, signerOf, verifyEd25519 } from "#store/keys";
import { TrustStore } from "#trust";
import { type ApprovalAuthority, gatherApprovals, weighCandidate } from "./approvals.ts";

const crypto = { sha256, verifyEd25519 };
const TENANT = "tenant-agent-x";
const LOG = "example.com/log";
const START = Date.parse("2026-06-01T00:00:00Z");
const HOUR = 3_600_000;
const POLICY = "b".repeat(64) as Digest;
const MODULES: readonly Digest[] = ["a".repeat(64) as Digest, "c".repeat(64) as Digest];

const PEOPLE = ["bob", "carol", "alice", "agent"] as const;
type Person = (typeof PEOPLE)[number];

const KEYS = new Map(
  PEOPLE.map((person) => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const raw = publicKeyOf(publicKey);
    return [person, { raw, keyId: keyIdOf(sha256, raw), signer: makeEntrySigner(sha256, raw, signerOf(privateKey)) }] as const;
  }),
);
const keyOf = (person: Person) => KEYS.get(person) ?? assert.fail();

/** Everybody is an approver by role: what excludes some of them is what they did. */
const EVERYBODY = PEOPLE.reduce((store, person) => {
  const { keyId, raw } = keyOf(person);
  const grant = { keyId, role: "approver", tenants: [TENANT], addedAt: encodeTime(START) };
  return store.withGrant({ keyId, publicKey: raw, name: person }, { ...grant, from: undefined, to: undefined });
}, TrustStore.empty);

/** A workspace in memory: what happens is folded as the log would be, and each decision is made from what was folded. */
class World {
  readonly rows = new MemoryRows();
  nowMs = START;
  store = EVERYBODY;
  authority: ApprovalAuthority | undefined;
  #index = 0;
  readonly ids: { readonly id: Digest; readonly digest: Digest }[] = [];

  fold(event: Event): void {
    evolve(this.rows, event, { index: this.#index++ });
  }

  submit(digest: Digest): void {
    const submitter = { uid: 7, account: "agent", claimed: { submitter: null, agent: null, note: null } };
    const id = digestOf(sha256, utf8(`${digest}${this.nowMs}`));
    this.fold({
      ...{
        kind: "submission",
        at: encodeTime(this.nowMs),
        id,
        origin: "agent-inbox",
        file: "x.wasm",
        container: null,
        tenant: TENANT,
      },
      ...{ digest, manifest: null, sizeBytes: 8, submitter, finding: null },
    });
  }

  facts(digest: Digest, fuel = 1000): Facts {
    const { rows, store, nowMs, authority } = this;
    const keyId = keyOf("alice").keyId;
    const standing = { trusted: true, keyId, keyName: "alice", form: "dsse", manifestSigned: true } as const;
    const question = {
      tenant: TENANT,
      digest,
      nowMs,
      machineMs: nowMs,
      log: LOG,
      policy: BASE_APPROVALS,
      standing,
      rows,
      store,
      crypto,
      authority,
    };
    return {
      ...{ tenant: TENANT, at: encodeTime(nowMs), mode: "run", backend: "wasm", isolation: [], source: "agent" },
      module: { admitted: true, digest, sizeBytes: 8, imports: [], features: [] },
      signature: standing,
      manifest: { state: "read", digest, form: "nightcore/v1", tenant: undefined, capabilities: ["stdout"], budgets: { fuel } },
      entry: { name: "_start", present: true },
      operatorGrants: [],
      trustStore: POLICY,
      policy: { state: "read", digest: POLICY, policy: BASE_POLICY },
      blocks: [],
      history: { firstSeenAt: undefined, previousDigest: undefined, manifestWasSigned: false },
      approvals: gatherApprovals(question),
    };
  }

  sign(person: Person, digest: Digest, hours: number): Uint8Array {
    const { keyId, signer } = keyOf(person);
    const statement = encodeApproval({
      ...{ act: "approval", log: LOG, tenant: TENANT, digest, entry: "_start", capabilities: ["stdout"] },
      ...{ budgets: { ...BASE_POLICY.limits, fuel: 1000 }, policy: POLICY, keyId, givenAt: encodeTime(this.nowMs) },
      ...{ expires: encodeTime(this.nowMs + hours * HOUR), comment: "read it" },
    });
    const sealed = sealEnvelope(statement, signer);
    return sealed.ok ? sealed.value : assert.fail();
  }

  record(envelope: Uint8Array, digest: Digest): string | undefined {
    const candidate = weighCandidate(envelope, this.facts(digest), {
      store: this.store,
      crypto,
      nowMs: this.nowMs,
      authority: this.authority,
    });
    const { approval, weighed } = candidate;
    const text = Buffer.from(envelope).toString("utf8");
    const said = {
      keyId: approval.statement?.keyId ?? null,
      person: approval.person ?? null,
      expires: approval.statement?.expires ?? null,
    };
    this.fold({
      ...{ kind: "approval", at: encodeTime(this.nowMs), id: approval.id, tenant: TENANT, digest, manifest: null, signer: null },
      ...{
        act: "approval",
        ...said,
        envelope: text,
        finding: weighed.finding ?? null,
        complete: false,
        reviewDue: null,
        candidates: [],
      },
    });
    this.ids.push({ id: approval.id, digest });
    return weighed.finding?.code;
  }

  revoke(n: number): void {
    const { id, digest } = this.ids[n] ?? assert.fail();
    const by = { account: "root", keyId: null, person: null, envelope: null };
    this.fold({ kind: "withdrawal", at: encodeTime(this.nowMs), tenant: TENANT, digest, id, reason: "r", by });
  }

  reject(digest: Digest): void {
    const by = { account: "root", keyId: null, person: null, envelope: null };
    this.fold({ kind: "rejection", at: encodeTime(this.nowMs), tenant: TENANT, digest, reason: "r", by, candidates: [] });
  }

  runs(digest: Digest): boolean {
    return decide(this.facts(digest)).verdict === "allow";
  }
}

const module = fc.constantFrom(...MODULES);
const step = fc.oneof(
  fc.record({ what: fc.constant("submit" as const), digest: module }),
  fc.record({
    what: fc.constant("approve" as const),
    person: fc.constantFrom(...PEOPLE),
    digest: module,
    hours: fc.integer({ min: 1, max: 48 }),
  }),
  fc.record({ what: fc.constant("replay" as const), n: fc.nat(20), digest: module }),
  fc.record({ what: fc.constant("revoke" as const), n: fc.nat(20) }),
  fc.record({ what: fc.constant("reject" as const), digest: module }),
  fc.record({ what: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 24 }) }),
  fc.record({ what: fc.constant("leave" as const), person: fc.constantFrom("bob" as const, "carol" as const) }),
);

/** What a person would expect, kept in the plainest way: consents that still hold, and when each ends. */
type Consent = { readonly person: Person; readonly digest: Digest; readonly endsMs: number };

test("whatever happens in whichever order, a module runs exactly while somebody who may has approved exactly it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14, size: "max" }), (steps) => {
      const world = new World();
      const signed: { readonly envelope: Uint8Array; readonly consent: Consent }[] = [];
      const recorded: { readonly consent: Consent; readonly digest: Digest }[] = [];
      const dead = new Set<number>();
      const gone = new Set<Person>();
      world.submit(MODULES[0] ?? assert.fail());
      world.submit(MODULES[1] ?? assert.fail());
      for (const one of steps) {
        world.nowMs += 1;
        if (one.what === "submit") world.submit(one.digest);
        if (one.what === "wait") world.nowMs += one.hours * HOUR;
        if (one.what === "approve") {
          const consent = { person: one.person, digest: one.digest, endsMs: world.nowMs + one.hours * HOUR };
          const envelope = world.sign(one.person, one.digest, one.hours);
          signed.push({ envelope, consent });
          world.record(envelope, one.digest);
          recorded.push({ consent, digest: one.digest });
        }
        const again = one.what === "replay" ? signed[one.n] : undefined;
        if (one.what === "replay" && again !== undefined) {
          world.record(again.envelope, one.digest);
          // Where it belongs it is known already, and stays what it is; elsewhere it is another one's.
          recorded.push({ consent: again.consent, digest: one.digest });
          const first = recorded.findIndex(({ consent, digest }) => consent === again.consent && digest === one.digest);
          if (first < recorded.length - 1) dead.add(recorded.length - 1);
        }
        if (one.what === "revoke" && one.n < recorded.length) {
          world.revoke(one.n);
          const target = recorded[one.n] ?? assert.fail();
          recorded.forEach(({ consent, digest }, n) => {
            if (consent === target.consent && digest === target.digest) dead.add(n);
          });
        }
        if (one.what === "reject") {
          world.reject(one.digest);
          recorded.forEach(({ digest }, n) => digest === one.digest && dead.add(n));
        }
        if (one.what === "leave") {
          gone.add(one.person);
          world.store = world.store.withRevocation({
            keyId: keyOf(one.person).keyId,
            revokedAt: encodeTime(world.nowMs),
            reason: "left",
          });
        }
        for (const digest of MODULES) {
          const expected = recorded.some(
            ({ consent, digest: place }, n) =>
              place === digest &&
              consent.digest === digest &&
              !dead.has(n) &&
              (consent.person === "bob" || consent.person === "carol") &&
              !gone.has(consent.person) &&
              world.nowMs < consent.endsMs,
          );
          assert.equal(world.runs(digest), expected, JSON.stringify(decide(world.facts(digest)).reasons));
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("an approval by a key that is not trusted, or whose envelope has another byte, never counts", () => {
  const world = new World();
  const digest = MODULES[0] ?? assert.fail();
  world.submit(digest);
  const envelope = world.sign("bob", digest, 24);
  fc.assert(
    fc.property(fc.nat(envelope.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const other = envelope.slice();
      other[at] = (other[at] ?? 0) ^ flip;
      const { weighed } = weighCandidate(other, world.facts(digest), { store: world.store, crypto, nowMs: world.nowMs });
      assert.notEqual(weighed.finding, undefined, `byte ${at}`);
    }),
  );
  world.store = TrustStore.empty;
  assert.equal(world.record(envelope, digest), "guardian/approver-unknown");
  assert.equal(world.runs(digest), false);
});

test("a policy has the last word about who may approve, from the next decision on", () => {
  const world = new World();
  const [digest = assert.fail()] = MODULES;
  world.submit(digest);
  world.record(world.sign("bob", digest, 24), digest);
  assert.equal(world.runs(digest), true);
  const asked: unknown[] = [];
  world.authority = (question) => {
    asked.push(question);
    return question.person === "bob" ? "forbidden by policy `not-bob`" : undefined;
  };
  assert.equal(world.runs(digest), false);
  assert.deepEqual(asked.at(-1), { person: "bob", roles: ["approver"], deed: "approve", tenant: TENANT });
  const [reason] = decide(world.facts(digest)).reasons;
  assert.equal(reason?.code, "guardian/approval-role-ended");
  assert.match(reason.message, /forbidden by policy/);
  world.record(world.sign("carol", digest, 24), digest);
  assert.equal(world.runs(digest), true);
});

test("more submissions than a row remembers do not make the submitter a stranger", () => {
  const world = new World();
  const [first = assert.fail()] = MODULES;
  world.submit(first);
  for (let n = 0; n < 70; n++) world.submit(digestOf(sha256, utf8(`${n}`)));
  assert.equal(world.record(world.sign("agent", first, 24), first), "guardian/approval-by-submitter");
});

test("facts of a decision with as many approvals as are looked at fit into an entry", () => {
  const world = new World();
  const digest = MODULES[0] ?? assert.fail();
  world.submit(digest);
  for (let n = 0; n < 20; n++) {
    world.nowMs += 1;
    world.record(world.sign(n % 2 === 0 ? "alice" : "agent", digest, 24), digest);
  }
  const facts = world.facts(digest);
  assert.equal(facts.approvals.given.length, 16);
  const bytes = JSON.stringify({ facts, reasons: decide(facts).reasons }).length;
  assert.ok((bytes * 4) / 3 < 60_000, `${bytes} bytes`);
});
