import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf, utf8 } from "#core";
import { sha256 } from "#store/keys";
import { parseAuditChain } from "./v39-audit-chain.ts";

const GENESIS = "0".repeat(64);

function link(previous: string, { at, event, details }: { at: string; event: string; details: string }) {
  const open = `{"v":1,"ts":"${at}","event":"${event}","details":${details},"prev_hash_hex":"${previous}","this_hash_hex":"`;
  const hash = digestOf(sha256, utf8(`${open}"}`));
  return { hash, line: `${open}${hash}"}` };
}

const first = link(GENESIS, { at: "2026-01-01T00:00:00+00:00", event: "test.event", details: '{"a":"x","z":1}' });
const second = link(first.hash, { at: "2026-01-01T00:00:01+00:00", event: "test.second", details: "{}" });
const chain = `${first.line}\n${second.line}\n`;

function parse(text: string, tail?: string) {
  return parseAuditChain({ name: "audit.jsonl", bytes: utf8(text), tail: tail === undefined ? undefined : utf8(tail), sha256 });
}

test("the hashes are those that v39 computes for these two lines", () => {
  assert.equal(first.hash, "cd1bf2e976747606d168453646169ac750b32314b6348dd5a2e218d19fdc8c07");
  assert.equal(second.hash, "f665764b639a7981d2450c4adf32feff3316e0d9d9a791424b069eac7f574870");
});

test("an unbroken chain is read as claims, with its tail or without", () => {
  for (const tail of [undefined, second.hash, `${second.hash.toUpperCase()}\n`]) {
    const read = parse(chain, tail);
    assert.ok(read.ok);
    assert.deepEqual(
      read.value.records.map(({ status, at, tenant }) => ({ status, at, tenant })),
      [
        { status: "test.event", at: "2026-01-01T00:00:00.000Z", tenant: null },
        { status: "test.second", at: "2026-01-01T00:00:01.000Z", tenant: null },
      ],
    );
  }
  assert.ok(parse("").ok);
});

const REFUSED: readonly (readonly [attack: string, text: string, tail: string | undefined, code: string])[] = [
  ["a detail is edited", chain.replace('"x"', '"y"'), undefined, "import/chain-broken"],
  ["the first line is dropped", `${second.line}\n`, undefined, "import/chain-broken"],
  ["two lines change places", `${second.line}\n${first.line}\n`, undefined, "import/chain-broken"],
  ["a line is doubled", `${first.line}\n${first.line}\n`, undefined, "import/chain-broken"],
  ["a member is added behind the hash", chain.replace(/"\}\n$/, '","x":1}\n'), undefined, "import/chain-broken"],
  ["the last line is torn", chain.slice(0, -5), undefined, "import/chain-broken"],
  ["the newest line is dropped, and the tail knows it", `${first.line}\n`, second.hash, "import/chain-cut"],
  ["everything is dropped, and the tail knows it", "", second.hash, "import/chain-cut"],
];

for (const [attack, text, tail, code] of REFUSED) {
  test(`refused: ${attack}`, () => {
    const read = parse(text, tail);
    assert.equal(read.ok ? "read" : read.fault.code, code);
  });
}

test("no change of one character leaves the chain whole", () => {
  const characters = Array.from('0123456789abcdef{}":,x');
  fc.assert(
    fc.property(fc.nat(chain.length - 1), fc.constantFrom(...characters), (at, character) => {
      const changed = chain.slice(0, at) + character + chain.slice(at + 1);
      assert.equal(parse(changed, second.hash).ok, changed === chain);
    }),
  );
});
