import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as cedar from "@cedar-policy/cedar-wasm/web";

/** Cedar, ready to be asked. */
export type Cedar = Omit<typeof cedar, "default" | "initSync">;

/** What compiles and evaluates policies, for the record. */
export const CEDAR_COMPILER = "cedar-wasm/4.13.0";

// The one entry of the package that `require` can find; what is used lies beside it.
const PACKAGE = "@cedar-policy/cedar-wasm/nodejs";
const CODE = "cedar_wasm_bg.wasm";

let loaded: Cedar | undefined;

/**
 * Loads Cedar once in the life of a process: 4 MB of WebAssembly, some ten milliseconds, so whoever needs no decision never
 * calls this. The published form has the code beside itself; in a clone it lies in the package. Throws when it is not there.
 */
export function loadCedar(): Cedar {
  if (loaded !== undefined) return loaded;
  const own = fileURLToPath(import.meta.url);
  const beside = join(dirname(own), CODE);
  const path = existsSync(beside) ? beside : join(dirname(createRequire(own).resolve(PACKAGE)), "../web", CODE);
  cedar.initSync({ module: readFileSync(path) });
  return (loaded = cedar);
}
