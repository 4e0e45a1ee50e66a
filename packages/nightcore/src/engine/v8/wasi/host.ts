import { fail, HOST_CALLS, NOT_RETURNED, ok, quote, type Result } from "#core";
import type { EngineFault } from "#ports";
import type { ImportShape } from "#wasm";
import { type WasmImports, type WasmMemory, WebAssembly } from "../web-assembly.ts";
import { ARGUMENT_CALLS } from "./calls/arguments.ts";
import type { WasiCall } from "./calls/call.ts";
import { DESCRIPTOR_CALLS } from "./calls/descriptor.ts";
import { FILE_CALLS } from "./calls/file.ts";
import { FOLDER_CALLS } from "./calls/folder.ts";
import { PATH_CALLS } from "./calls/path.ts";
import { POLL_CALLS } from "./calls/poll.ts";
import { PROCESS_CALLS } from "./calls/process.ts";
import { SOCKET_CALLS } from "./calls/socket.ts";
import { RunEnded, type WasiContext } from "./context.ts";
import { Errno } from "./errno.ts";
import { signatureOf, WASI_SIGNATURES } from "./signature.ts";

const MODULE_NAME = "wasi_snapshot_preview1";

const CALLS: ReadonlyMap<string, WasiCall> = new Map<string, WasiCall>(
  [ARGUMENT_CALLS, PROCESS_CALLS, DESCRIPTOR_CALLS, FILE_CALLS, PATH_CALLS, FOLDER_CALLS, POLL_CALLS, SOCKET_CALLS].flatMap(
    (calls): [string, WasiCall][] => Object.entries(calls),
  ),
);

/** Refuses the first import that is not a function of preview 1 with exactly its type. */
export function checkImports(imports: readonly ImportShape[]): Result<undefined, EngineFault> {
  for (const { module, name, kind, type } of imports) {
    const label = `${quote(module)}.${quote(name)}`;
    const signature = module === MODULE_NAME && kind === "function" ? WASI_SIGNATURES.get(name) : undefined;
    if (signature === undefined) return fail({ code: "engine/unknown-import", detail: `${label} (${kind})` });
    if (type === undefined || signatureOf(type) !== signature) {
      return fail({ code: "engine/unknown-import", detail: `${label} has another type than preview 1 gives it` });
    }
  }
  return ok(undefined);
}

type Parameter = number | bigint;
type UntypedCall = (context: WasiContext, ...parameters: readonly Parameter[]) => number;

// (module (func (export "") unreachable))
const TRAP_MODULE = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 4, 1, 0, 0, 0, 10, 5, 1, 3, 0, 0, 0x0b,
]);
let trap: (() => never) | undefined;

/** Unwinds the guest by a trap: unlike an exception of JavaScript, no `catch_all` of the guest stops it. */
function unwind(): never {
  trap ??= new WebAssembly.Instance(new WebAssembly.Module(TRAP_MODULE)).exports[""] as () => never;
  return trap();
}

/**
 * The functions that a module imports, which answer to the run that is on and unwind between runs. They outlive runs: V8 keeps an
 * instance, and all that its imports refer to, until it collects its whole memory, so they must not refer to a run.
 *
 * INVARIANT: imports have passed {@link checkImports}; objects have no prototype.
 */
export class HostFunctions {
  readonly imports: WasmImports;
  #context: WasiContext | undefined;
  readonly #withMemory = new WeakMap<WasmMemory, WasmImports>();

  constructor(imports: readonly ImportShape[]) {
    const functions = Object.create(null) as Record<string, WasmImports[string][string]>;
    for (const { name } of imports) {
      const call = CALLS.get(name);
      if (call !== undefined) functions[name] = this.#boundary(call as unknown as UntypedCall, HOST_CALLS.indexOf(name));
    }
    const all = Object.create(null) as Record<string, WasmImports[string]>;
    all[MODULE_NAME] = functions;
    this.imports = all;
  }

  /** What an instance is made with that imports its memory too, under this name; a memory that is kept has its object kept. */
  importsWith(memory: WasmMemory, { module, name }: { readonly module: string; readonly name: string }): WasmImports {
    const known = this.#withMemory.get(memory);
    if (known !== undefined) return known;
    const imports = Object.assign(Object.create(null) as object, this.imports, { [module]: { [name]: memory } });
    this.#withMemory.set(memory, imports);
    return imports;
  }

  /** Does what may call these functions, on behalf of this run. */
  serve<T>(context: WasiContext, run: () => T): T {
    const before = this.#context;
    this.#context = context;
    try {
      return run();
    } finally {
      this.#context = before;
    }
  }

  /**
   * Where the guest enters the host. A call that has ended the run, and every call after it, unwinds; an error that is not a
   * refusal is a bug or an exhausted stack, and ends the run too: what the call left half done is never used again.
   */
  #boundary(call: UntypedCall, index: number) {
    return (
      a: Parameter,
      b: Parameter,
      c: Parameter,
      d: Parameter,
      e: Parameter,
      f: Parameter,
      g: Parameter,
      h: Parameter,
      i: Parameter,
    ): number => {
      const context = this.#context;
      if (context === undefined || context.ending !== undefined) return unwind();
      const { calls } = context;
      calls.count++;
      calls.called[index] = 1;
      calls.current = index;
      try {
        calls.begin([a, b, c, d, e, f, g, h, i]);
        const errno = call(context, a, b, c, d, e, f, g, h, i);
        if (errno !== 0) context.noteAnswer(errno, false);
        calls.end(errno);
        return errno;
      } catch (error) {
        if (error instanceof Errno) {
          context.noteAnswer(error.errno, error.escapes);
          calls.end(error.errno);
          return error.errno;
        }
        if (error instanceof RunEnded) calls.end(NOT_RETURNED);
        else {
          calls.abandon();
          const stack = error instanceof RangeError && error.message.includes("call stack");
          context.ending = stack
            ? { kind: "fault", code: "engine/stack-overflow", detail: "inside of a host call" }
            : { kind: "bug", error };
        }
      }
      return unwind();
    };
  }
}
