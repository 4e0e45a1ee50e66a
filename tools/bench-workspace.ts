import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeStatement, makeEntrySigner, sealEnvelope } from "../packages/nightcore/src/attest/index.ts";
import { digestOf, encodeBase64 } from "../packages/nightcore/src/core/index.ts";
import { publicKeyOf, readPrivateKey, sha256, signerOf } from "../packages/nightcore/src/store/keys/index.ts";
import { MODULE_STATEMENT_TYPE } from "../packages/nightcore/src/trust/index.ts";
import { buildPackage } from "./build.ts";

/** What the tenants of a bench print. */
export const GREETING = "hello from a bench\n";

const GREETER = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\13\\00\\00\\00")
  (data (i32.const 16) "hello from a bench\\n")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

const MANIFEST = {
  name: "greeter",
  version: "1.0.0",
  permissions: ["stdout"],
  fuel_limit: 100_000,
  timeout_ms: 10_000,
  max_memory_kb: 1024,
};

/** A program that prints {@link GREETING}, as WebAssembly. */
export async function compileGreeter(): Promise<Uint8Array> {
  const { default: openWabt } = await import("wabt");
  const module = (await openWabt()).parseWat("greeter.wat", GREETER);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** The same program under another digest: with a custom section that holds a number. */
export function makeDistinct(module: Uint8Array, number: number): Uint8Array {
  const content = Buffer.concat([Buffer.from([1]), Buffer.from("n"), Buffer.from(String(number))]);
  return Buffer.concat([module, Buffer.from([0, content.length]), content]); // WebAssembly core 5.5.3: id 0, size, name
}

/** Builds the published form of the package into a folder and returns its launcher. */
export async function buildLauncher(folder: string): Promise<string> {
  await buildPackage({ folder });
  return join(folder, "bin/nightcore.cjs");
}

/**
 * Makes a workspace with the given program as that many tenants, `t0000` on, all distinct, all signed, with the signer's key
 * trusted. The commands of `launcher` do what is done once; the tenants are signed here, as `nightcore sign` does it.
 */
export function makeWorkspace({
  launcher,
  folder,
  tenants,
  module,
}: {
  readonly launcher: string;
  readonly folder: string;
  readonly tenants: number;
  readonly module: Uint8Array;
}): void {
  mkdirSync(folder, { recursive: true });
  const nightcore = (...args: readonly string[]): void => {
    const run = spawnSync(process.execPath, [launcher, ...args], { cwd: folder, encoding: "utf8" });
    if (run.status !== 0) throw new Error(`nightcore ${args.join(" ")} failed: ${run.stderr}`);
  };
  nightcore("init", "--origin", "bench.invalid/workspace");
  nightcore("generate-keys", "--out-dir", "keys");
  nightcore("trust", "add", "keys/maintainers/admin1.pub", "--tenant", "*");
  const sign = makeSigner(join(folder, "keys/maintainers/admin1.key"));
  for (let n = 0; n < tenants; n++) {
    const tenant = `t${String(n).padStart(4, "0")}`;
    sign(join(folder, "modules", tenant), tenant, makeDistinct(module, n));
  }
}

/** Writes a module folder: program, manifest, and the signatures over both. */
function makeSigner(keyFile: string): (folder: string, tenant: string, module: Uint8Array) => void {
  const key = readPrivateKey(keyFile, () => undefined);
  if (!key.ok) throw new Error(key.fault.code);
  const publicKey = publicKeyOf(key.value);
  const sign = signerOf(key.value);
  const signer = makeEntrySigner(sha256, publicKey, sign);
  const manifest = Buffer.from(`${JSON.stringify(MANIFEST, null, 2)}\n`);
  return (folder, tenant, module) => {
    const digest = digestOf(sha256, module);
    const subject = [
      { name: "module.wasm", digest: { sha256: digest } },
      { name: "manifest.json", digest: { sha256: digestOf(sha256, manifest) } },
    ];
    const statement = encodeStatement({ subject, predicateType: MODULE_STATEMENT_TYPE, predicate: { tenant } });
    const envelope = sealEnvelope(statement, signer);
    if (!envelope.ok) throw new Error(envelope.fault.code);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "module.wasm"), module);
    writeFileSync(join(folder, "manifest.json"), manifest);
    writeFileSync(join(folder, "module.sig"), `${encodeBase64(sign(module))}\n`);
    writeFileSync(join(folder, "pubkey.b64"), `${encodeBase64(publicKey)}\n`);
    writeFileSync(join(folder, "module.sha256"), `${digest}\n`);
    writeFileSync(join(folder, "module.dsse.json"), envelope.value);
  };
}

/** A process that has ended: what it printed, and the time from its start until its outputs were closed. */
export type Ended = {
  readonly wallMs: number;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a process from its start to its end, with both of its outputs read, and says how long that took. */
export function timeProcess(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  const startedMs = performance.now();
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (chunk: string) => (text[name] += chunk));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ wallMs: performance.now() - startedMs, exitCode, ...text }));
  });
}

/** The middle of the values; of an even number, the upper of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
