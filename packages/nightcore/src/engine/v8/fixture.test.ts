import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import wabt from "wabt";
import { CAPABILITIES, type Digest } from "#core";
import type { EngineJob, Mount } from "#ports";
import { parseModule } from "#wasm";

// What the tests of this room share: an assembler, and jobs with small budgets.

const assembler = await wabt();

const FEATURES = {
  bulk_memory: true,
  multi_value: true,
  reference_types: true,
  simd: true,
  exceptions: true,
  tail_call: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
};

export const REPOSITORY: string = join(import.meta.dirname, "..", "..", "..", "..", "..");
export const SHARED_DATA: string = join(REPOSITORY, "..", "shared", "data");

export function assemble(text: string, name = "guest.wat"): Uint8Array<ArrayBuffer> {
  const module = assembler.parseWat(name, text, FEATURES);
  const bytes = new Uint8Array(module.toBinary({}).buffer);
  module.destroy();
  return bytes;
}

/** Text modules of a folder, by name without the ending, in order. */
export function readTexts(folder: string): readonly { readonly name: string; readonly text: string }[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".wat"));
  return names.sort().map((name) => ({ name: name.slice(0, -4), text: readFileSync(join(folder, name), "utf8") }));
}

export const MEBIBYTE: number = 1024 * 1024;

export const WRITABLE_ROOT: Mount = {
  guestPath: "/",
  files: [{ path: "hello.txt", bytes: new Uint8Array([104, 105]) }],
  folders: ["empty"],
  writable: true,
};

export function jobFor(bytes: Uint8Array, over: Partial<EngineJob> = {}): EngineJob {
  return {
    tenant: "test",
    digest: createHash("sha256").update(bytes).digest("hex") as Digest,
    bytes,
    entry: undefined,
    numericArgs: [],
    argv: ["guest"],
    env: [],
    stdin: new Uint8Array(0),
    mounts: [],
    capabilities: CAPABILITIES.filter((one) => one === "stdout" || one === "fs:read"),
    budgets: { wallMs: 10_000, memoryBytes: 128 * MEBIBYTE, fuel: 20_000_000, outputBytes: 200_000 },
    seed: new Uint8Array(32),
    ...over,
  };
}

test("the assembler makes modules that the reader accepts", () => {
  assert.ok(parseModule(assemble('(module (func (export "_start") (return_call 0)))')).ok);
});
