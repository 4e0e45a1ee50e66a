import { WasmRefusal } from "./fault.ts";

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const TEXT_SAMPLE_BYTES = 512; // LIMIT: enough to tell text from binary

/**
 * Refuses what is not a core module of version 1, each other thing by its own code: ELF objects, text, components (the layer
 * field of the component model's header is 1), other versions, and files cut before the header ends.
 */
export function checkHeader(bytes: Uint8Array, bytesMax: number): void {
  if (bytes.length === 0) throw new WasmRefusal({ code: "wasm/empty" });
  if (startsWith(bytes, ELF_MAGIC)) throw new WasmRefusal({ code: "wasm/elf" });
  if (!startsWith(bytes, MAGIC)) {
    if (bytes.length < 4 && MAGIC.slice(0, bytes.length).every((byte, i) => bytes[i] === byte)) {
      throw new WasmRefusal({ code: "wasm/truncated", offset: bytes.length });
    }
    throw new WasmRefusal({ code: looksLikeText(bytes) ? "wasm/text" : "wasm/not-wasm" });
  }
  if (bytes.length < 8) throw new WasmRefusal({ code: "wasm/truncated", offset: bytes.length });
  const version = (bytes[4] as number) | ((bytes[5] as number) << 8);
  const layer = (bytes[6] as number) | ((bytes[7] as number) << 8);
  if (layer === 1) throw new WasmRefusal({ code: "wasm/component" });
  if (version !== 1 || layer !== 0) throw new WasmRefusal({ code: "wasm/version", version: layer * 65_536 + version });
  if (bytes.length > bytesMax) throw new WasmRefusal({ code: "wasm/too-large", bytes: bytes.length, bytesMax });
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, i) => bytes[i] === byte);
}

/** Printable ASCII, tabs, line ends and UTF-8 lead or continuation bytes only, in the first bytes. */
function looksLikeText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, TEXT_SAMPLE_BYTES);
  return sample.every((byte) => (byte >= 0x20 ? byte !== 0x7f && byte < 0xf8 : byte === 0x09 || byte === 0x0a || byte === 0x0d));
}
