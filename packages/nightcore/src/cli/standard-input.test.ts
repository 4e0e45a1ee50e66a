import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { concatBytes, utf8 } from "#core";
import { readPieces } from "./standard-input.ts";

test("pieces come as they are there, none longer than was asked for, and an empty one at the end, again and again", async () => {
  const source = new PassThrough();
  const input = readPieces(source);
  source.write("one");
  assert.deepEqual(new Uint8Array(await input.read(100)), utf8("one"));
  const waiting = input.read(2);
  source.write("two!");
  assert.deepEqual(new Uint8Array(await waiting), utf8("tw"));
  source.end();
  assert.deepEqual(new Uint8Array(await input.read(100)), utf8("o!"));
  for (let n = 0; n < 2; n++) assert.equal((await input.read(100)).length, 0);
});

test("who writes more than is read has to wait", async () => {
  let given = 0;
  const source = new Readable({
    highWaterMark: 1_000,
    read() {
      given += 500;
      this.push(new Uint8Array(500));
    },
  });
  const input = readPieces(source);
  assert.equal((await input.read(100)).length, 100);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(given <= 2_000, `${given} were taken for 100`);
  const pieces = [];
  for (let n = 0; n < 10; n++) pieces.push(await input.read(800));
  assert.ok(concatBytes(pieces).length >= 5_000);
  input.close();
});

test("a stream that breaks fails the read that waits, and those behind it", async () => {
  const source = new PassThrough();
  const input = readPieces(source);
  const waiting = input.read(100);
  source.destroy(new Error("the writer is gone"));
  await assert.rejects(waiting, /the writer is gone/);
  await assert.rejects(input.read(100), /the writer is gone/);
});

test("closing ends a read that waits", async () => {
  const input = readPieces(new PassThrough());
  const waiting = input.read(100);
  input.close();
  assert.equal((await waiting).length, 0);
});
