import { fail, ok, type Result } from "#core";
import type { EngineFault } from "#ports";
import { PAGE_BYTES, type WasmModule, WebAssembly } from "../web-assembly.ts";
import type { MeteredModule } from "../meter/rewrite.ts";
import { HostFunctions } from "../wasi/host.ts";

/** A module that is ready to be instantiated, and what is known about it; `bytes` is the size of its rewritten binary. */
export type CompiledModule = {
  readonly module: WasmModule;
  readonly metered: Omit<MeteredModule, "bytes">;
  readonly host: HostFunctions;
  readonly bytes: number;
  /** Whether its fuel is right after every trap (`MeterOptions`). */
  readonly exactAtTraps: boolean;
};

/** What tells one rewritten form of a module from another. */
export type ModuleKey = { readonly digest: string; readonly memoryBytes: number; readonly exactAtTraps: boolean };

const CACHE_BYTES_MAX = 128 * 1024 * 1024; // LIMIT: of rewritten modules; CPython takes 17 MB of it
const CACHE_MODULES_MAX = 256; // LIMIT: a compiled module holds address space too
const PAGES_MAX = 65_536;

/** Rewritten and compiled modules by digest, memory budget and form, the least recently used ones forgotten first. */
export class ModuleCache {
  readonly #modules = new Map<string, CompiledModule>();
  #bytes = 0;

  find(one: ModuleKey): CompiledModule | undefined {
    const key = keyOf(one);
    const found = this.#modules.get(key);
    if (found !== undefined) {
      this.#modules.delete(key);
      this.#modules.set(key, found);
    }
    return found;
  }

  /** Compiles and keeps; V8 validates types here, and what it refuses is an invalid module. */
  compile(key: ModuleKey, metered: MeteredModule): Result<CompiledModule, EngineFault> {
    try {
      const { bytes, ...rest } = metered;
      const compiled = {
        module: new WebAssembly.Module(bytes),
        metered: rest,
        host: new HostFunctions(rest.shape.imports),
        bytes: bytes.length,
        exactAtTraps: key.exactAtTraps,
      };
      this.#keep(keyOf(key), compiled);
      return ok(compiled);
    } catch (error) {
      if (error instanceof WebAssembly.CompileError) {
        return fail({ code: "engine/invalid-module", detail: error.message.replace(/^WebAssembly\.Module\(\): /, "") });
      }
      if (error instanceof RangeError) return fail({ code: "engine/memory-exceeded", detail: error.message });
      throw error;
    }
  }

  #keep(key: string, compiled: CompiledModule): void {
    this.#modules.set(key, compiled);
    this.#bytes += compiled.bytes;
    for (const [oldest, { bytes }] of this.#modules) {
      if (this.#bytes <= CACHE_BYTES_MAX && this.#modules.size <= CACHE_MODULES_MAX) break;
      this.#modules.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

/** Whole pages in a budget of bytes, at most the 4 GiB of the format. */
export function pagesOf(memoryBytes: number): number {
  return Math.min(PAGES_MAX, Math.floor(memoryBytes / PAGE_BYTES));
}

function keyOf({ digest, memoryBytes, exactAtTraps }: ModuleKey): string {
  return `${digest} ${pagesOf(memoryBytes)} ${exactAtTraps ? "exact" : "fast"}`;
}
