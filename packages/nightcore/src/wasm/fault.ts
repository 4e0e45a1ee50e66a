import { type Explanation, quote, unreachable } from "#core";
import type { UnsupportedFeature } from "./feature.ts";

/** Why bytes were not accepted as a module that Night Core can meter. Offsets count from the first byte of the file. */
export type WasmFault =
  | { readonly code: "wasm/empty" }
  | { readonly code: "wasm/elf" }
  | { readonly code: "wasm/text" }
  | { readonly code: "wasm/not-wasm" }
  | { readonly code: "wasm/component" }
  | { readonly code: "wasm/version"; readonly version: number }
  | { readonly code: "wasm/truncated"; readonly offset: number }
  | { readonly code: "wasm/too-large"; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: "wasm/malformed"; readonly offset: number; readonly what: string }
  | { readonly code: "wasm/limit"; readonly what: string; readonly count: number; readonly countMax: number }
  | { readonly code: "wasm/unsupported"; readonly feature: UnsupportedFeature; readonly offset: number };

/** Carries a fault out of the depth of the reader; `walkModule` turns it into a Result, and no one else sees it. */
export class WasmRefusal extends Error {
  readonly fault: WasmFault;
  constructor(fault: WasmFault) {
    super(fault.code);
    this.fault = fault;
  }
}

/** Says in one sentence what is wrong with the bytes, and what to do where something can be done. */
export function explainWasmFault(fault: WasmFault): Explanation {
  switch (fault.code) {
    case "wasm/empty":
      return { message: "the module is empty" };
    case "wasm/elf":
      return { message: "the module is native code (an ELF object), not WebAssembly", hint: "link it for a wasm32 target" };
    case "wasm/text":
      return { message: "the module is text, not a WebAssembly binary", hint: "assemble it first, for example with wat2wasm" };
    case "wasm/not-wasm":
      return { message: "the module is not WebAssembly: it does not begin with `\\0asm`" };
    case "wasm/component":
      return {
        message: "the module is a component, and only core modules are run",
        hint: "build for wasm32-wasip1, or extract the core module",
      };
    case "wasm/version":
      return { message: `the module has version ${fault.version} of the binary format, and only version 1 is known` };
    case "wasm/truncated":
      return { message: `the module ends at offset ${fault.offset}, before what it announces`, hint: "get the whole file again" };
    case "wasm/too-large":
      return { message: `the module has ${fault.bytes} bytes, and at most ${fault.bytesMax} are accepted` };
    case "wasm/malformed":
      return { message: `the module is malformed at offset ${fault.offset}: ${fault.what}` };
    case "wasm/limit":
      return { message: `the module has ${fault.count} ${fault.what}, and at most ${fault.countMax} are accepted` };
    case "wasm/unsupported":
      return {
        message: `the module uses ${quote(fault.feature)} at offset ${fault.offset}, which cannot be metered`,
        hint: "compile it without that feature",
      };
    default:
      return unreachable(fault);
  }
}
