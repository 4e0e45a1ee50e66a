import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Digest, utf8 } from "#core";
import type { IntentEvent } from "#state";
import { sha256 } from "#store/keys";
import { listArguments, rebuildArguments } from "./argument-listing.ts";

const ENTRY_ROOM = 16 * 1024;

test("whatever a guest is called with comes back, from the intent or from a blob, and the entry has room for it", () => {
  const word = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.nat(3).map((n) => "\u0001\u2028é".repeat(1000 * n)),
  );
  const words = fc.array(word, { maxLength: 12 });
  const seen = { inline: 0, blob: 0 };
  const rows = fc.record({ numericArgs: words, argv: words, env: words }, { noNullPrototype: true });
  const examples: [{ readonly numericArgs: string[]; readonly argv: string[]; readonly env: string[] }][] = [
    [{ numericArgs: [], argv: ["a"], env: [] }],
    [{ numericArgs: [], argv: ["\u0001".repeat(9000)], env: ["A=b"] }],
  ];
  fc.assert(
    fc.property(rows, (called) => {
      const { said, listing } = listArguments(called, sha256);
      seen[listing === undefined ? "inline" : "blob"]++;
      assert.ok(JSON.stringify(said).length <= ENTRY_ROOM);
      const find = (digest: Digest) => (digest === listing?.digest ? listing.bytes : undefined);
      assert.deepEqual(rebuildArguments(said as IntentEvent, find), called);
      if (listing !== undefined)
        assert.equal(
          rebuildArguments(said as IntentEvent, () => undefined),
          undefined,
        );
    }),
    { examples },
  );
  assert.ok(seen.inline > 0 && seen.blob > 0, JSON.stringify(seen));
});

test("a blob that is no listing gives no arguments", () => {
  const said = {
    numericArgs: null,
    argv: null,
    env: null,
    arguments: { digest: "0".repeat(64), bytes: 1 },
  } as unknown as IntentEvent;
  const rows = [
    "",
    "[]",
    "null",
    "{}",
    '{"numericArgs":[],"argv":[]}',
    '{"numericArgs":[],"argv":[1],"env":[]}',
    '{"numericArgs":{},"argv":[],"env":[]}',
  ];
  for (const text of rows)
    assert.equal(
      rebuildArguments(said, () => utf8(text)),
      undefined,
      text,
    );
  const { arguments: _, ...nameless } = said;
  assert.equal(
    rebuildArguments(nameless as IntentEvent, () => utf8("{}")),
    undefined,
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => rebuildArguments(said, () => bytes) === undefined));
});
