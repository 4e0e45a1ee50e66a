import type { Bytes } from "#core";

// Classic BPF as `seccomp(2)` runs it: linux/filter.h (struct sock_filter), linux/bpf_common.h, linux/seccomp.h.

const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

// struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]. Both machines are little-endian.
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

const ALLOW = 0x7fff_0000; // SECCOMP_RET_ALLOW
const KILL = 0x8000_0000; // SECCOMP_RET_KILL_PROCESS
const ERRNO = 0x0005_0000; // SECCOMP_RET_ERRNO, the number in the low half

const X32_BIT = 0x4000_0000; // asm/unistd.h: the same kernel, another table of numbers on x86_64

/** EPERM and ENOSYS of asm-generic/errno-base.h and errno.h. */
export const EPERM = 1;
/** What glibc takes for "this kernel is too old", and goes on with the older call. */
export const ENOSYS = 38;

/** An argument, masked, must be one of these; only the low 32 bits are looked at, and the high ones must be 0. */
export type ArgumentRule = { readonly argument: number; readonly mask: number; readonly oneOf: readonly number[] };

/** What happens to a system call. `allow` with a rule refuses with EPERM what does not keep to it. */
export type CallRule =
  | { readonly number: number; readonly act: "allow"; readonly when?: ArgumentRule | undefined }
  | { readonly number: number; readonly act: "kill" }
  | { readonly number: number; readonly act: "refuse"; readonly errno: number };

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * Assembles a filter for one machine: calls of another machine's table end the process, the rules apply in their order, and what
 * no rule names is refused with EPERM.
 */
export function assembleFilter(architecture: number, rules: readonly CallRule[]): Bytes {
  const program: readonly Instruction[] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE_AT],
    [IF_EQUAL, 1, 0, architecture],
    [RETURN, 0, 0, KILL],
    [LOAD_WORD, 0, 0, NUMBER_AT],
    [IF_AT_LEAST, 0, 1, X32_BIT],
    [RETURN, 0, 0, KILL],
    ...rules.flatMap((rule) => {
      const body = assembleRule(rule);
      return [[IF_EQUAL, 0, body.length, rule.number] as const, ...body];
    }),
    [RETURN, 0, 0, ERRNO | EPERM],
  ];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [at, [code, ifTrue, ifFalse, value]] of program.entries()) {
    view.setUint16(at * 8, code, true);
    view.setUint8(at * 8 + 2, ifTrue);
    view.setUint8(at * 8 + 3, ifFalse);
    view.setUint32(at * 8 + 4, value, true);
  }
  return bytes;
}

/** Instructions that always return, so that the accumulator still holds the number where the next rule begins. */
function assembleRule(rule: CallRule): readonly Instruction[] {
  if (rule.act === "kill") return [[RETURN, 0, 0, KILL]];
  if (rule.act === "refuse") return [[RETURN, 0, 0, ERRNO | rule.errno]];
  if (rule.when === undefined) return [[RETURN, 0, 0, ALLOW]];
  const { argument, mask, oneOf } = rule.when;
  const low = ARGUMENTS_AT + argument * 8;
  const refuse: Instruction = [RETURN, 0, 0, ERRNO | EPERM];
  return [
    [LOAD_WORD, 0, 0, low + 4],
    [IF_EQUAL, 1, 0, 0],
    refuse,
    [LOAD_WORD, 0, 0, low],
    [AND, 0, 0, mask],
    ...oneOf.flatMap((value): readonly Instruction[] => [
      [IF_EQUAL, 0, 1, value],
      [RETURN, 0, 0, ALLOW],
    ]),
    refuse,
  ];
}
