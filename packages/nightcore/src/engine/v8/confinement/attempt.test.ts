import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Launch } from "../pool/launch.ts";
import { NODE_INSIDE } from "./bubblewrap.ts";

// What the tests of confinement share: a launch with something else in the sandbox's place, and a program of one system call.

const scratch = mkdtempSync(join(tmpdir(), "nightcore-confinement-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
let files = 0;

function keep(bytes: Uint8Array): string {
  const path = join(scratch, String(files++));
  writeFileSync(path, bytes);
  return path;
}

/** What came of a process: all that it printed, and its exit code. */
export type Ran = { readonly status: number | null; readonly printed: string };

/** Runs a launch to its end, with the filter that it asks for. It prints into a file: there is no socket that it may ask about. */
export function runLaunch({ command, args, filter }: Launch): Ran {
  const printed = keep(new Uint8Array(0));
  const output = openSync(printed, "a");
  const input = filter === undefined ? undefined : openSync(keep(filter), "r");
  const stdio = ["ignore", output, output, "ignore", ...(input === undefined ? [] : [input])] as const;
  const { status } = spawnSync(command, args, { env: {}, stdio: [...stdio], timeout: 30_000 });
  closeSync(output);
  if (input !== undefined) closeSync(input);
  return { status, printed: readFileSync(printed, "utf8").trim() };
}

/** The launch with a script in place of the sandbox's own; without Node's permission model it meets what lies behind it. */
export function withScript(launch: Launch, script: string, permission: "permission" | "bare" = "permission"): Launch {
  const args = launch.args.slice(0, -1).filter((one) => permission === "permission" || !/^--(?:permission|allow-)/.test(one));
  return { ...launch, args: [...args, "-e", script] };
}

/** The launch with a program in the place of Node. */
export function withProgram(launch: Launch, program: Uint8Array): Launch {
  const path = keep(program);
  chmodSync(path, 0o755);
  const at = launch.args.indexOf(NODE_INSIDE) - 1;
  return { ...launch, args: launch.args.map((one, i) => (i === at ? path : one)) };
}

/** Runs a program without any confinement, and returns its exit code; a signal counts from 128 on, as in a shell. */
export function runOutside(program: Uint8Array): number {
  const path = keep(program);
  chmodSync(path, 0o755);
  const { status, signal } = spawnSync(path, { timeout: 10_000 });
  return status ?? (signal === "SIGSYS" ? 159 : 255);
}

const BASE = 0x40_0000;
const CODE_AT = 64 + 56; // the two headers

/** One system call: its number, its arguments (a text is put into memory and passed as a pointer), and how it is entered. */
export type Attempt = { readonly number: number; readonly args: readonly (number | string)[]; readonly entry?: "int80" };

/** An x86_64 program that makes one system call, and exits with its errno, or 0 when it succeeded. elf(5), System V ABI A.2.1. */
export function assembleAttempt({ number, args, entry }: Attempt): Uint8Array {
  const LOADS = [0xbf48, 0xbe48, 0xba48, 0xba49, 0xb849, 0xb949]; // mov rdi, rsi, rdx, r10, r8, r9
  const texts: string[] = [];
  const CODE_BYTES = 256;
  const pointer = (text: string): number => {
    const at = BASE + CODE_AT + CODE_BYTES + texts.join("").length;
    texts.push(`${text}\0`);
    return at;
  };
  const load = (opcode: number, value: number): number[] => {
    const bytes = Buffer.alloc(10);
    bytes.writeUInt16LE(opcode, 0);
    bytes.writeBigInt64LE(BigInt(value), 2);
    return [...bytes];
  };
  const loads = args.flatMap((arg, i) => load(LOADS[i] ?? 0, typeof arg === "string" ? pointer(arg) : arg));
  const enter = entry === "int80" ? [0xcd, 0x80] : [0x0f, 0x05];
  // mov rdi, rax; neg rdi; test rdi, rdi; jns +2; xor edi, edi; mov eax, 231 (exit_group); syscall
  const leave = [0x48, 0x89, 0xc7, 0x48, 0xf7, 0xdf, 0x48, 0x85, 0xff, 0x79, 0x02, 0x31, 0xff, 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05];
  const code = Buffer.alloc(CODE_BYTES, Buffer.from([...loads, ...load(0xb848, number), ...enter, ...leave]), "latin1");
  const data = Buffer.from(texts.join(""));
  const head = Buffer.alloc(CODE_AT);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(2, 16); // ET_EXEC
  head.writeUInt16LE(62, 18); // EM_X86_64
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BigInt(BASE + CODE_AT), 24);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68); // readable, executable
  head.writeBigUInt64LE(BigInt(BASE), 80);
  const size = BigInt(CODE_AT + CODE_BYTES + data.length);
  head.writeBigUInt64LE(size, 96);
  head.writeBigUInt64LE(size, 104);
  head.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([head, code, data]);
}

test("a program of one system call says how the call ended", (t) => {
  if (process.platform !== "linux" || process.arch !== "x64") return t.skip("the programs are for Linux on x86_64");
  assert.equal(runOutside(assembleAttempt({ number: 39, args: [] })), 0, "getpid");
  assert.equal(runOutside(assembleAttempt({ number: 257, args: [-100, "/nonexistent", 0] })), 2, "openat: ENOENT");
  assert.equal(runOutside(assembleAttempt({ number: 257, args: [-100, "/proc/self/status", 0] })), 0, "openat");
});
