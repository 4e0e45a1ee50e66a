import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compileAssemblyScript } from "./assemblyscript.ts";
import { REPOSITORY } from "./repository.ts";

/** A tenant of the demo: where its module comes from, and what it is there to show. */
export type Example = {
  /** Also the folder under examples/. */
  readonly tenant: string;
  readonly language: "assemblyscript" | "wat" | "elf";
  /** One line for a reader of the demo. */
  readonly shows: string;
};

/** The demo's tenants, in the order in which they make sense to a reader: those that run, those that are stopped, the refused. */
export const EXAMPLES: readonly Example[] = [
  { tenant: "hello", language: "assemblyscript", shows: "prints a greeting" },
  { tenant: "wordcount", language: "assemblyscript", shows: "reads its sandbox folder with fs:read" },
  { tenant: "primes", language: "wat", shows: "computes and prints 1229" },
  { tenant: "checksum", language: "assemblyscript", shows: "returns a number from an entry that its manifest names" },
  { tenant: "endless", language: "wat", shows: "is stopped by its fuel" },
  { tenant: "sleeper", language: "wat", shows: "is killed when its time is over" },
  { tenant: "greedy", language: "wat", shows: "declares more memory than its budget" },
  { tenant: "flood", language: "wat", shows: "is stopped by its output budget" },
  { tenant: "no-entry", language: "wat", shows: "has nothing to call, so that nothing runs" },
  { tenant: "native", language: "elf", shows: "is no WebAssembly, whatever its name says" },
  { tenant: "unknown-import", language: "wat", shows: "wants a function that the host does not offer" },
  { tenant: "demanding", language: "wat", shows: "asks for more than its tenant may have" },
  { tenant: "curious", language: "wat", shows: "asks for a permission that does not exist" },
  { tenant: "agent-draft", language: "wat", shows: "comes from an agent and waits for a person" },
];

const SOURCES = join(REPOSITORY, "examples");

/**
 * Builds every example into `<folder>/<tenant>/`: module.wasm, manifest.json, and sandbox/ where there is one. Files that
 * are there are overwritten. The same sources give the same bytes. Throws when a source does not compile.
 */
export async function buildExamples({ folder }: { readonly folder: string }): Promise<void> {
  for (const { tenant, language } of EXAMPLES) {
    const source = join(SOURCES, tenant);
    const target = join(folder, tenant);
    await mkdir(target, { recursive: true });
    await writeFile(join(target, "module.wasm"), await compile(source, language));
    await cp(join(source, "manifest.json"), join(target, "manifest.json"));
    if (existsSync(join(source, "sandbox"))) await cp(join(source, "sandbox"), join(target, "sandbox"), { recursive: true });
  }
}

async function compile(source: string, language: Example["language"]): Promise<Uint8Array> {
  if (language === "elf") return encodeElfHeader();
  return language === "wat" ? compileWat(source) : compileScript(source);
}

async function compileWat(source: string): Promise<Uint8Array> {
  const { default: openWabt } = await import("wabt");
  const path = join(source, "module.wat");
  const module = (await openWabt()).parseWat(path, await readFile(path), { bulk_memory: true });
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

async function compileScript(source: string): Promise<Uint8Array> {
  const file = join(source, "module.as");
  // A module that exports functions has them called by name; any other runs its top level as `_start`.
  const hasExports = /^export function/m.test(await readFile(file, "utf8"));
  return compileAssemblyScript(file, ["-O2", "--initialMemory", "1", ...(hasExports ? [] : ["--exportStart", "_start"])]);
}

/** The 64 bytes of an ELF header for an x86-64 object without sections: native code, by every sign that a scanner reads. */
function encodeElfHeader(): Uint8Array {
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64 bits, little end first, version 1
  const fields = new DataView(header.buffer);
  fields.setUint16(16, 1, true); // e_type: relocatable
  fields.setUint16(18, 62, true); // e_machine: x86-64
  fields.setUint32(20, 1, true); // e_version
  fields.setUint16(52, 64, true); // e_ehsize
  fields.setUint16(58, 64, true); // e_shentsize
  return header;
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write("usage: node tools/examples.ts FOLDER\n");
    process.exitCode = 2;
  } else {
    await buildExamples({ folder });
  }
}
