import {
  type EngineParts,
  loadEngineParts,
  type WasmExports,
  type WasmGlobal,
  type WasmImports,
} from "../../packages/nightcore/src/engine/v8/index.ts";
import { explainEngineFault } from "../../packages/nightcore/src/ports/index.ts";

const { decodeBudget, encodeBudget, MEMORY_IMPORT, meterModule, WebAssembly } = await loadEngineParts();

/** A value as `wast2json` writes it: floats by their bits, references by a number or `null`. */
export type SpecValue = { readonly type: string; readonly value: unknown };

/** An instance of either kind. `refill` gives a rewritten one its budgets back, since the specification goes on after a trap. */
export type SpecInstance = { readonly exports: WasmExports; refill(): void; overflowed(): boolean };

type Loaded = SpecInstance | { readonly said: string };

/** One of the two ways to run a file: its instances by name, and what it offers to modules that import. */
export class World {
  readonly #imports: Record<string, unknown>;
  readonly #named = new Map<string, SpecInstance | undefined>();
  readonly #instantiate: (bytes: Uint8Array<ArrayBuffer>, imports: WasmImports) => Loaded;
  readonly accepts: (bytes: Uint8Array<ArrayBuffer>) => string;
  #current: SpecInstance | undefined;

  constructor(
    instantiate: (bytes: Uint8Array<ArrayBuffer>, imports: WasmImports) => Loaded,
    accepts: (bytes: Uint8Array<ArrayBuffer>) => string,
  ) {
    this.#instantiate = instantiate;
    this.accepts = accepts;
    this.#imports = { spectest: spectest() };
  }

  /** Instantiates, and keeps the instance as the current one when `kept` says so. The answer is how that went. */
  load(bytes: Uint8Array<ArrayBuffer>, kept: { readonly name: string | undefined } | undefined): string {
    let loaded: Loaded;
    try {
      loaded = this.#instantiate(bytes, this.#imports as WasmImports);
    } catch (error) {
      loaded = { said: error instanceof WebAssembly.CompileError ? "invalid" : sayError(error) };
    }
    const instance = "said" in loaded ? undefined : loaded;
    if (kept !== undefined) {
      this.#current = instance;
      if (kept.name !== undefined) this.#named.set(kept.name, instance);
    }
    return "said" in loaded ? loaded.said : "an instance";
  }

  register(as: string, name: string | undefined): void {
    const instance = this.find(name);
    if (instance !== undefined) this.#imports[as] = instance.exports;
  }

  find(name: string | undefined): SpecInstance | undefined {
    return name === undefined ? this.#current : this.#named.get(name);
  }
}

/** Traps keep their message; what V8 says of an import names the offset or the index, which rewriting may change. */
function sayError(error: unknown): string {
  if (error instanceof WebAssembly.LinkError || error instanceof TypeError) return "unlinkable";
  if (error instanceof RangeError && error.message.includes("call stack")) return "trap: the stack is used up";
  return error instanceof WebAssembly.RuntimeError
    ? `trap: ${error.message.replace(/^WebAssembly\.Instance\(\): /, "")}`
    : String(error);
}

export function isValid(world: World, bytes: Uint8Array<ArrayBuffer>): string {
  return world.accepts(bytes);
}

function compiles(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    void new WebAssembly.Module(bytes);
    return "valid";
  } catch {
    return "invalid";
  }
}

/** V8 as it is. */
export function plainWorld(): World {
  return new World((bytes, imports) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    return { exports, refill: () => undefined, overflowed: () => false };
  }, compiles);
}

const FUEL = 0x7fff_ffff;
const MEMORY_PAGES_MAX = 65_536;

/** V8 behind the rewriter, with all the memory that the format can name. */
export function meteredWorld(): World {
  return new World(instantiateMetered, (bytes) => {
    const metered = meterModule(bytes, { memoryPagesMax: MEMORY_PAGES_MAX, exactAtTraps: false });
    return metered.ok ? compiles(metered.value.bytes) : refusalOf(metered.fault);
  });
}

function instantiateMetered(bytes: Uint8Array<ArrayBuffer>, imports: WasmImports): Loaded {
  const metered = meterModule(bytes, { memoryPagesMax: MEMORY_PAGES_MAX, exactAtTraps: false, fuelInitially: FUEL });
  if (!metered.ok) return { said: refusalOf(metered.fault) };
  const { budgetExport, startExport, memory } = metered.value;
  const own = memory === undefined ? undefined : new WebAssembly.Memory({ initial: memory.pagesMin, maximum: memory.pagesMax });
  const all = own === undefined ? imports : { ...imports, [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: own } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered.value.bytes), all);
  const budget = exports[budgetExport] as WasmGlobal;
  if (startExport !== undefined) (exports[startExport] as () => void)();
  const refill = (): void => void (budget.value = encodeBudget(FUEL));
  return { exports, refill, overflowed: () => decodeBudget(BigInt(budget.value), FUEL).end === "stack" };
}

type Refusal = Extract<ReturnType<EngineParts["meterModule"]>, { readonly ok: false }>["fault"];

/** `invalid` for what no engine may accept; what only the rewriter does not take has a name. */
function refusalOf(fault: Refusal): string {
  if (fault.code === "engine/invalid-module") return "invalid";
  const feature = /uses `([^`]+)`/.exec(fault.detail)?.[1];
  return `refused: ${feature ?? explainEngineFault(fault).message}`;
}

/** The module that the specification's tests import from. */
function spectest(): Record<string, unknown> {
  const print = (): void => undefined;
  return {
    ...{
      print,
      print_i32: print,
      print_i64: print,
      print_f32: print,
      print_f64: print,
      print_i32_f32: print,
      print_f64_f64: print,
    },
    ...{ global_i32: 666, global_i64: 666n, global_f32: Math.fround(666.6), global_f64: 666.6 },
    table: new WebAssembly.Table({ initial: 10, maximum: 20, element: "anyfunc" }),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
  };
}

const bits = new DataView(new ArrayBuffer(8));

/** An argument as JavaScript hands it over; undefined for a v128, which it cannot. */
export function readArgument({ type, value }: SpecValue): unknown {
  const text = String(value);
  switch (type) {
    case "i32":
      return Number(text) | 0;
    case "i64":
      return BigInt.asIntN(64, BigInt(text));
    case "f32":
      if (text.startsWith("nan:")) return NaN;
      bits.setUint32(0, Number(text));
      return bits.getFloat32(0);
    case "f64":
      if (text.startsWith("nan:")) return NaN;
      bits.setBigUint64(0, BigInt(text));
      return bits.getFloat64(0);
    case "v128":
      return undefined;
    default:
      return text === "null" ? null : Number(text);
  }
}
