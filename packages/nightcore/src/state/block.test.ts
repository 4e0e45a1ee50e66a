import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BlockTarget, type Digest, encodeImportSet } from "#core";
import { type BlockQuestion, type Event, evolve, findBlocks, isBlocked, MemoryRows, parseBlockId } from "#state";

const D = "dd".repeat(32) as Digest;
const OTHER = "ee".repeat(32) as Digest;
const MODULE: BlockQuestion = { digest: D, signer: "k", tenant: "t", imports: ["wasi.a", "wasi.b", "env.c"], inputs: [] };

function block(targets: readonly BlockTarget[], more: Partial<Extract<Event, { kind: "block" }>> = {}): Event {
  const at = "2026-01-01T00:00:00.000Z";
  return { kind: "block", at, targets, reason: "r", cause: "operator", causedBy: null, run: null, order: null, ...more };
}

function release(entry: number, blocks: readonly string[], state: "consented" | "released" | "refused"): Event {
  const at = "2026-01-02T00:00:00.000Z";
  const said = { keyId: "k", person: "p", comment: "c", statement: null, finding: null };
  return { kind: "release", at, entry, blocks, state, ...said };
}

function fold(...events: readonly Event[]): MemoryRows {
  const rows = new MemoryRows();
  events.forEach((event, index) => evolve(rows, event, { index }));
  return rows;
}

const set = (...names: readonly string[]) => ({ kind: "imports", target: encodeImportSet(names) ?? "" }) as const;

test("a block holds back what it names, and nothing else", () => {
  const rows: readonly (readonly [what: string, target: BlockTarget, change: Partial<BlockQuestion>, blocked: boolean])[] = [
    ["the bytes", { kind: "digest", target: D }, {}, true],
    ["other bytes", { kind: "digest", target: OTHER }, {}, false],
    ["bytes that could not be read", { kind: "digest", target: D }, { digest: undefined }, false],
    ["an input", { kind: "digest", target: OTHER }, { inputs: [OTHER] }, true],
    ["the signer", { kind: "signer", target: "k" }, {}, true],
    ["another signer", { kind: "signer", target: "l" }, {}, false],
    ["a signer nobody trusts", { kind: "signer", target: "k" }, { signer: undefined }, false],
    ["the tenant", { kind: "tenant", target: "t" }, {}, true],
    ["a tenant whose name begins so", { kind: "tenant", target: "t" }, { tenant: "tt" }, false],
    ["all of the imports", set("wasi.b", "wasi.a"), {}, true],
    ["imports of which one is not there", set("wasi.a", "wasi.z"), {}, false],
    ["everything", { kind: "everything", target: "" }, { digest: undefined, signer: undefined }, true],
  ];
  for (const [what, target, change, blocked] of rows)
    assert.equal(findBlocks(fold(block([target])), { ...MODULE, ...change }).length, blocked ? 1 : 0, what);
});

test("the older form of a quarantine is a block on a digest", () => {
  const rows = fold({ kind: "quarantine", at: "t", digest: D, reason: "seen" });
  const expected = { id: "0.0", kind: "digest", target: D, reason: "seen", cause: "operator", at: "t" };
  assert.deepEqual(findBlocks(rows, MODULE), [expected]);
  assert.equal(isBlocked(rows, D), true);
});

test("only enough consents take a block out of force, and only the one that they name", () => {
  const put = block([
    { kind: "digest", target: D },
    { kind: "tenant", target: "t" },
  ]);
  const ids = (rows: MemoryRows) => findBlocks(rows, MODULE).map(({ id }) => id);
  assert.deepEqual(ids(fold(put)), ["0.1", "0.0"]);
  assert.deepEqual(ids(fold(put, release(0, ["0.0"], "refused"))), ["0.1", "0.0"]);
  const consented = fold(put, release(0, ["0.0"], "consented"));
  assert.deepEqual(ids(consented), ["0.1", "0.0"]);
  assert.equal(consented.scan("consents", { where: { block: "0.0" } }).length, 1);
  assert.deepEqual(ids(fold(put, release(0, ["0.0"], "released"))), ["0.1"]);
  assert.deepEqual(ids(fold(put, release(0, ["0.0", "0.1"], "released"))), []);
  assert.deepEqual(ids(fold(put, release(0, ["9.0"], "released"))), ["0.1", "0.0"], "an id that there is not");
});

test("the same target blocked twice is blocked until both are released", () => {
  const twice = [block([{ kind: "digest", target: D }]), block([{ kind: "digest", target: D }])];
  assert.equal(findBlocks(fold(...twice, release(0, ["0.0"], "released")), MODULE).length, 1);
  assert.equal(findBlocks(fold(...twice, release(0, ["0.0"], "released"), release(1, ["1.0"], "released")), MODULE).length, 0);
});

test("facts stay small however much is blocked", () => {
  const many = Array.from({ length: 50 }, () => block([{ kind: "digest", target: D }], { reason: "x".repeat(5000) }));
  const found = findBlocks(fold(...many), MODULE);
  assert.equal(found.length, 8);
  assert.ok(JSON.stringify(found).length < 8 * 1024);
});

test("an id of a block is read in its one spelling", () => {
  assert.deepEqual(parseBlockId("17.0"), { entry: 17, place: 0 });
  assert.deepEqual(parseBlockId("17"), { entry: 17, place: undefined });
  for (const bad of ["", "17.", ".0", "017", "1.00", "-1", "1e3", "17.0.0", " 17", "9".repeat(16), "1.1234567", "9".repeat(9999)])
    assert.equal(parseBlockId(bad), undefined, bad.slice(0, 20));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const id = parseBlockId(text);
      if (id !== undefined) assert.equal(id.place === undefined ? `${id.entry}` : `${id.entry}.${id.place}`, text);
    }),
  );
});
