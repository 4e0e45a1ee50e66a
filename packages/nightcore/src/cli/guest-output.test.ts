import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GuestOutput } from "./guest-output.ts";

class Screen {
  readonly isTTY: boolean;
  shown = Buffer.alloc(0);

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(chunk: Uint8Array | string): void {
    this.shown = Buffer.concat([this.shown, Buffer.from(chunk as string)]);
  }
}

/** What a screen shows of a stream that comes in pieces, cut at these places. */
function shownOf(bytes: Uint8Array, cuts: readonly number[], isTTY = true): string {
  const screen = new Screen(isTTY);
  const output = new GuestOutput({ stdout: screen, stderr: screen });
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    output.show("stdout", bytes.subarray(from, cut));
    from = Math.max(from, cut);
  }
  output.finish("stdout", bytes);
  return screen.shown.toString("latin1");
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

const ROWS: readonly (readonly [what: string, bytes: Uint8Array, cuts: readonly number[], shown: string])[] = [
  ["an escape sequence cut behind its first byte", utf8("\u001b[2Jx\n"), [1], "\\u{1b}[2Jx\n"],
  ["a carriage return over our own line", utf8("fake\rreal\n"), [4], "fake\\u{d}real\n"],
  ["a C1 control cut inside of its character", utf8("\u009b2J\n"), [1], "\\u{9b}2J\n"],
  ["a turn of the writing direction, cut", utf8("a\u202eb\n"), [2, 3], "a\\u{202e}b\n"],
  ["a character cut in four", utf8("😀\n"), [1, 2, 3], "😀\n"],
  ["a character that never ends", new Uint8Array([0x61, 0xe2, 0x82]), [2], "a\ufffd\n"],
  ["a byte order mark in front", utf8("\ufeffa"), [1], "\\u{feff}a\n"],
  ["a line that is left open", utf8("a\nb"), [1], "a\nb\n"],
  ["nothing", new Uint8Array(0), [], ""],
];

for (const [what, bytes, cuts, shown] of ROWS) {
  test(`a terminal is shown ${what}`, () => assert.equal(shownOf(bytes, cuts), latin1(shown)));
}

const piecewise = fc
  .oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: "binary", maxLength: 20 }).map(utf8))
  .chain((bytes) => fc.tuple(fc.constant(bytes), fc.array(fc.nat({ max: bytes.length }), { maxLength: 6 })));

test("pieces show what the whole shows, without a control character but the end of a line", () => {
  fc.assert(
    fc.property(piecewise, ([bytes, cuts]) => {
      const shown = shownOf(bytes, cuts);
      assert.equal(shown, shownOf(bytes, []));
      assert.ok(!/[\p{Cc}\p{Cf}]/u.test(Buffer.from(shown, "latin1").toString().replaceAll("\n", "")));
    }),
  );
});

test("a file or a pipe gets exactly the bytes, however they come", () => {
  fc.assert(
    fc.property(piecewise, ([bytes, cuts]) => {
      assert.deepEqual(shownOf(bytes, cuts, false), Buffer.from(bytes).toString("latin1"));
    }),
  );
});
