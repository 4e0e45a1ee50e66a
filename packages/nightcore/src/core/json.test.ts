import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJson, utf8 } from "#core";

const REFUSED: readonly (readonly [attack: string, text: string, code: string])[] = [
  ["the same key twice, for two readers to differ", '{"a":1,"a":2}', "core/json-duplicate-key"],
  ["the same key twice, once escaped", '{"a":1,"\\u0061":2}', "core/json-duplicate-key"],
  ["a key that reaches the prototype", '{"__proto__":{"x":1}}', "core/json-forbidden-key"],
  ["a key that reaches the prototype, escaped", '{"\\u005f_proto__":{}}', "core/json-forbidden-key"],
  ["a constructor", '{"constructor":1}', "core/json-forbidden-key"],
  ["two documents", "{}{}", "core/json-syntax"],
  ["a trailing comma", "[1,]", "core/json-syntax"],
  ["a comment", "[1/*2*/]", "core/json-syntax"],
  ["a leading zero", "[01]", "core/json-syntax"],
  ["a raw control character in a string", '["\u0001"]', "core/json-syntax"],
  ["a byte order mark", "\uFEFF{}", "core/json-syntax"],
  ["nothing", "", "core/json-syntax"],
  ["nesting to exhaust the stack", "[".repeat(10_000), "core/json-too-deep"],
  ["more bytes than asked for", `"${"x".repeat(2_000_000)}"`, "core/json-too-large"],
];

for (const [attack, text, code] of REFUSED) {
  test(`strict JSON refuses ${attack}`, () => {
    const result = parseJson(utf8(text), 1_000_000);
    assert.equal(result.ok ? "accepted" : result.fault.code, code);
  });
}

test("strict JSON refuses malformed UTF-8", () => {
  const result = parseJson(new Uint8Array([0x22, 0xff, 0x22]), 10);
  assert.equal(result.ok ? "accepted" : result.fault.code, "core/not-utf8");
});

test("strict JSON reads what JSON.stringify writes, and says the same as JSON.parse", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const result = parseJson(utf8(text), 1_000_000);
      if (!result.ok) {
        assert.match(result.fault.code, /duplicate-key|forbidden-key/);
        return;
      }
      assert.deepEqual(JSON.parse(JSON.stringify(result.value)), JSON.parse(text));
    }),
  );
});

test("strict JSON never throws and accepts nothing that JSON.parse refuses", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const result = parseJson(bytes, 1000);
      if (result.ok) assert.doesNotThrow(() => JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown);
    }),
  );
});
