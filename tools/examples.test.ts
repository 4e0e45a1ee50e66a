import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { WASI } from "node:wasi";
import { crc32 } from "node:zlib";
import { buildExamples, EXAMPLES } from "./examples.ts";

/** What is used here of the platform's `WebAssembly`, which Node's types leave out. */
type Platform = {
  readonly WebAssembly: {
    validate(bytes: Uint8Array): boolean;
    readonly Module: {
      new (bytes: Uint8Array): object;
      imports(module: object): readonly { readonly module: string; readonly name: string }[];
      exports(module: object): readonly { readonly name: string }[];
    };
    readonly Instance: new (module: object, imports?: object) => { readonly exports: Readonly<Record<string, unknown>> };
  };
};
const { WebAssembly } = globalThis as unknown as Platform;

let folder = "";
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "nightcore-examples-"));
  await buildExamples({ folder });
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const readModule = (tenant: string): Uint8Array<ArrayBuffer> => readFileSync(join(folder, tenant, "module.wasm"));

test("every example is WebAssembly, but for the one that only says so", () => {
  for (const { tenant, language } of EXAMPLES) {
    assert.equal(WebAssembly.validate(readModule(tenant)), language !== "elf", tenant);
  }
  assert.equal(readModule("native").subarray(0, 4).toHex(), "7f454c46");
});

test("every example has a manifest in the form that v38 reads, or the console's", () => {
  for (const { tenant } of EXAMPLES) {
    const manifest = JSON.parse(readFileSync(join(folder, tenant, "manifest.json"), "utf8")) as Record<string, unknown>;
    assert.equal(manifest["name"] ?? manifest["tenant"], tenant);
    assert.equal("ingestion" in manifest || Array.isArray(manifest["permissions"]), true, tenant);
  }
});

test("what an example imports and exports is what it shows", () => {
  const imports = (tenant: string): readonly string[] =>
    WebAssembly.Module.imports(new WebAssembly.Module(readModule(tenant))).map(({ module, name }) => `${module}.${name}`);
  const exports = (tenant: string): readonly string[] =>
    WebAssembly.Module.exports(new WebAssembly.Module(readModule(tenant))).map(({ name }) => name);
  for (const { tenant, language } of EXAMPLES) {
    if (language === "elf") continue;
    const foreign = imports(tenant).filter((name) => !name.startsWith("wasi_snapshot_preview1."));
    assert.deepEqual(foreign, tenant === "unknown-import" ? ["env.system"] : [], tenant);
    assert.equal(exports(tenant).includes("_start"), !["checksum", "no-entry"].includes(tenant), tenant);
  }
  assert.deepEqual(imports("hello"), ["wasi_snapshot_preview1.fd_write"]);
});

test("the examples that end by themselves print what they should", () => {
  assert.equal(run("hello"), "hello from a tenant that is signed, allowed and metered\n");
  assert.equal(run("primes"), "1229\n");
  assert.equal(run("wordcount"), "2 lines 8 words 55 bytes gatekeeper.txt\n4 lines 19 words 106 bytes ledger.txt\n");
  assert.equal(run("agent-draft"), "an agent wrote this\n");
});

test("checksum returns the CRC-32 of its two numbers", () => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readModule("checksum")));
  const entry = exports["run"] as (a: number, b: number) => number;
  // CRC-32 of eight zero bytes, and of the bytes 01 00 00 00 02 00 00 00, as zlib computes them.
  assert.equal(entry(0, 0) >>> 0, 0x6522df69);
  assert.equal(entry(1, 2) >>> 0, crc32(new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0])));
});

test("the same sources give the same bytes", async () => {
  const first = EXAMPLES.map(({ tenant }) => readModule(tenant).toHex());
  await buildExamples({ folder });
  assert.deepEqual(
    EXAMPLES.map(({ tenant }) => readModule(tenant).toHex()),
    first,
  );
});

/** Runs one of our own modules in node's WASI host, which is good enough for code that we wrote, and returns its stdout. */
function run(tenant: string): string {
  const output = join(folder, `${tenant}.out`);
  const stdout = openSync(output, "w");
  try {
    const wasi = new WASI({ version: "preview1", stdout, preopens: { "/sandbox": join(folder, "wordcount", "sandbox") } });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readModule(tenant)), wasi.getImportObject());
    wasi.start(instance);
  } finally {
    closeSync(stdout);
  }
  return readFileSync(output, "utf8");
}
