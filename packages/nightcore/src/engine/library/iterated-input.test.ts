import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { utf8 } from "#core";
import { iterateInput } from "./iterated-input.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("items are asked for one by one, cut where they are too long, and passed over where they are empty", async () => {
  let asked = 0;
  async function* items() {
    for (const item of ["one", "", utf8("two!"), "\u00fc"]) {
      asked++;
      yield await Promise.resolve(item);
    }
  }
  const input = iterateInput(items());
  assert.equal(asked, 0);
  assert.equal(text(await input.read(100)), "one");
  assert.equal(asked, 1);
  assert.equal(text(await input.read(2)), "tw");
  assert.equal(text(await input.read(2)), "o!");
  assert.equal(asked, 3, "what is left of an item comes before the next");
  assert.equal(text(await input.read(100)), "\u00fc");
  for (let n = 0; n < 2; n++) assert.equal((await input.read(100)).length, 0);
});

test("closing ends the iterable, and what was never read is never opened", async () => {
  let ended = 0;
  async function* endless() {
    try {
      for (;;) yield await Promise.resolve("x");
    } finally {
      ended++;
    }
  }
  const untouched = iterateInput(endless());
  untouched.close();
  const input = iterateInput(endless());
  await input.read(1);
  input.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended, 1);
  assert.equal((await input.read(1)).length, 0);
  const stream = Readable.from(["a", "b"]);
  const streamed = iterateInput(stream);
  assert.equal(text(await streamed.read(1)), "a");
  streamed.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(stream.destroyed);
});

test("an item that is no bytes and no text, and an iterable that throws, fail the read", async () => {
  await assert.rejects(iterateInput([7] as unknown as AsyncIterable<string>).read(1), TypeError);
  async function* wrong() {
    yield await Promise.resolve(7 as unknown as string);
  }
  await assert.rejects(iterateInput(wrong()).read(1), /neither bytes nor a string/);
  // oxlint-disable-next-line require-yield
  async function* broken(): AsyncGenerator<string> {
    await Promise.resolve();
    throw new Error("gone");
  }
  await assert.rejects(iterateInput(broken()).read(1), /gone/);
});
