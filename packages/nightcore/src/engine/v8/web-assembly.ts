/** A page of linear memory (core specification 4.2.8). */
export const PAGE_BYTES = 65_536;

/** A linear memory. Growing detaches `buffer`. */
export type WasmMemory = { readonly buffer: ArrayBuffer };

/** A global that the host reads and writes; an i64 is a bigint. */
export type WasmGlobal = { value: number | bigint };

/** A compiled module. */
export type WasmModule = { readonly "WebAssembly.Module": never };

/** What an instance exports. */
export type WasmExports = Readonly<Record<string, unknown>>;

/** What an instance is given, by module and name: functions and a memory. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, ((...parameters: never[]) => unknown) | WasmMemory>>>>;

type Constructor<Instance, Parameters extends readonly unknown[]> = new (...parameters: Parameters) => Instance;

/**
 * The part of the WebAssembly JavaScript interface that this room uses, as a value with types: neither TypeScript's `esnext` nor
 * Node's own types declare it.
 */
export const WebAssembly = (
  globalThis as unknown as {
    readonly WebAssembly: {
      readonly Module: Constructor<WasmModule, [bytes: Uint8Array<ArrayBuffer>]>;
      readonly Instance: Constructor<{ readonly exports: WasmExports }, [module: WasmModule, imports?: WasmImports]>;
      readonly Memory: Constructor<WasmMemory, [{ readonly initial: number; readonly maximum?: number }]>;
      readonly Table: Constructor<object, [{ readonly initial: number; readonly maximum?: number; readonly element: "anyfunc" }]>;
      readonly CompileError: Constructor<Error, []>;
      readonly LinkError: Constructor<Error, []>;
      readonly RuntimeError: Constructor<Error, []>;
      readonly Exception: Constructor<object, []>;
    };
  }
).WebAssembly;
