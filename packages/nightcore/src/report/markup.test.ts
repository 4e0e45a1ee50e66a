import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeText, html, Markup } from "./markup.ts";

test("escapes what a browser would read as markup or as an order of text", () => {
  const rows: readonly (readonly [attack: string, text: string, shown: string])[] = [
    ["script element", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    ["attribute break-out, double", `" onload="x`, "&quot; onload=&quot;x"],
    ["attribute break-out, single", "' onload='x", "&#39; onload=&#39;x"],
    ["entity that is not ours", "&lt;b&gt;", "&amp;lt;b&amp;gt;"],
    ["right-to-left override", "a\u202eb", "a\\u{202e}b"],
    ["isolate", "\u2066", "\\u{2066}"],
    ["NUL", "a\0b", "a\\u{0}b"],
    ["terminal escape", "\u001b[31m", "\\u{1b}[31m"],
    ["lone surrogate", "\ud800", "\\u{d800}"],
    ["nothing to escape", "tenant caf\u00e9", "tenant caf\u00e9"],
  ];
  for (const [attack, text, shown] of rows) assert.equal(escapeText(text), shown, attack);
});

test("whatever stands in a hole, the template alone decides what is markup", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const page = html`<p title="${text}">${text}</p>`.text;
      const inner = /^<p title="([^"]*)">([^<]*)<\/p>$/.exec(page);
      assert(inner !== null);
      assert.equal(inner[1], inner[2]);
      assert(!/[<>"'\p{Cc}\p{Cf}\p{Cs}]/u.test(inner[1] ?? "<"));
    }),
  );
});

test("holes take text, numbers, markup and lists of it, and nothing for undefined and false", () => {
  const items = ["a", "<"].map((text) => html`<li>${text}</li>`);
  assert.equal(
    html`[${items}][${1}][${undefined}][${false}][${items[0]}][${0}]`.text,
    "[<li>a</li><li>&lt;</li>][1][][][<li>a</li>][0]",
  );
});

test("markup cannot be made from outside of the room", () => {
  const forge = (): unknown => Reflect.construct(Markup, [Symbol("markup"), "<script>"]);
  assert.throws(forge, /bug: markup/);
});
