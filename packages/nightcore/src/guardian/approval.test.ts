import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Budgets, CAPABILITIES, type Digest, encodeTime, type KeyId, utf8 } from "#core";
import { ACTS, type ActStatement, type ApprovalStatement, encodeAct, encodeApproval, parseAct, parseApproval } from "#guardian";

const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => text as Digest);
const key = digest as fc.Arbitrary<string> as fc.Arbitrary<KeyId>;
const name = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }).filter((text) => text.isWellFormed());
const comment = name.filter((text) => text.trim() !== "");
const tenant = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const time = fc.integer({ min: 0, max: 4e12 });
const amount = fc.nat(Number.MAX_SAFE_INTEGER);
const budgets: fc.Arbitrary<Budgets> = fc
  .record({ wallMs: amount, memoryBytes: amount, fuel: amount, outputBytes: amount })
  .map((one) => ({ ...one }));

const approval: fc.Arbitrary<ApprovalStatement> = fc
  .record({
    ...{ act: fc.constantFrom("approval", "break-glass"), log: name, tenant, digest, entry: name },
    capabilities: fc.subarray([...CAPABILITIES].toSorted()),
    ...{ budgets, policy: digest, keyId: key, givenAt: time, lasts: fc.integer({ min: 1, max: 1e10 }), comment },
  })
  .map(({ lasts, givenAt, ...rest }) => ({ ...rest, givenAt: encodeTime(givenAt), expires: encodeTime(givenAt + lasts) }));

const act: fc.Arbitrary<ActStatement> = fc
  .record({
    ...{ act: fc.constantFrom(...ACTS), about: digest, log: name, tenant, keyId: key, at: time.map(encodeTime), comment },
  })
  .map((one) => ({ ...one }));

test("what was signed is read as it was said", () => {
  fc.assert(fc.property(approval, (said) => assert.deepEqual(parseApproval(encodeApproval(said)), { ok: true, value: said })));
  fc.assert(fc.property(act, (said) => assert.deepEqual(parseAct(encodeAct(said)), { ok: true, value: said })));
});

test("one consent has one encoding: white space, another order, a member more or less are refused", () => {
  fc.assert(
    fc.property(approval, (said) => {
      const text = Buffer.from(encodeApproval(said)).toString("utf8");
      const document = JSON.parse(text) as { predicate: Record<string, unknown>; subject: unknown[] };
      const { act: first, ...rest } = document.predicate;
      const others = [
        ` ${text}`,
        text.replace('"predicate":', '"predicate": '),
        JSON.stringify({ ...document, predicate: { ...rest, act: first } }),
        JSON.stringify({ ...document, predicate: { ...document.predicate, more: 1 } }),
        JSON.stringify({ ...document, predicate: rest }),
        JSON.stringify({ ...document, subject: [...document.subject, ...document.subject] }),
      ];
      for (const other of others) {
        const read = parseApproval(utf8(other));
        assert.equal(read.ok, false, other);
        if (!read.ok) assert.equal(read.fault.code, "guardian/approval-malformed");
      }
    }),
  );
});

test("a byte changed anywhere is refused or says something else, and nothing throws", () => {
  fc.assert(
    fc.property(approval, fc.nat(), fc.integer({ min: 1, max: 255 }), (said, at, flip) => {
      const bytes = encodeApproval(said);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      const read = parseApproval(bytes);
      if (read.ok) assert.notDeepEqual(read.value, said);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(parseApproval(bytes).ok, false);
      assert.equal(parseAct(bytes).ok, false);
    }),
  );
});

test("an approval and an act are never taken for each other", () => {
  fc.assert(fc.property(approval, (said) => assert.equal(parseAct(encodeApproval(said)).ok, false)));
  fc.assert(fc.property(act, (said) => assert.equal(parseApproval(encodeAct(said)).ok, false)));
});
