import assert from "node:assert/strict";
import { test } from "node:test";

// What the tests of this room share: modules put together byte by byte, so that wrong ones can be made too.

export const HEADER: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export function leb(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest > 0);
  return bytes;
}

export function section(id: number, ...contents: readonly (readonly number[])[]): readonly number[] {
  const flat = contents.flat();
  return [id, ...leb(flat.length), ...flat];
}

export function vector(...items: readonly (readonly number[])[]): readonly number[] {
  return [...leb(items.length), ...items.flat()];
}

export function text(value: string): readonly number[] {
  const bytes = new TextEncoder().encode(value);
  return [...leb(bytes.length), ...bytes];
}

export function module(...sections: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...HEADER, ...sections.flat()]);
}

/** A function body without locals of its own: its code, to which the last `end` is added. */
export function body(...code: readonly number[]): readonly number[] {
  return [...leb(code.length + 2), 0x00, ...code, 0x0b];
}

export const TYPES: readonly number[] = section(1, vector([0x60, 0x00, 0x00]));
export const FUNCTIONS: readonly number[] = section(3, vector([0x00]));

/** A module with one function of type () -> () that has these instructions, and whatever sections stand between. */
export function withCode(code: readonly number[], ...before: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  return module(TYPES, FUNCTIONS, ...before, section(10, vector(body(...code))));
}

test("the builders put a header in front", () => {
  assert.ok(withCode([0x01]).length > HEADER.length);
});
